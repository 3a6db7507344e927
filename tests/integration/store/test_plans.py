import pytest

from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.traffic import TrafficPlan
from interlock.store import Store


def plan(endpoint: str, generation: int, champion: str = "m:1") -> TrafficPlan:
    return TrafficPlan(endpoint=endpoint, generation=generation, champion=champion)


def test_the_last_generation_is_current_and_all_are_kept(store: Store) -> None:
    with store.transaction() as tx:
        for new in (plan("a", 1), plan("a", 2, "m:2"), plan("b", 1)):
            tx.plans.append(new)
    with store.read() as tx:
        assert tx.plans.current("a") == plan("a", 2, "m:2")
        assert tx.plans.all_current() == [plan("a", 2, "m:2"), plan("b", 1)]
        assert tx.plans.list("a") == [plan("a", 1), plan("a", 2, "m:2")]


@pytest.mark.parametrize("generation", [1, 3])
def test_a_generation_that_does_not_follow_is_refused(store: Store, generation: int) -> None:
    with store.transaction() as tx:
        tx.plans.append(plan("a", 1))
    with pytest.raises(ConflictError, match="must be 2"), store.transaction() as tx:
        tx.plans.append(plan("a", generation))


def test_a_removed_endpoint_has_no_plan(store: Store) -> None:
    with store.transaction() as tx:
        tx.plans.append(plan("a", 1))
        tx.plans.remove("a")
        with pytest.raises(NotFoundError):
            tx.plans.current("a")
        assert tx.plans.all_current() == []
