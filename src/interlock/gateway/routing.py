"""Which version a request is assigned to. Pure: the same unit goes to the same version on every worker and machine."""

from bisect import bisect_right

from interlock.domain.traffic import position
from interlock.gateway.served import Choice, ServedEndpoint


def choose(served: ServedEndpoint, unit: str, *, withdrawn: frozenset[str] = frozenset()) -> Choice:
    """Assign a unit.

    Args:
        withdrawn: Challengers that this worker has withdrawn: they get nothing, and their units are the champion's.
    """
    split = served.split if not withdrawn else served.split_without(withdrawn)
    if not split.bounds:
        return split.choices[0]
    return split.choices[bisect_right(split.bounds, position(served.plan.salt, unit))]
