"""Answers of annotators out of files: what Label Studio exports (JSON), or CSV.

Called by `interlock annotate import`. An answer that was skipped or is empty is none. What cannot be read at all is an
error that names it, and nothing is sent then.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from interlock.client.annotation_tasks import ANNOTATOR, LABEL
from interlock.domain.errors import InvalidInputError

_ID = "prediction_id"


def read(path: Path, *, annotator: str | None = None) -> list[dict[str, Any]]:
    """Answers with `prediction_id`, `annotator` and `label`, those of one case behind each other.

    Args:
        path: `.json` is what Label Studio exports (JSON or JSON_MIN), `.csv` a table with the columns `prediction_id`,
            `label` and, where several people answered, `annotator`.
        annotator: Whose answers they are, where the file does not tell.

    Raises:
        InvalidInputError: It cannot be read, is of another form, or does not tell whose an answer is.
    """
    try:
        if path.suffix.lower() == ".csv":
            found = list(_of_csv(path))
        elif path.suffix.lower() == ".json":
            found = [answer for task in _tasks(path) for answer in _of_task(task, path)]
        else:
            raise InvalidInputError(f"{path} ends in {path.suffix!r}, must be .json (of Label Studio) or .csv")
    except FileNotFoundError as error:
        raise InvalidInputError(f"{path} cannot be read: there is no such file") from error
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"{path} is not a readable csv file: {error}") from error
    return sorted(_named(found, annotator, path), key=lambda each: (each[_ID], each[ANNOTATOR]))


def _named(found: list[dict[str, Any]], annotator: str | None, path: Path) -> Iterator[dict[str, Any]]:
    for each in found:
        name = each[ANNOTATOR] or annotator
        if name is None:
            raise InvalidInputError(f"{path} does not tell whose answers these are; say it with --annotator")
        yield {**each, ANNOTATOR: name}


def _of_csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        names = rows.fieldnames or []
        if missing := [name for name in (_ID, LABEL) if name not in names]:
            raise InvalidInputError(
                *(f"{path} has no column {name!r}" for name in missing), f"it has: {', '.join(names)}"
            )
        for row in rows:
            if row[LABEL] and row[LABEL].strip():
                yield {_ID: row[_ID], ANNOTATOR: (row.get(ANNOTATOR) or "").strip() or None, LABEL: row[LABEL].strip()}


def _tasks(path: Path) -> list[dict[str, Any]]:
    try:
        found = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise InvalidInputError(f"{path} is not a readable json file: {error}") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InvalidInputError(f"{path} is not what Label Studio exports: that is a list of tasks")
    return found


def _of_task(task: Mapping[str, Any], path: Path) -> Iterator[dict[str, Any]]:
    """Answers to one task, in the long form (`annotations`) or the short one (JSON_MIN)."""
    data = task.get("data", task)
    id = data.get(_ID) if isinstance(data, dict) else None
    if not isinstance(id, str):
        number = task.get("id", "?")
        raise InvalidInputError(f"{path}: task {number} lacks data.{_ID}; was it made by `annotate export`?")
    if "annotations" not in task:
        if (label := task.get(LABEL)) not in (None, ""):
            yield {_ID: id, ANNOTATOR: _who(task.get(ANNOTATOR)), LABEL: label}
        return
    for each in task["annotations"]:
        if not each.get("was_cancelled"):
            for label in _results(each.get("result") or []):
                yield {_ID: id, ANNOTATOR: _who(each.get("completed_by")), LABEL: label}


def _results(results: list[dict[str, Any]]) -> Iterator[Any]:
    """What was said under the name of the question, at most once."""
    for each in results:
        value = each.get("value") or {}
        if each.get("from_name") != LABEL:
            continue
        said = next((value[kind] for kind in ("choices", "number", "text") if kind in value), None)
        yield said[0] if isinstance(said, list) and said else said
        return


def _who(given: Any) -> str | None:
    """Label Studio names people by number, or with their mail address."""
    if isinstance(given, dict):
        given = given.get("email") or given.get("username") or given.get("id")
    return None if given in (None, "") else str(given)
