from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.predictions.conftest import label, labels, version
from tests.prediction_records import START_US, prediction

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError
from interlock.domain.row_condition import Condition, parse
from interlock.predictions.mistakes import Mistake, Question, Tagged, TagTotals, Totals

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

START = datetime.fromtimestamp(START_US / 1_000_000, tz=UTC)


def asked(**more: Any) -> Question:
    return Question(**{"endpoint": "wine", "since": START, "until": START + timedelta(days=1), **more})


def answered(number: int, answer: Any, sure: float, **more: Any) -> Any:
    return prediction(number, outputs={"label": [answer], "probabilities": [[1 - sure, sure]]}, **more)


def ids(rows: list[Mistake]) -> list[str]:
    return [row.prediction_id for row in rows]


@pytest.fixture
def judged(home: "Home") -> "Home":
    """Six rows: two right, two wrong, one without a label, and one of the next day."""
    home.collect(
        answered(1, True, 0.9), answered(2, True, 0.95), answered(3, False, 0.7), answered(4, False, 0.55),
        answered(5, True, 0.51, version="m:2"), answered(6, True, 0.8, event_at_us=[START_US + 86_400_000_000]),
    )  # fmt: skip
    home.collect(labels(*(label(f"p{number}-0", number in (1, 4)) for number in (1, 2, 3, 4, 6))))
    return home


def test_a_wrong_answer_is_found_with_label_score_and_inputs(judged: "Home") -> None:
    (first, second) = judged.reader.mistakes.page(asked(order="-score"))
    assert (first.prediction_id, first.answer, first.label, first.score, first.error) == (
        "p2-0",
        "true",
        "false",
        0.95,
        1.0,
    )
    assert first.inputs == {"x": 2.0, "kind": "red"}
    assert first.is_wrong
    assert (second.prediction_id, second.event_at) == ("p4-0", START + timedelta(seconds=4))
    assert judged.reader.mistakes.totals(asked()) == Totals(rows=5, labelled=4, wrong=2, error=2.0)
    assert type(first.error) is float


def test_unsure_answers_need_no_label_and_are_not_called_wrong(judged: "Home") -> None:
    found = judged.reader.mistakes.page(asked(shown="unsure", below=0.6))
    assert [(row.prediction_id, row.label, row.is_wrong) for row in found] == [
        ("p5-0", None, False),
        ("p4-0", "true", True),
    ]
    assert judged.reader.mistakes.count(asked(shown="unsure", below=0.52)) == 1


def test_rows_are_filtered_sorted_and_paged(judged: "Home") -> None:
    find = judged.reader.mistakes.page
    assert ids(find(asked(shown="labelled", order="-event_at"))) == ["p4-0", "p3-0", "p2-0", "p1-0"]
    assert ids(find(asked(shown="labelled", order="event_at", offset=1, limit=2))) == ["p2-0", "p3-0"]
    assert ids(find(asked(shown="labelled", answer="false", order="event_at"))) == ["p3-0", "p4-0"]
    assert ids(find(asked(shown="labelled", label="true", order="event_at"))) == ["p1-0", "p4-0"]
    assert ids(find(asked(shown="unsure", version="m:2"))) == ["p5-0"]
    assert ids(find(asked(tag=Tagged("t", ["p4-0", "p9-0"])))) == ["p4-0"]
    assert ids(find(asked(tag=Tagged("t")))) == []
    assert judged.reader.mistakes.totals(asked(version="m:2")) == Totals(rows=1, labelled=0, wrong=0, error=0.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x > 2", ["p3-0", "p4-0"]),
        ("x < 1.5", ["p1-0"]),
        ("x = 2", ["p2-0"]),
        ("x != 2", ["p1-0", "p3-0", "p4-0"]),
        ("x > 1 and x <= 3", ["p2-0", "p3-0"]),
        ("kind = red", ["p1-0", "p2-0", "p3-0", "p4-0"]),
        ("kind = '; DROP TABLE p; --'", []),
        ("kind is missing", []),
        ("input.x >= 4", ["p4-0"]),
        ("answer = false", ["p3-0", "p4-0"]),
        ("label = true and score < 0.6", ["p4-0"]),
        ("version = m:2", []),
        ("error = 1", ["p2-0", "p4-0"]),
    ],
)
def test_a_condition_is_a_value_and_never_sql(judged: "Home", text: str, found: list[str]) -> None:
    question = asked(shown="labelled", order="event_at", conditions=parse(text))
    assert ids(judged.reader.mistakes.page(question)) == found
    assert judged.reader.mistakes.count(question) == len(found)


def test_a_condition_that_cannot_be_met_is_told_why(judged: "Home") -> None:
    with pytest.raises(
        InvalidInputError, match=r"no input 'y'; there is: x, kind, answer, score, version, label, error"
    ):
        judged.reader.mistakes.count(asked(conditions=(Condition("y", "=", "1"),)))
    with pytest.raises(InvalidInputError, match="must be compared with a number"):
        judged.reader.mistakes.count(asked(conditions=(Condition("x", ">", "red"),)))
    with pytest.raises(InvalidInputError, match="rows that wait for a label have none"):
        judged.reader.mistakes.answers("wine").where(parse("label = true"), labelled=False)


def test_tags_are_counted_in_the_window_only(judged: "Home") -> None:
    tags = [Tagged("night", ["p2-0", "p1-0", "p6-0"]), Tagged("empty", ["p9-0"]), Tagged("dark", ["p2-0", "p4-0"])]
    assert judged.reader.mistakes.of_tags(asked(), tags) == {
        "night": TagTotals(rows=2, wrong=1, error=1.0),
        "dark": TagTotals(rows=2, wrong=2, error=2.0),
    }
    assert judged.reader.mistakes.of_tags(asked(), []) == {}


def test_a_rule_tags_what_it_says_and_what_was_tagged_by_hand(judged: "Home") -> None:
    many = Tagged("many", ["p1-0", "p4-0"], parse("x >= 4"))
    none = Tagged("none", (), parse("x > 99"))
    assert judged.reader.mistakes.of_tags(asked(), [many, none]) == {
        "many": TagTotals(rows=3, wrong=1, error=1.0),  # rows 1, 4, 5: of the last nobody knows
        "none": TagTotals(rows=0, wrong=0, error=0.0),
    }
    rows = judged.reader.mistakes.page(asked(shown="labelled", order="event_at"), [many, none])
    assert [row.tags for row in rows] == [("many",), (), (), ("many",)]
    assert ids(judged.reader.mistakes.page(asked(tag=many))) == ["p4-0"]


def test_a_rule_over_a_column_that_is_gone_is_told_apart(judged: "Home") -> None:
    gone = Tagged("gone", (), parse("sugar > 4"))
    found = judged.reader.mistakes.faults("wine", [Tagged("x", (), parse("x > 4")), gone])
    assert list(found) == ["gone"]
    assert "no input 'sugar'" in found["gone"]


@pytest.mark.parametrize(
    ("answer", "said", "is_wrong"),
    [
        (True, 1, False), (True, "True", False), (False, 1, True), (3, 3.0, False), (3, "3", False),
        ("late", "LATE", False), ("late", "early", True), (2.5, 2.5, False),
    ],
)  # fmt: skip
def test_the_same_class_in_another_spelling_is_right(home: "Home", answer: Any, said: Any, is_wrong: bool) -> None:
    home.collect(prediction(1, version="other:1", outputs={"label": [answer]}))
    home.collect(labels(label("p1-0", said)))
    (row,) = home.reader.mistakes.page(asked(shown="labelled"))
    assert row.is_wrong is is_wrong
    assert row.score is None


def test_of_numbers_the_distance_counts(home: "Home") -> None:
    contract = Contract(
        inputs=(Field(name="x", datatype="FP64"),),
        outputs=(Field(name="prediction", datatype="FP64"),),
        task="regression",
    )
    with home.store.transaction() as tx:
        tx.models.add(version(3, contract))
    for number, predicted in ((1, 10.0), (2, 12.0), (3, 20.0)):
        home.collect(prediction(number, version="m:3", inputs={"x": [0.0]}, outputs={"prediction": [predicted]}))
    home.collect(labels(label("p1-0", 10), label("p2-0", 10.5), label("p3-0", 10)))
    mistakes = home.reader.mistakes
    assert mistakes.answers("wine").is_regressor
    assert [(row.prediction_id, row.error) for row in mistakes.page(asked(order="-error"))] == [
        ("p3-0", 10.0),
        ("p2-0", 1.5),
    ]
    assert mistakes.totals(asked()) == Totals(rows=3, labelled=3, wrong=2, error=11.5)


def test_a_log_that_is_not_there_yet_has_no_rows(home: "Home") -> None:
    assert home.reader.mistakes.totals(asked(endpoint="new")) == Totals(rows=0, labelled=0, wrong=0, error=0.0)
    assert home.reader.mistakes.page(asked(endpoint="new")) == []
