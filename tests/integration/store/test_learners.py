"""Learners: each change is the next revision, so that of two who change one at once the second is refused."""

from datetime import UTC, datetime

import msgspec
import pytest

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.learner import Cursor, Learner
from interlock.domain.online import OnlineLearning
from interlock.store import Store

LEARNER = Learner(
    id="wine-learner-1",
    endpoint="wine",
    number=1,
    base="wine:1",
    good="wine:1",
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def test_what_is_written_comes_back(store: Store) -> None:
    moved = msgspec.structs.replace(LEARNER, revision=2, cursor=Cursor(version=3, offset=7), counts={"learnt": 5})
    with store.transaction() as tx:
        assert tx.learners.find("wine") is None
        tx.learners.begin(LEARNER)
        tx.learners.update(moved)
        tx.online_learnings.set("wine", OnlineLearning(serve=True))
    with store.read() as tx:
        assert tx.learners.get("wine") == moved
        assert tx.learners.list() == [moved]
        assert tx.online_learnings.list() == {"wine": OnlineLearning(serve=True)}
        with pytest.raises(NotFoundError):
            tx.learners.get("beer")


def test_of_two_who_change_one_at_once_the_second_is_refused(store: Store) -> None:
    next_one = msgspec.structs.replace(LEARNER, revision=2)
    with store.transaction() as tx:
        tx.learners.begin(LEARNER)
        tx.learners.update(next_one)
        with pytest.raises(ConflictError, match="changed meanwhile"):
            tx.learners.update(msgspec.structs.replace(next_one, sentence="mine"))
        with pytest.raises(ConflictError, match="changed meanwhile"):
            tx.learners.update(msgspec.structs.replace(next_one, id="wine-learner-2", revision=3))


def test_what_is_taken_away_is_gone(store: Store) -> None:
    with store.transaction() as tx:
        tx.online_learnings.set("wine", OnlineLearning())
        tx.online_learnings.set("wine", None)
        assert tx.online_learnings.get("wine") is None
