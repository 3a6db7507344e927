"""What of a contract breaks callers, and who may let that through."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import pytest
from tests.unit.releases.world import BINARY

from interlock.domain.access import Key
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from interlock.domain.model import ModelVersion
from interlock.releases import gates
from interlock.releases.evidence import Evidence
from interlock.releases.service import Releases
from interlock.store import Store

OTHER = Contract(inputs=(Field(name="y", datatype="FP64"),), outputs=BINARY.outputs, task="binary", classes=(1, 0))


@pytest.fixture
def releases(store: Store, now: datetime, version: Callable[..., ModelVersion]) -> Releases:
    with store.transaction() as tx:
        tx.models.add(version(4, OTHER))
    return Releases(store, lambda: now)


@pytest.fixture
def approver(key: Key) -> Key:
    return msgspec.structs.replace(key, name="bob", role="approver")


def start(releases: Releases, actor: Key, *override: str, reason: str = "new callers only") -> Any:
    return releases.start("wine", "wine:4", override=override, actor=actor, reason=reason)


def test_every_breaking_difference_must_be_named(releases: Releases, approver: Key) -> None:
    with pytest.raises(ConflictError, match=r"order of classes .*--override input.x,input.y,classes"):
        start(releases, approver, "x", "input.y")


def test_an_approver_lets_through_by_name_with_a_reason(store: Store, releases: Releases, approver: Key) -> None:
    found = start(releases, approver, "x", "input.y", "classes")
    assert found.overridden == ("input.x", "input.y", "classes")
    assert releases.show(found.id)["overridden"] == list(found.overridden)
    with store.read() as tx:
        (entry,) = tx.audit.list(subject="wine")
    assert (entry.actor, entry.details["reason"]) == ("bob", "new callers only")
    assert entry.details["overridden"] == list(found.overridden)


def test_an_operator_may_not(releases: Releases, key: Key) -> None:
    with pytest.raises(ForbiddenError, match="needs role approver"):
        start(releases, key, "x", "y", "classes")


@pytest.mark.parametrize(
    ("override", "reason", "said"),
    [(("x", "y", "classes"), " ", "say why"), (("x", "y", "classes", "z"), "because", "'z', that breaks nobody")],
)
def test_a_slip_is_told(releases: Releases, approver: Key, override: tuple[str, ...], reason: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        start(releases, approver, *override, reason=reason)


def test_quality_is_not_compared_where_answers_mean_something_else(
    evidence: Callable[..., Evidence], paired: Callable[..., Any]
) -> None:
    rows = paired([1] * 50, [[0.4, 0.6]] * 50, [[0.6, 0.4]] * 50)
    changed = gates.judge(evidence(paired=rows, overridden=("classes",)))["quality"]
    assert (changed.outcome, changed.reason.split(":")[0]) == ("not_comparable", "quality not compared")
    inputs_only = gates.judge(evidence(paired=rows, overridden=("input.x",)))["quality"]
    assert inputs_only.outcome != "not_comparable"
