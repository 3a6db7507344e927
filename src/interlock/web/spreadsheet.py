"""Values and tables as spreadsheets read them.

A text that one would take for a formula gets an apostrophe in front: the values are those of strangers.
"""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from math import isfinite
from typing import Any

import msgspec

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """What a spreadsheet holds: numbers, truth values, and texts that are no formulas.

    Examples:
        >>> cell("=SUM(A1)"), cell(-1.5), cell([1, 2]), cell(float("nan"))
        ("'=SUM(A1)", -1.5, '[1,2]', None)
    """
    if isinstance(value, float) and not isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode().strip('"')
    return f"'{text}" if text.startswith(_FORMULA) else text


def table_csv(table: Sequence[Sequence[Any]]) -> bytes:
    """Lines of cells as CSV."""
    out = StringIO()
    csv.writer(out).writerows(table)
    return out.getvalue().encode()


def csv_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as CSV, with a line of names; nothing of no rows."""
    return table_csv([list(rows[0]), *([cell(value) for value in row.values()] for row in rows)]) if rows else b""
