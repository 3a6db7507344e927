"""What an arm of a bandit has earned so far beside the champion. It shows, and the policy reads it; it judges nothing.

Means are weighted by the inverse of the logged propensity, so that hours in which everybody earns more, and shares that
moved meanwhile, do not look like an arm's merit. A unit counts once in each step.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.release import Gate
from interlock.releases import outcomes
from interlock.releases.bandit import to_be_large
from interlock.releases.evidence import Evidence
from interlock.releases.wording import count
from interlock.stats import bandit
from interlock.stats.bandit import Earned

_Arrays = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


def gate(evidence: Evidence, version: str) -> Gate:
    """Sum up what a candidate and the champion have earned."""
    champion, challenger = (_earned(evidence, name) for name in (evidence.release.champion, version))
    fewest, least = int(min(champion[1], challenger[1])), evidence.plan.min_units
    plain = [_as_told(evidence, side[0].mean) for side in (champion, challenger)]
    is_enough = fewest >= least
    name = str(evidence.plan.reward)
    return Gate(
        metric=f"earned.{name}",
        outcome="ok" if is_enough else "not_enough_data",
        scale="difference",
        estimate=plain[1] - plain[0],
        lower=None,
        upper=None,
        margin=None,
        counts={"champion": champion[1], "challenger": challenger[1]},
        reason=f"{name} {plain[1]:.4g} of {version} against {plain[0]:.4g} of {evidence.release.champion}"
        if is_enough
        else f"{name} of {version}: {count(fewest)} of {count(least)} rewarded units in the smaller group",
        alpha=evidence.alpha,
        details={
            **_details("champion", champion[0], plain[0]),
            **_details("challenger", challenger[0], plain[1]),
            "goal": evidence.plan.goal,
        },
    )


def _details(side: str, earned: Earned, reward: float) -> dict[str, float]:
    return {
        f"{side}_reward": reward,
        f"{side}_units": earned.units,
        f"{side}_mean": earned.mean,
        f"{side}_variance": earned.variance,
    }


def _as_told(evidence: Evidence, mean: float) -> float:
    """The mean of rewards as they came."""
    return float(to_be_large(evidence.plan, np.array([mean]))[0])


def _earned(evidence: Evidence, version: str) -> tuple[Earned, int]:
    """What a version has earned, by rewards that are to be large, and from how many units."""
    rows = evidence.paired
    if rows.num_rows == 0:
        return Earned(0.0, 0.0, 0.0), 0
    plan = evidence.plan
    unit, value, propensity = _of_version(evidence, rows, version)
    units, where = np.unique(unit, return_inverse=True)
    if len(units) == 0:
        return Earned(0.0, 0.0, 0.0), 0
    means = np.bincount(where, weights=value) / np.bincount(where)
    first = np.unique(where, return_index=True)[1]
    return bandit.weighted(to_be_large(plan, means), propensity[first]), len(units)


def _of_version(evidence: Evidence, rows: pa.Table, version: str) -> _Arrays:
    """Unit in its step, value and propensity of the rows of a version that have a value."""
    values = outcomes.reward_values(evidence.plan, rows, str(evidence.plan.reward), evidence.at)
    mine = rows["assigned_version"].combine_chunks().to_numpy(zero_copy_only=False) == version
    step = rows["step"].fill_null(-1).to_numpy().astype(np.int64)
    kept = mine & values.is_ripe & np.isfinite(values.values) & (step >= 0)
    unit = outcomes.codes(rows["unit"])
    propensity = rows["propensity"].to_numpy().astype(np.float64)
    return (unit * (int(step.max()) + 2) + step)[kept], values.values[kept], propensity[kept]
