"""A drawn row as an annotator sees it: its inputs, with kept images as pictures. Called by `annotations`."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from interlock.domain.annotation import Task
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError
from interlock.predictions.image_log import ImageLog
from interlock.predictions.parts import HASHED


def describe(
    tasks: Sequence[Task], rows: pa.Table, contract: Contract, images: ImageLog, endpoint: str
) -> Iterator[dict[str, Any]]:
    """Tasks with what people need to answer them.

    Args:
        tasks: One a row.
        rows: Columns of the log.
        contract: Names the inputs. What a privacy rule kept out of the log is null.
        images: Where kept images are.
        endpoint: Whose.
    """
    columns = {field.name: _column(rows, f"input.{field.name}") for field in contract.inputs}
    predicted = _column(rows, "output.label" if contract.is_classifier else "output.prediction")
    for number, task in enumerate(tasks):
        values = {name: None if column is None else column[number].as_py() for name, column in columns.items()}
        yield {
            "prediction_id": task.prediction_id,
            "weight": task.weight,
            "chance": task.chance,
            "reason": task.reason,
            "event_at": rows["event_at"][number].as_py(),
            "version": rows["version"][number].as_py(),
            "predicted": None if predicted is None else predicted[number].as_py(),
            "inputs": {**values, **_pictures(contract.inputs, values, images, endpoint)},
        }


def _column(rows: pa.Table, name: str) -> pa.ChunkedArray | None:
    """Of several columns of this name (its type changed between versions) the one with most values."""
    found = [each for each in rows.column_names if each.partition("~")[0] == name and not each.endswith(HASHED)]
    best = min(found, key=lambda each: rows[each].null_count, default=None)
    return None if best is None else rows[best]


def _pictures(
    fields: Sequence[Field], values: Mapping[str, Any], images: ImageLog, endpoint: str
) -> dict[str, str | None]:
    """Images as data URIs, which every annotation tool shows without reaching this server; None if none was kept."""
    return {field.name: _picture(images, endpoint, values[field.name]) for field in fields if field.image is not None}


def _picture(images: ImageLog, endpoint: str, file: str | None) -> str | None:
    if file is None:
        return None
    try:
        content = images.read(endpoint, file)
    except InvalidInputError:
        return None
    kind = "jpeg" if file.endswith((".jpg", ".jpeg")) else "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
