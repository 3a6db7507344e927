"""The gateway's own tripwire on a challenger: withdraws it here and now, whoever else is alive.

Asked after every attempt of a challenger. Once it has tripped for a release it stays so in this worker, over restarts
too (see `memory`), until that release is no longer in any plan.
"""

import logging
from collections.abc import Callable, Collection

from interlock.domain.traffic import TrafficPlan
from interlock.stats.guard import FailureGuard

log = logging.getLogger(__name__)

# A guard needs a rate strictly between 0 and 1; a plan that allows everything gets none.
_LOWEST = 1e-4


class Guards:
    """One guard per release, and the releases whose challenger this worker has withdrawn.

    Args:
        trips: Release to reason, as remembered from before a restart.
    """

    def __init__(self, trips: dict[str, str] | None = None) -> None:
        self.trips: dict[str, str] = dict(trips or {})
        self._guards: dict[str, FailureGuard] = {}
        self._on_trip: Callable[[], None] = lambda: None

    def on_trip(self, call: Callable[[], None]) -> None:
        """Call this when a challenger was withdrawn."""
        self._on_trip = call

    def has_tripped(self, plan: TrafficPlan) -> bool:
        """Whether this worker gives the plan's challenger no more traffic."""
        return plan.release_id in self.trips

    def count(self, plan: TrafficPlan, *, failed: bool) -> None:
        """Count one attempt of the plan's challenger."""
        release, allowed = plan.release_id, plan.guard_max_failure_rate
        if release is None or allowed >= 1 or release in self.trips:
            return
        guard = self._guards.get(release)
        if guard is None:
            guard = self._guards[release] = FailureGuard(max(allowed, _LOWEST))
        if guard.update(failed):
            self._trip(plan, guard)

    def _trip(self, plan: TrafficPlan, guard: FailureGuard) -> None:
        reason = (
            f"{plan.challenger} failed {guard.failures} of {guard.trials} requests in one gateway worker, "
            f"surely more than the {plan.guard_max_failure_rate:g} allowed"
        )
        log.warning("endpoint %s: challenger withdrawn: %s", plan.endpoint, reason)
        self.trips[str(plan.release_id)] = reason
        self._on_trip()

    def keep_only(self, releases: Collection[str]) -> None:
        """Forget releases that no plan knows any more."""
        self.trips = {release: reason for release, reason in self.trips.items() if release in releases}
        self._guards = {release: guard for release, guard in self._guards.items() if release in releases}
