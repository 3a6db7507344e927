from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.review.conftest import ANN, ROWS

from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.review import annotations as module

if TYPE_CHECKING:
    from tests.integration.review.conftest import Reviewed

START = datetime(2013, 4, 3, 14, 40, tzinfo=UTC)
UNLABELLED = ROWS - ROWS // 5


def ids(found: dict[str, Any]) -> set[str]:
    return {task["prediction_id"] for task in found["tasks"]}


def test_rows_without_a_label_are_drawn_with_their_inputs_and_weights(reviewed: "Reviewed") -> None:
    found = reviewed.services.annotations.export("wine", 40, actor=ANN, seed=7)
    export = found["export"]
    assert (export["id"], export["rows"], export["drawn"]) == (1, UNLABELLED, 40)
    assert not ids(found) & {f"p{number}-0" for number in range(0, ROWS, 5)}
    for task in found["tasks"]:
        number = int(task["prediction_id"][1:-2])
        assert task["inputs"] == {"x": float(number), "kind": "red"}
        assert task["weight"] == pytest.approx(1 / task["chance"])
        assert task["event_at"] == START + timedelta(seconds=number)
    # What the sample stands for is about what there is.
    assert sum(task["weight"] for task in found["tasks"]) == pytest.approx(UNLABELLED, rel=0.35)
    assert {"uncertain", "random"} <= {task["reason"] for task in found["tasks"]}
    assert found["question"] == {"task": "binary", "classes": [False, True], "images": []}


def test_the_newest_answer_of_another_version_is_set_beside_each_row(reviewed: "Reviewed") -> None:
    found = reviewed.services.reader.unlabelled("wine", None, START + timedelta(days=1), most=1000, seed=1)
    other = dict(zip(found.rows["prediction_id"].to_pylist(), found.rows["other.label"].to_pylist(), strict=True))
    assert (found.total, found.share) == (UNLABELLED, 1.0)
    assert {id for id, said in other.items() if said is not None} == {"p1-0", "p2-0"}, "p5-0 has a label"


def test_the_same_seed_draws_the_same_rows_and_of_many_a_bounded_sample_is_looked_at(reviewed: "Reviewed") -> None:
    reader, until = reviewed.services.reader, START + timedelta(days=1)
    some = [
        reader.unlabelled("wine", None, until, most=50, seed=seed).rows["prediction_id"].to_pylist()
        for seed in (3, 3, 4)
    ]
    assert some[0] == some[1] != some[2]
    found = reader.unlabelled("wine", None, until, most=50, seed=3)
    assert (found.rows.num_rows, found.total, found.share) == (50, UNLABELLED, 50 / UNLABELLED)


def test_chances_count_that_only_a_sample_was_looked_at(reviewed: "Reviewed", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CANDIDATES", 80)
    found = reviewed.services.annotations.export("wine", 20, actor=ANN, random_share=1.0, seed=1)
    assert {round(task["weight"], 9) for task in found["tasks"]} == {UNLABELLED / 20}


def test_a_next_export_begins_where_the_last_one_ended_and_draws_nothing_twice(reviewed: "Reviewed") -> None:
    export = reviewed.services.annotations.export
    middle = START + timedelta(seconds=100)
    first = export("wine", 30, actor=ANN, until=middle)
    second = export("wine", 30, actor=ANN, until=START + timedelta(days=1))
    assert (first["export"]["rows"], second["export"]["rows"]) == (80, 80)
    assert second["export"]["since"] == "2013-04-03T14:41:40Z"
    assert (first["overlaps"], second["overlaps"]) == ([], [])
    third = export("wine", 1000, actor=ANN, since=START, until=START + timedelta(days=1))
    assert third["overlaps"] == [1, 2]
    assert not ids(third) & (ids(first) | ids(second))
    assert third["export"]["drawn"] == UNLABELLED - 60
    nothing = export("wine", 10, actor=ANN, since=START, until=START + timedelta(days=1))
    assert (nothing["tasks"], nothing["export"]["id"]) == ([], 0)


def answers(found: dict[str, Any], **by_annotator: Any) -> list[dict[str, Any]]:
    return [
        {"prediction_id": task["prediction_id"], "annotator": name, "label": label}
        for task in found["tasks"]
        for name, label in by_annotator.items()
    ]


def test_what_stands_is_a_label_with_the_weight_of_its_row(reviewed: "Reviewed") -> None:
    service = reviewed.services.annotations
    drawn = service.export("wine", 10, actor=ANN)
    weights = {task["prediction_id"]: task["weight"] for task in drawn["tasks"]}
    first = service.answer("wine", answers(drawn, ann="True"), actor=ANN, fewest=2)
    assert (first["accepted"], first["labels"], first["too_few"]) == (10, [], 10)
    # From another file, days later: everything is counted together.
    second = service.answer("wine", answers(drawn, ben="true"), actor=ANN, fewest=2)
    assert {each["prediction_id"]: each["weight"] for each in second["labels"]} == weights
    assert {(each["label"], each["source"]) for each in second["labels"]} == {(True, "annotator")}
    third = service.answer("wine", answers(drawn, ben=False), actor=ANN, fewest=2)
    assert (third["labels"], third["contested"]) == ([], 10)
    assert third["agreement"]["annotators"] == {"ann": 10, "ben": 10}
    fourth = service.answer("wine", answers(drawn, cem=False), actor=ANN)
    assert {each["label"] for each in fourth["labels"]} == {False}
    assert service.overview("wine")["exports"][0]["answered"] == 10


def test_a_bad_answer_is_named_and_costs_the_others_nothing(reviewed: "Reviewed") -> None:
    service = reviewed.services.annotations
    drawn = service.export("wine", 2, actor=ANN)
    good, other = answers(drawn, ann=True)
    given = [other | {"label": "perhaps"}, good, good | {"prediction_id": "p0-0"}, good | {"annotator": ""}]
    found = service.answer("wine", given, actor=ANN)
    assert (found["accepted"], len(found["labels"])) == (1, 1)
    said = {each["index"]: each["error"] for each in found["rejected"]}
    assert set(said) == {0, 2, 3}
    assert "must be one of false, true" in said[0]
    assert "was not exported for annotation" in said[2]


def test_labelled_rows_are_drawn_no_more(reviewed: "Reviewed") -> None:
    service = reviewed.services.annotations
    drawn = service.export("wine", 20, actor=ANN)
    told = service.answer("wine", answers(drawn, ann=True), actor=ANN)["labels"]
    reviewed.say("wine", told)
    left = reviewed.services.reader.unlabelled("wine", None, START + timedelta(days=1), most=1000, seed=1)
    assert left.total == UNLABELLED - 20


def test_who_is_forgotten_is_in_no_task(reviewed: "Reviewed") -> None:
    service = reviewed.services.annotations
    drawn = service.export("wine", UNLABELLED, actor=ANN)
    service.answer("wine", answers(drawn, ann=True), actor=ANN)
    reviewed.services.eraser.erase("wine", "u1", ANN)
    with reviewed.services.store.read() as tx:
        assert tx.annotations.tasks("wine", ["p1-0"]) == []
        assert tx.annotations.answers("wine", ["p1-0"]) == []
        assert len(tx.annotations.tasks("wine")) == UNLABELLED - 1


def test_every_act_is_in_the_audit_log(reviewed: "Reviewed") -> None:
    service = reviewed.services.annotations
    service.answer("wine", answers(service.export("wine", 2, actor=ANN), ann=True), actor=ANN)
    with reviewed.services.store.read() as tx:
        said = [(entry.actor, entry.action, entry.subject) for entry in tx.audit.list()]
    assert {("ann", "annotation.export", "wine"), ("ann", "annotation.answer", "wine")} <= set(said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": 0}, "budget == 0"),
        ({"budget": 10**6}, "must be 1 to"),
        ({"random_share": 0.0}, "every row must be able to come"),
        ({"since": START, "until": START}, "must be before until"),
    ],
)
def test_what_cannot_be_asked_is_refused(reviewed: "Reviewed", options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        reviewed.services.annotations.export("wine", **{"budget": 5, **options}, actor=ANN)
    with pytest.raises(InvalidInputError, match="fewest"):
        reviewed.services.annotations.answer("wine", [], actor=ANN, fewest=0)


def test_an_endpoint_that_is_not_there_is_unknown(reviewed: "Reviewed") -> None:
    for ask in (
        reviewed.services.annotations.overview,
        lambda name: reviewed.services.annotations.export(name, 5, actor=ANN),
    ):
        with pytest.raises(NotFoundError):
            ask("never")
