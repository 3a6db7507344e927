"""The gateway's own tripwire on a challenger: withdraws it here and now, whoever else is alive.

Asked after every attempt of a challenger. Once it has tripped it stays so in this worker, over restarts too (see
`memory`), until the release is no longer in any plan. Of several challengers of a release each has its own.
"""

import logging
from collections.abc import Callable, Collection

from interlock.domain.traffic import TrafficPlan
from interlock.stats.guard import FailureGuard

log = logging.getLogger(__name__)

NOBODY: frozenset[str] = frozenset()

# A guard needs a rate strictly between 0 and 1; a plan that allows everything gets none.
_LOWEST = 1e-4


class Guards:
    """One guard per challenger, and those that this worker has withdrawn.

    Args:
        trips: What was withdrawn (`TrafficPlan.guarded`) to the reason, as remembered from before a restart.
    """

    def __init__(self, trips: dict[str, str] | None = None) -> None:
        self.trips: dict[str, str] = dict(trips or {})
        self._guards: dict[str, FailureGuard] = {}
        self._on_trip: Callable[[], None] = lambda: None

    def on_trip(self, call: Callable[[], None]) -> None:
        """Call this when a challenger was withdrawn."""
        self._on_trip = call

    def withdrawn(self, plan: TrafficPlan) -> frozenset[str]:
        """The plan's challengers that this worker gives no more traffic."""
        if not self.trips:
            return NOBODY
        return frozenset(each.version for each in plan.challengers if plan.guarded(each.version) in self.trips)

    def count(self, plan: TrafficPlan, version: str, *, failed: bool) -> None:
        """Count one attempt of a challenger of the plan."""
        allowed = plan.guard_max_failure_rate
        if plan.release_id is None or allowed >= 1:
            return
        name = plan.guarded(version)
        if name in self.trips:
            return
        guard = self._guards.get(name)
        if guard is None:
            guard = self._guards[name] = FailureGuard(max(allowed, _LOWEST))
        if guard.update(failed):
            self._trip(plan, version, guard)

    def _trip(self, plan: TrafficPlan, version: str, guard: FailureGuard) -> None:
        reason = (
            f"{version} failed {guard.failures} of {guard.trials} requests in one gateway worker, "
            f"surely more than the {plan.guard_max_failure_rate:g} allowed"
        )
        log.warning("endpoint %s: challenger withdrawn: %s", plan.endpoint, reason)
        self.trips[plan.guarded(version)] = reason
        self._on_trip()

    def keep_only(self, releases: Collection[str]) -> None:
        """Forget releases that no plan knows any more."""
        self.trips = {name: reason for name, reason in self.trips.items() if name.partition(" ")[0] in releases}
        self._guards = {name: guard for name, guard in self._guards.items() if name.partition(" ")[0] in releases}
