"""What a policy would have done with each logged row: the segment a row is in, and every version's share there.

Called by `evaluation`. It refuses a version that a row could not have had: from rows of others nothing can be learnt.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.errors import InvalidInputError
from interlock.domain.policy import Condition, Range, Segment, TargetPolicy


def segments_of(policy: TargetPolicy, rows: pa.Table) -> NDArray[np.int64]:
    """Number of the first segment that each row is in; as many as there are segments for the others."""
    found = np.full(rows.num_rows, len(policy.segments))
    for number in reversed(range(len(policy.segments))):
        found[_fits(policy.segments[number], rows)] = number
    return found


def shares_of(policy: TargetPolicy, versions: Sequence[str], segments: NDArray[np.int64]) -> NDArray[np.float64]:
    """Every version's share of each row, shape (rows, versions)."""
    by_segment = [segment.shares for segment in policy.segments] + [policy.shares]
    table = np.array([[shares.get(name, 0.0) for name in versions] for shares in by_segment])
    return np.asarray(table[segments], dtype=np.float64)


def check_logged(
    policy: TargetPolicy, versions: Sequence[str], actions: NDArray[np.int64], segments: NDArray[np.int64]
) -> None:
    """Pass if every version that gets a share of a segment was assigned there.

    Raises:
        InvalidInputError: Naming each that was not.
    """
    faults = []
    places = [(f"where {segment.spelled}", segment.shares) for segment in policy.segments]
    for number, (where, shares) in enumerate([*places, ("", policy.shares)]):
        inside = segments == number
        if not inside.any():
            continue
        seen = {versions[at] for at in np.unique(actions[inside]).tolist()}
        lacking = sorted(name for name, share in shares.items() if share > 0 and name not in seen)
        faults += [f"{name} was never assigned {where}".rstrip() for name in lacking]
        if lacking:
            faults[-1] += f"; assigned by chance were {', '.join(sorted(seen))}"
    if faults:
        raise InvalidInputError(*faults)


def supported(
    policy: TargetPolicy, rows: pa.Table, versions: Sequence[str], actions: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Rows of releases that had every version of the policy: others could not have gone where it sends them."""
    wanted = {versions.index(name) for name in policy.versions if name in versions}
    releases = rows["release_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    whole = [set(actions[releases == number].tolist()) >= wanted for number in range(int(releases.max(initial=-1)) + 1)]
    return np.array(whole, dtype=np.bool_)[releases] if whole else np.zeros(0, dtype=np.bool_)


def _fits(segment: Segment, rows: pa.Table) -> NDArray[np.bool_]:
    found = np.ones(rows.num_rows, dtype=np.bool_)
    for column, condition in segment.when.items():
        found &= _holds(condition, rows[f"input.{column}"])
    return found


def _holds(condition: Condition, column: pa.ChunkedArray) -> NDArray[np.bool_]:
    if isinstance(condition, Range):
        values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
        low = -np.inf if condition.at_least is None else condition.at_least
        high = np.inf if condition.below is None else condition.below
        return (values >= low) & (values < high)
    wanted = condition if isinstance(condition, tuple) else (condition,)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        numbers = [float(value) for value in wanted if isinstance(value, int | float)]
        values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
        return np.isin(values, numbers)
    texts = pa.array([str(value).lower() if isinstance(value, bool) else str(value) for value in wanted], pa.string())
    return np.asarray(pc.fill_null(pc.is_in(pc.cast(column, pa.string()), value_set=texts), False))
