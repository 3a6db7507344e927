from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from interlock.domain.access import Key
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError
from interlock.domain.release import Release, ReleasePlan
from interlock.registry.endpoints import Endpoints

MakeRows = Callable[[int, int], pd.DataFrame]


@pytest.fixture
def now(desk: Any) -> Any:
    return desk.registry._clock()


@pytest.fixture
def ann(now: Any) -> Key:
    return Key(name="ann", role="operator", digest="0" * 64, created_at=now)


@pytest.fixture
def endpoints(desk: Any, make_rows: MakeRows, now: Any) -> Endpoints:
    rows = make_rows(200, 1).dropna()
    desk.register(desk.save(LogisticRegression(max_iter=500).fit(rows[["temp", "hour"]], rows["late"])))
    return Endpoints(desk.store, lambda: now + timedelta(hours=1))


def test_creating_writes_endpoint_plan_and_audit(endpoints: Endpoints, desk: Any, ann: Key, now: Any) -> None:
    created = endpoints.create("churn", "m:1", ann, deadline_ms=250.0)
    assert (created.name, created.created_by, created.deadline_ms) == ("churn", "ann", 250.0)
    with desk.store.read() as tx:
        plan, (entry, _) = tx.plans.current("churn"), tx.audit.list()
    assert (plan.generation, plan.champion, plan.challenger, plan.deadline_ms) == (1, "m:1", None, 250.0)
    assert (entry.action, entry.subject, entry.actor, entry.at) == (
        "endpoint.create", "churn", "ann", now + timedelta(hours=1),
    )  # fmt: skip


def test_describe_gives_contract_plan_and_share(endpoints: Endpoints, ann: Key) -> None:
    endpoints.create("churn", "m:1", ann)
    described = endpoints.describe("churn")
    assert (described["model"], described["traffic"]) == ("m:1", {"m:1": 1.0})
    assert [field["name"] for field in described["contract"]["inputs"]] == ["temp", "hour"]
    assert described["plan"]["generation"] == 1
    assert [one["name"] for one in endpoints.list()] == ["churn"]


@pytest.mark.parametrize(
    ("name", "ref", "deadline_ms", "error"),
    [
        ("Churn!", "m:1", 100.0, InvalidInputError),
        ("churn", "m:1", 0.0, InvalidInputError),
        ("churn", "m:1", float("nan"), InvalidInputError),
        ("churn", "m:2", 100.0, NotFoundError),
    ],
)
def test_what_breaks_a_rule_changes_nothing(
    endpoints: Endpoints, ann: Key, name: str, ref: str, deadline_ms: float, error: type[Exception]
) -> None:
    with pytest.raises(error):
        endpoints.create(name, ref, ann, deadline_ms=deadline_ms)
    assert endpoints.list() == []


def test_how_long_the_log_keeps_rows_is_said_at_first_or_later(endpoints: Endpoints, desk: Any, ann: Key) -> None:
    assert endpoints.create("churn", "m:1", ann, retention_days=30).retention_days == 30
    endpoints.change("churn", ann, retention_days=0)
    assert endpoints.describe("churn")["retention_days"] == 0
    endpoints.change("churn", ann, retention_days=7)
    with desk.store.read() as tx:
        assert tx.endpoints.get("churn").retention_days == 7
        newest = tx.audit.list()[0]
    changed = {"before": {"retention_days": 0}, "after": {"retention_days": 7}, "generation": 3}
    assert (newest.action, newest.details) == ("endpoint.change", changed)


@pytest.mark.parametrize("days", [-1, 36_501])
def test_a_retention_that_is_none_is_refused(endpoints: Endpoints, ann: Key, days: int) -> None:
    with pytest.raises(InvalidInputError, match=f"retention_days == {days}, must be 1 to 36500, or 0"):
        endpoints.create("churn", "m:1", ann, retention_days=days)
    endpoints.create("churn", "m:1", ann)
    with pytest.raises(InvalidInputError, match="retention_days"):
        endpoints.change("churn", ann, retention_days=days)


def test_a_taken_name_is_a_conflict(endpoints: Endpoints, ann: Key) -> None:
    endpoints.create("churn", "m:1", ann)
    with pytest.raises(ConflictError):
        endpoints.create("churn", "m:1", ann)


def test_a_deleted_endpoint_can_be_created_again(endpoints: Endpoints, ann: Key) -> None:
    endpoints.create("churn", "m:1", ann)
    endpoints.delete("churn", ann)
    with pytest.raises(NotFoundError):
        endpoints.describe("churn")
    assert endpoints.create("churn", "m:1", ann).name == "churn"


def test_an_endpoint_under_release_is_not_deleted(endpoints: Endpoints, desk: Any, ann: Key, now: Any) -> None:
    endpoints.create("churn", "m:1", ann)
    release = Release(
        id="r1", endpoint="churn", strategy="canary", state="running", candidate="m:2", champion="m:1",
        plan=ReleasePlan(), created_at=now, created_by="ann",
    )  # fmt: skip
    with desk.store.transaction() as tx:
        tx.releases.add(release)
    with pytest.raises(ConflictError, match="under release r1"):
        endpoints.delete("churn", ann)


def test_change_of_an_endpoint_reaches_its_plan_and_is_audited(endpoints: Endpoints, desk: Any, ann: Key) -> None:
    endpoints.create("churn", "m:1", ann)
    changed = endpoints.change("churn", ann, durability="disk", deadline_ms=50.0)
    assert (changed.durability, changed.deadline_ms, changed.when_full) == ("disk", 50.0, "refuse")
    with desk.store.read() as tx:
        plan = tx.plans.current("churn")
        assert tx.endpoints.get("churn") == changed
        assert (plan.generation, plan.durability, plan.deadline_ms) == (2, "disk", 50.0)
        assert tx.audit.list()[0].action == "endpoint.change"


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"durability": "paper"}, "durability == 'paper', must be process or disk"),
        ({"when_full": "shrug"}, "when_full == 'shrug', must be refuse or serve_and_count"),
        ({"deadline_ms": 0.0}, "deadline_ms == 0, must be above 0"),
    ],
)
def test_options_out_of_bounds_change_nothing(
    endpoints: Endpoints, desk: Any, ann: Key, option: dict[str, Any], error: str
) -> None:
    before = endpoints.create("churn", "m:1", ann)
    with pytest.raises(InvalidInputError, match=error):
        endpoints.change("churn", ann, **option)
    with desk.store.read() as tx:
        assert tx.endpoints.get("churn") == before


def test_privacy_rules_reach_plan_and_audit_by_the_logs_names(endpoints: Endpoints, desk: Any, ann: Key) -> None:
    endpoints.create("churn", "m:1", ann, privacy={"temp": "hash", "unit": "drop"}, image_share=0.5)
    with desk.store.read() as tx:
        plan, (entry, _) = tx.plans.current("churn"), tx.audit.list()
    assert (plan.privacy, plan.image_share) == ({"input.temp": "hash", "unit": "drop"}, 0.5)
    assert entry.details["privacy"] == plan.privacy
    assert endpoints.describe("churn")["withheld"] == plan.privacy


def test_a_rule_for_a_column_that_is_not_there_is_refused(endpoints: Endpoints, ann: Key) -> None:
    with pytest.raises(InvalidInputError, match=r"there is input\.temp, input\.hour, output\.label"):
        endpoints.create("churn", "m:1", ann, privacy={"email": "hash"})


def test_a_change_changes_what_it_names_and_nothing_else(endpoints: Endpoints, desk: Any, ann: Key) -> None:
    endpoints.create("churn", "m:1", ann, privacy={"temp": "hash"}, image_share=0.5)
    endpoints.change("churn", ann, privacy={"hour": "drop", "temp": "keep"})
    with desk.store.read() as tx:
        plan, endpoint, (entry, *_) = tx.plans.current("churn"), tx.endpoints.get("churn"), tx.audit.list()
    assert (plan.generation, plan.champion) == (2, "m:1")
    assert plan.privacy == endpoint.privacy == {"input.temp": "keep", "input.hour": "drop"}
    assert plan.image_share == endpoint.image_share == 0.5
    assert (entry.action, entry.actor, entry.details["before"]["privacy"]) == (
        "endpoint.change", "ann", {"input.temp": "hash"},
    )  # fmt: skip
    assert endpoints.describe("churn")["withheld"] == {"input.hour": "drop"}


def test_what_is_not_there_cannot_be_changed(endpoints: Endpoints, ann: Key) -> None:
    with pytest.raises(NotFoundError):
        endpoints.change("nope", ann, image_share=1.0)
