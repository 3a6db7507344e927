"""Which version a request is assigned to. Pure: the same unit goes to the same version on every worker and machine."""

from interlock.domain.traffic import position
from interlock.gateway.served import Choice, ServedEndpoint


def choose(served: ServedEndpoint, unit: str, *, withdrawn: bool) -> Choice:
    """Assign a unit.

    Args:
        withdrawn: Whether this worker has withdrawn the challenger: it then gets nothing.
    """
    share, ways = served.plan.traffic_share, served.ways
    if ways.challenger is None or withdrawn or share <= 0:
        return ways.only
    if share >= 1 or position(served.plan.salt, unit) < share:
        return ways.challenger
    return ways.champion
