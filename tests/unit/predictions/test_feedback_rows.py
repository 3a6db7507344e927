from typing import Any

import pytest

from interlock.predictions.feedback_rows import convert, text_of
from interlock.predictions.log_schema import DECISIONS, LABELS, REWARDS
from interlock.predictions.records import (
    Decision,
    DecisionsRecord,
    FeedbackRecord,
    Label,
    LabelsRecord,
    Record,
    Reward,
    RewardsRecord,
    decoder,
    encoder,
)


@pytest.mark.parametrize(
    ("label", "number", "text"),
    [("late", None, "late"), (True, 1.0, "true"), (3, 3.0, "3"), (3.0, 3.0, "3"), (0.25, 0.25, "0.25")],
)
def test_a_label_is_kept_as_text_and_where_it_is_one_as_number(label: Any, number: float | None, text: str) -> None:
    found = convert([LabelsRecord("wine", 5, [Label("p1", None, 0, label, 4)])])
    row = found.table.to_pylist()[0]
    assert (row["label_number"], row["label_text"], found.misfits) == (number, text, [])
    assert text_of(label) == text


def test_labels_that_came_together_keep_their_order() -> None:
    given = [Label(None, "q1", row, row, 4, "human", 0.5) for row in range(3)]
    table = convert([LabelsRecord("wine", 5, given)]).table
    assert table["batch_row"].to_pylist() == [0, 1, 2]
    assert table["request_row"].to_pylist() == [0, 1, 2]
    assert set(table["source"].to_pylist()) == {"human"}


def test_a_record_that_does_not_fit_costs_no_other() -> None:
    good = LabelsRecord("wine", 5, [Label("p1", None, 0, 1, 4)])
    bad = LabelsRecord("wine", 5, [Label("p2", None, 2**40, 1, 4)])
    found = convert([bad, good])
    assert found.table["prediction_id"].to_pylist() == ["p1"]
    assert found.misfits == [bad]


def test_decisions_and_rewards_have_tables_of_their_own() -> None:
    decided = convert([DecisionsRecord("wine", 5, [Decision("p1", None, 0, "deny", 4)])])
    assert (decided.kind, decided.table.schema) == ("decisions", DECISIONS)
    row = decided.table.to_pylist()[0]
    assert (row["decision"], row["decision_text"], row["source"]) == ('"deny"', "deny", "human")
    rewarded = convert([RewardsRecord("wine", 5, [Reward("p1", None, 0, "revenue", 2.5, 4)])])
    assert (rewarded.kind, rewarded.table.schema) == ("rewards", REWARDS)
    assert {name: rewarded.table.to_pylist()[0][name] for name in ("name", "value", "source")} == {
        "name": "revenue",
        "value": 2.5,
        "source": "natural",
    }


def test_the_tables_differ_in_what_was_said_alone() -> None:
    said = {"label", "label_number", "label_text", "decision", "decision_number", "decision_text", "name", "value"}
    assert set(LABELS.names) - said == set(DECISIONS.names) - said == set(REWARDS.names) - said


@pytest.mark.parametrize(
    "record",
    [
        LabelsRecord("wine", 5, [Label("p1", None, 0, "late", 4)]),
        DecisionsRecord("wine", 5, [Decision(None, "q1", 2, True, 4)]),
        RewardsRecord("wine", 5, [Reward("p1", None, 0, "revenue", 2.5, 4, "till", 0.5)]),
    ],
)
def test_a_record_is_read_as_it_was_written(record: FeedbackRecord) -> None:
    read: Record = decoder.decode(encoder.encode(record))
    assert read == record
