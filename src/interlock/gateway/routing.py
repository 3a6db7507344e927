"""Which version a request is assigned to. Pure: the same unit goes to the same version on every worker and machine."""

from dataclasses import dataclass

from interlock.domain.traffic import position
from interlock.gateway.served import LoadedVersion, ServedEndpoint


@dataclass(frozen=True, slots=True)
class Choice:
    """The version assigned, and with which probability it was."""

    version: LoadedVersion
    is_challenger: bool
    propensity: float


def choose(served: ServedEndpoint, unit: str, *, withdrawn: bool) -> Choice:
    """Assign a unit.

    Args:
        withdrawn: Whether this worker has withdrawn the challenger: it then gets nothing.
    """
    plan, challenger = served.plan, served.challenger
    share = plan.traffic_share
    if challenger is None or withdrawn or share <= 0:
        return Choice(served.champion, False, 1.0)
    if share >= 1:
        return Choice(challenger, True, 1.0)
    if position(plan.salt, unit) < share:
        return Choice(challenger, True, share)
    return Choice(served.champion, False, 1.0 - share)
