import csv
from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Any

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.predictions.mistakes import Mistake
from interlock.web import error_sheet

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(**inputs: Any) -> Mistake:
    return Mistake("p1", AT, "m:1", "late", "early", 0.75, 1.0, True, inputs, ("night", "rain"))


def table(form: str, *rows: Mistake) -> list[list[Any]]:
    content, _ = error_sheet.written(form, rows)
    if form == "csv":
        return list(csv.reader(StringIO(content.decode())))
    openpyxl = pytest.importorskip("openpyxl")
    return [list(line) for line in openpyxl.load_workbook(BytesIO(content)).active.iter_rows(values_only=True)]


def test_rows_become_lines_with_their_tags_and_inputs() -> None:
    found = table("csv", row(x=1.5, day=None), row(x=2.0, tail=[1, 2]))
    assert found[0][-3:] == ["input.x", "input.day", "input.tail"]
    assert found[1] == [
        "p1",
        "2026-03-01T12:00:00+00:00",
        "m:1",
        "late",
        "early",
        "0.75",
        "1.0",
        "True",
        "night rain",
        "1.5",
        "",
        "",
    ]
    assert found[2][-1] == "[1,2]"


def test_a_spreadsheet_holds_the_same_with_numbers_as_numbers() -> None:
    found = table("xlsx", row(x=1.5, note="a\x00b", gone=float("nan")))
    assert found[1][5:] == [0.75, 1, True, "night rain", 1.5, "ab", None]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1"])
def test_a_text_is_never_a_formula(form: str, evil: str) -> None:
    assert table(form, row(x=evil))[1][-1] == f"'{evil}"


def test_another_form_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be csv or xlsx"):
        error_sheet.written("pdf", [])
