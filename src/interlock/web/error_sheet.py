"""Rows of the page of errors as a file for a spreadsheet: CSV, or XLSX where openpyxl is installed.

A text that a spreadsheet would take for a formula gets an apostrophe in front: the values are those of strangers.
"""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from interlock.domain.errors import InvalidInputError
from interlock.predictions.mistakes import Mistake
from interlock.web.spreadsheet import cell, table_csv

_FIRST = ("prediction_id", "event_at", "version", "answer", "label", "score", "error", "wrong", "tags")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What XML cannot hold: control characters but tab and line breaks.
_UNPRINTABLE = {code: None for code in range(32) if code not in (9, 10, 13)}


def has_xlsx() -> bool:
    """Whether XLSX can be written here."""
    return find_spec("openpyxl") is not None


def written(form: str, rows: Sequence[Mistake]) -> tuple[bytes, str]:
    """Write rows.

    Args:
        form: `csv` or `xlsx`.
        rows: What to write, with their inputs and tags.

    Returns:
        The file, and its media type.

    Raises:
        InvalidInputError: The form is another one, or needs what is not installed.
    """
    inputs = list(dict.fromkeys(name for row in rows for name in row.inputs))
    table = [[*_FIRST, *(f"input.{name}" for name in inputs)]]
    table += [_line(row, inputs) for row in rows]
    if form == "csv":
        return table_csv(table), "text/csv; charset=utf-8"
    if form != "xlsx":
        raise InvalidInputError(f"format == {form[:20]!r}, must be csv or xlsx")
    if not has_xlsx():
        raise InvalidInputError("XLSX needs openpyxl; install it with: pip install 'interlock[xlsx]', or take csv")
    return _xlsx(table), _XLSX


def _line(row: Mistake, inputs: Sequence[str]) -> list[Any]:
    first = [
        row.prediction_id, row.event_at.isoformat(), row.version, row.answer, row.label, row.score, row.error,
        row.is_wrong, " ".join(row.tags),
    ]  # fmt: skip
    return [cell(value) for value in (*first, *(row.inputs.get(name) for name in inputs))]


def _xlsx(table: Sequence[Sequence[Any]]) -> bytes:
    book = import_module("openpyxl").Workbook(write_only=True)
    sheet = book.create_sheet("errors")
    for line in table:
        sheet.append([each.translate(_UNPRINTABLE) if isinstance(each, str) else each for each in line])
    out = BytesIO()
    book.save(out)
    return out.getvalue()
