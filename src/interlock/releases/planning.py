"""How large an A/B test has to be, by what units were worth lately and the smallest difference wanted.

Called before a test starts. It asks the same bounds as the test will.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Protocol

import numpy as np
import pyarrow as pa

from interlock.domain.contract import Contract
from interlock.domain.release import ReleasePlan
from interlock.predictions.answer_losses import loss_of, losses_of
from interlock.releases import ab_test, outcomes
from interlock.releases.evidence import SAMPLE_RATIO
from interlock.stats import mean_difference

# Of a normal distribution: four tests in five see a difference that is so many standard errors beyond their bounds.
_POWER_80 = 0.8416

_MEASURED = timedelta(days=7)
_MOST_UNITS = 1 << 31


class AssignedReader(Protocol):
    """What planning needs of the log."""

    def assigned(
        self,
        endpoint: str,
        *,
        release_id: str | None = None,
        since: datetime | None = None,
        rewards: Sequence[str] = (),
        answers: bool = False,
    ) -> pa.Table:
        """Rows as they were assigned, with what came of them."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What units were worth lately. `mean` and `variance` of those that have a value; `units`: how many those are."""

    units: int
    mean: float
    variance: float


UNKNOWN = Baseline(0, 0.0, 0.0)


def baseline(reader: AssignedReader, endpoint: str, plan: ReleasePlan, contract: Contract, now: datetime) -> Baseline:
    """Look at the last week."""
    rewards = [plan.reward] if plan.reward is not None else []
    rows = reader.assigned(endpoint, since=now - _MEASURED, rewards=rewards, answers=plan.reward is None)
    loss = loss_of(contract)
    if rows.num_rows == 0 or (plan.reward is None and loss is None):
        return UNKNOWN
    if plan.reward is not None:
        values = outcomes.reward_values(plan, rows, plan.reward, now).values
    else:
        values = losses_of(str(loss), contract, rows, "output")
    known = np.isfinite(values)
    unit = outcomes.codes(rows["unit"])[known]
    if len(unit) == 0:
        return UNKNOWN
    found, where = np.unique(unit, return_inverse=True)
    means = np.bincount(where, weights=values[known]) / np.bincount(where)
    return Baseline(len(found), float(means.mean()), float(means.var()))


def units_needed(plan: ReleasePlan, known: Baseline, candidates: int = 1) -> int | None:
    """Units of all arms together at which four tests in five have seen a difference of the plan's size.

    None: nothing is known of the metric, or no number is enough.

    Examples:
        >>> units_needed(ReleasePlan(mde=0.2, reward="sold", steps=()), Baseline(1000, 0.1, 0.09))
        16807
    """
    wanted = plan.mde * abs(known.mean)
    if known.units < 2 or wanted == 0:
        return None
    share = (plan.steps[-1] if plan.steps else candidates / (candidates + 1)) / candidates
    rest = 1 - share * candidates
    alpha = plan.alpha / (_spending(plan) * candidates)

    def is_enough(units: int) -> bool:
        error = sqrt(known.variance * (1 / (share * units) + 1 / (rest * units)))
        radius = mean_difference.standard_radius(round((share + rest) * units), alpha=alpha)
        return error * (radius + _POWER_80) <= wanted

    least = round(max(plan.min_units, mean_difference.LEAST_UNITS) / min(share, rest))
    low, high = least, least
    while not is_enough(high):
        if high > _MOST_UNITS:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _spending(plan: ReleasePlan) -> int:
    return sum(kind != SAMPLE_RATIO for kind in ab_test.GATES) + len(plan.guard_rewards)
