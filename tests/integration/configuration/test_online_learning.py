from typing import Any

import msgspec
import pytest
from tests.integration.configuration.conftest import OPERATOR, Plane

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from interlock.domain.online import OnlineLearning

CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="BOOL"),),
    task="binary",
    classes=(False, True),
)
ENDPOINT: dict[str, Any] = {"endpoints": {"wine": {"model": "r:1"}}}
SHADOW: dict[str, Any] = {"online_learning": {"wine": {"every_labels": 500}}}


@pytest.fixture
def learning(plane: Plane) -> Plane:
    """With a version that can learn."""
    with plane.store.transaction() as tx:
        there = tx.models.get("m:1")
        tx.models.add(msgspec.structs.replace(there, name="r", model_format="river", contract=CONTRACT))
        tx.models.add(msgspec.structs.replace(there, name="g", model_format="onnx", contract=CONTRACT))
    return plane


def _changes(found: Any) -> list[str]:
    return [f"{change.action} {change.place}" for change in found.changes]


def test_what_is_applied_is_declared_and_its_learner_begins(learning: Plane) -> None:
    assert _changes(learning.apply({**ENDPOINT, **SHADOW})) == ["create endpoints.wine", "create online_learning.wine"]
    with learning.store.read() as tx:
        assert tx.online_learnings.get("wine") == OnlineLearning(every_labels=500)
        assert (tx.learners.get("wine").base, tx.learners.get("wine").state) == ("r:1", "learning")
    assert learning.diff(SHADOW).changes == ()
    assert "online_learning.declare wine by ann" in learning.actions()
    current = learning.configurations.current()
    assert current.document["online_learning"] == {"wine": {"serve": False, "every_labels": 500}}
    assert current.notes["online_learning.wine"] == "learning, at r:1"


def test_what_only_changes_publishing_goes_on_with_the_same_learner(learning: Plane) -> None:
    learning.apply({**ENDPOINT, **SHADOW})
    (change,) = learning.apply({"online_learning": {"wine": {"every_labels": 50, "serve": True}}}).changes
    assert [field.name for field in change.fields] == ["serve", "every_labels"]
    with learning.store.read() as tx:
        assert tx.learners.get("wine").number == 1
    learning.apply({"online_learning": {"wine": {"begin": "beginning"}}})
    with learning.store.read() as tx:
        assert (tx.learners.get("wine").number, tx.learners.get("wine").id) == (2, "wine-learner-2")


def test_faults_have_their_place(learning: Plane) -> None:
    learning.apply(ENDPOINT)
    with pytest.raises(InvalidInputError) as refused:
        learning.diff({"online_learning": {"wine": {"margin": 2, "model": "g:1"}, "beer": {}}})
    said = "\n".join(refused.value.faults)
    assert "online_learning.wine: margin == 2, must be above 0 and at most 1" in said
    assert "online_learning.wine: g:1 is of format onnx, which cannot learn row by row" in said
    assert "online_learning.beer: endpoint 'beer' does not exist" in said


def test_another_model_than_the_champion_may_not_serve(learning: Plane) -> None:
    learning.apply({"endpoints": {"wine": {"model": "g:1"}}})
    with pytest.raises(ConflictError, match="g:1 is the champion of 'wine', and the learner has r:1"):
        learning.apply({"online_learning": {"wine": {"model": "r:1", "serve": True}}})
    learning.apply({"online_learning": {"wine": {"model": "r:1"}}})


def test_it_needs_an_administrator(learning: Plane) -> None:
    learning.apply(ENDPOINT)
    with pytest.raises(ForbiddenError):
        learning.apply(SHADOW, actor=OPERATOR)


def test_pruned_it_is_gone(learning: Plane) -> None:
    learning.apply({**ENDPOINT, **SHADOW})
    assert _changes(learning.apply({"online_learning": {}}, prune=True)) == ["delete online_learning.wine"]
    with learning.store.read() as tx:
        assert tx.online_learnings.list() == {}
