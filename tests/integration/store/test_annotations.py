from datetime import UTC, datetime

from interlock.domain.annotation import Answer, Export, Task
from interlock.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def export(endpoint: str = "wine") -> Export:
    return Export(
        endpoint=endpoint, since=None, until=NOW, created_at=NOW, created_by="ann", rows=9, drawn=2, random_share=0.25,
        seed=1, evidence={"drift": 3},
    )  # fmt: skip


def task(id: str) -> Task:
    return Task(prediction_id=id, export=0, chance=0.25, reason="drift")


def answer(id: str, annotator: str, label: object = True) -> Answer:
    return Answer(prediction_id=id, annotator=annotator, label=label, at=NOW)


def test_draws_are_counted_and_their_tasks_know_them(store: Store) -> None:
    with store.transaction() as tx:
        first = tx.annotations.add(export(), [task("p1"), task("p2")])
        second = tx.annotations.add(export("beer"), [task("p1")])
    with store.read() as tx:
        assert (first.id, second.id) == (1, 2)
        assert tx.annotations.exports("wine") == [first]
        assert [(each.prediction_id, each.export, each.weight) for each in tx.annotations.tasks("wine")] == [
            ("p1", 1, 4.0),
            ("p2", 1, 4.0),
        ]
        assert [each.export for each in tx.annotations.tasks("beer", ["p1", "p1", "p9"])] == [2]


def test_what_somebody_says_again_takes_the_place_of_what_they_said(store: Store) -> None:
    with store.transaction() as tx:
        tx.annotations.put_answers("wine", [answer("p1", "ann"), answer("p1", "ben"), answer("p2", "ann", 3.5)])
        tx.annotations.put_answers("wine", [answer("p1", "ann", False), answer("p1", "ann", "late")])
    with store.read() as tx:
        found = {(each.prediction_id, each.annotator): each.label for each in tx.annotations.answers("wine")}
        assert found == {("p1", "ann"): "late", ("p1", "ben"): True, ("p2", "ann"): 3.5}
        assert [each.label for each in tx.annotations.answers("wine", ["p2"])] == [3.5]
        assert tx.annotations.answers("beer") == []


def test_many_ids_are_asked_for_in_parts(store: Store) -> None:
    ids = [f"p{number:05d}" for number in range(1203)]
    with store.transaction() as tx:
        tx.annotations.add(export(), [task(id) for id in ids])
    with store.read() as tx:
        assert [each.prediction_id for each in tx.annotations.tasks("wine", ids)] == ids


def test_who_is_forgotten_has_no_tasks_and_no_answers(store: Store) -> None:
    with store.transaction() as tx:
        tx.annotations.add(export(), [task("p1"), task("p2")])
        tx.annotations.put_answers("wine", [answer("p1", "ann"), answer("p2", "ann")])
        tx.annotations.put_answers("beer", [answer("p1", "ann")])
        tx.annotations.forget("wine", ["p1", "p7"])
    with store.read() as tx:
        assert [each.prediction_id for each in tx.annotations.tasks("wine")] == ["p2"]
        assert [each.prediction_id for each in tx.annotations.answers("wine")] == ["p2"]
        assert len(tx.annotations.answers("beer")) == 1
