"""Who was champion before, and the way back there, or on to a snapshot, with no release: a plan and its audit entry."""

from collections.abc import Sequence

import msgspec

from interlock.domain.contract_diff import diff
from interlock.domain.errors import ConflictError
from interlock.domain.traffic import TrafficPlan
from interlock.releases import replayed, road, tested
from interlock.releases.road import Mover
from interlock.store.transaction import Transaction


def go_back(tx: Transaction, endpoint: str, to: str | None, mover: Mover) -> TrafficPlan:
    """Make an earlier champion, or `to`, champion. No release may be active.

    Raises:
        NotFoundError: There is no such version.
        ConflictError: There was no champion before, or `to` never served here and would break callers, or lacks the
            approval or the test that its release asked for.
    """
    now = tx.plans.current(endpoint)
    served = [plan.champion for plan in tx.plans.list(endpoint)]
    target = to or before(served)
    if target is None:
        raise ConflictError(f"endpoint {endpoint!r} has had no champion before {now.champion}; name a version")
    if target == now.champion:
        return now
    _check(tx, now, target, served)
    road.end_watch(tx, now, mover, f"{target} is champion again")
    plan = msgspec.structs.replace(
        now, generation=now.generation + 1, champion=target, warm=(), release_id=None, step=None
    )
    tx.plans.append(plan)
    details = {"champion": target, "before": now.champion, "generation": plan.generation, "reason": mover.reason}
    tx.audit.append(mover.at, mover.name, mover.role, "endpoint.rollback", endpoint, details)
    return plan


def succeed(tx: Transaction, endpoint: str, version: str, mover: Mover) -> TrafficPlan:
    """Make the next snapshot of an online learner champion; the one before stays loaded for an instant return.

    Raises:
        ConflictError: A release is active on the endpoint.
    """
    if active := [release.id for release in tx.releases.active(endpoint)]:
        raise ConflictError(f"endpoint {endpoint!r} is under release {active[0]}; its champion stays until that ends")
    now = tx.plans.current(endpoint)
    plan = msgspec.structs.replace(now, generation=now.generation + 1, champion=version, warm=(now.champion,))
    tx.plans.append(plan)
    details = {"champion": version, "before": now.champion, "generation": plan.generation, "reason": mover.reason}
    tx.audit.append(mover.at, mover.name, mover.role, "endpoint.succeed", endpoint, details)
    return plan


def before(served: Sequence[str]) -> str | None:
    """The champion that the current one followed. Going back twice goes back two, never forth again.

    Args:
        served: The champion of each traffic plan, oldest first.

    Examples:
        >>> before(["m:1", "m:1", "m:2", "m:3"])
        'm:2'
        >>> before(["m:1", "m:2", "m:3", "m:2"])
        'm:1'
        >>> before(["m:1", "m:2", "m:1"]) is None
        True
    """
    line: list[str] = []
    for champion in served:
        line = line[: line.index(champion)] if champion in line else line
        line.append(champion)
    return line[-2] if len(line) > 1 else None


def _check(tx: Transaction, now: TrafficPlan, target: str, served: Sequence[str]) -> None:
    there, wanted = tx.models.get(now.champion).contract, tx.models.get(target).contract
    breaking = [found.what for found in diff(there, wanted) if found.kind == "breaking"]
    if target in served:
        return
    if any(target in release.candidates and release.lacks_approval for release in tx.releases.list(now.endpoint)):
        raise ConflictError(f"{target} never served endpoint {now.endpoint!r}, and a release of it was never approved")
    for release in tx.releases.list(now.endpoint):
        if target in release.candidates:
            tested.check(tx, release)
            replayed.check(tx, release)
    if breaking:
        raise ConflictError(
            f"{target} never served endpoint {now.endpoint!r} and would break its callers: {'; '.join(breaking)}"
        )
