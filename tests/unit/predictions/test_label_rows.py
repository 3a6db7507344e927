from typing import Any

import pytest

from interlock.predictions.label_rows import convert, text_of
from interlock.predictions.records import Label, LabelsRecord


@pytest.mark.parametrize(
    ("label", "number", "text"),
    [("late", None, "late"), (True, 1.0, "true"), (3, 3.0, "3"), (3.0, 3.0, "3"), (0.25, 0.25, "0.25")],
)
def test_a_label_is_kept_as_text_and_where_it_is_one_as_number(label: Any, number: float | None, text: str) -> None:
    table, misfits = convert([LabelsRecord("wine", 5, [Label("p1", None, 0, label, 4)])])
    row = table.to_pylist()[0]
    assert (row["label_number"], row["label_text"], misfits) == (number, text, [])
    assert text_of(label) == text


def test_labels_that_came_together_keep_their_order() -> None:
    given = [Label(None, "q1", row, row, 4, "human", 0.5) for row in range(3)]
    table, _ = convert([LabelsRecord("wine", 5, given)])
    assert table["batch_row"].to_pylist() == [0, 1, 2]
    assert table["request_row"].to_pylist() == [0, 1, 2]
    assert set(table["source"].to_pylist()) == {"human"}


def test_a_record_that_does_not_fit_costs_no_other() -> None:
    good = LabelsRecord("wine", 5, [Label("p1", None, 0, 1, 4)])
    bad = LabelsRecord("wine", 5, [Label("p2", None, 2**40, 1, 4)])
    table, misfits = convert([bad, good])
    assert table["prediction_id"].to_pylist() == ["p1"]
    assert misfits == [bad]
