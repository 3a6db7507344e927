"""What another way of assigning versions would have earned, estimated from what was logged: off-policy evaluation.

Called by `release evaluate` with the propensities on the log's rows. Rows of one unit rise and fall together, so the
unit is what is sampled. It refuses rows without a propensity. It cannot know of an action that was never logged: whose
name that is knows the caller, who must refuse it. The estimates speak of the time that was logged, and take what a
unit earns to depend on the action of that row alone.
"""

from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interlock.stats.asymptotic_sequence import FEWEST_UNITS, radius

# One unit that carries more of the weight than this can move the estimate by itself.
_LARGEST_SHARE = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean reward a row, and bounds on it at all times at once (asymptotic; infinite under 100 units)."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class OffPolicyResult:
    """What a target policy would have earned a row.

    Args:
        ips: Inverse propensity scoring: unbiased, and wide where weights are uneven.
        snips: Self-normalised: weights divided by their own mean; a small bias, steadier.
        dr: Doubly robust: a model of the reward, corrected by IPS; None without a model.
        logged: What the logging policy earned on the same rows.
        rows, units: That went in.
        effective_units: So many equally weighted units would carry as much.
        largest_share: Of all weight that one unit has.
        mean_weight: 1 in expectation; far from it says that propensities are wrong, or support is missing.
        doubts: Why not to trust the estimates; empty if nothing speaks against it.
    """

    ips: Estimate
    snips: Estimate
    dr: Estimate | None
    logged: Estimate
    rows: int
    units: int
    effective_units: float
    largest_share: float
    mean_weight: float
    doubts: tuple[str, ...]

    @property
    def is_trusted(self) -> bool:
        return not self.doubts


def analyze(
    units: ArrayLike,
    rewards: ArrayLike,
    propensities: ArrayLike,
    targets: ArrayLike,
    *,
    model: tuple[ArrayLike, ArrayLike] | None = None,
    alpha: float = 0.05,
    planned_units: int = 10_000,
) -> OffPolicyResult:
    """Estimate the mean reward of a target policy.

    Args:
        units: Number of each row's unit, any whole numbers, shape (n,).
        rewards: What each row earned, finite.
        propensities: Probability with which the logged action was chosen, over 0 and at most 1.
        targets: Probability with which the target policy would have chosen the logged action, 0 to 1.
        model: Predicted reward of the logged action, and of the target policy (its mean over actions), each shape (n,).
            It must not have seen the row's own unit (`reward_model.cross_fitted`).
        alpha: Probability of a wrong bound at some look, for each estimate, in large samples.
        planned_units: Units at which the bounds are tightest.

    Raises:
        ValueError: Shapes differ, a value is out of its range, or `alpha` is not strictly between 0 and 1.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> action = rng.random(20_000) < 0.2
        >>> reward = (rng.random(20_000) < np.where(action, 0.3, 0.2)).astype(float)
        >>> propensity, target = np.where(action, 0.2, 0.8), np.where(action, 0.9, 0.1)
        >>> found = analyze(np.arange(20_000), reward, propensity, target)
        >>> round(found.ips.value, 3), round(found.snips.value, 3), found.is_trusted
        (0.282, 0.284, True)

    References:
        Horvitz & Thompson (1952), doi:10.1080/01621459.1952.10483446.
        Swaminathan & Joachims (2015), The self-normalized estimator for counterfactual learning, NeurIPS 28.
        Dudík, Erhan, Langford & Li (2014), Doubly robust policy evaluation and optimization, doi:10.1214/14-STS500.
        Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro (2022), Anytime-valid off-policy inference for contextual
        bandits, arXiv:2210.10768.
    """
    number, reward, propensity, target = _checked(units, rewards, propensities, targets, alpha)
    count = int(number.max()) + 1 if len(number) else 0
    ones, weight = np.ones(len(reward)), target / propensity
    width = radius(count, alpha=alpha, planned_units=planned_units)

    def ratio(values: Floats, of: Floats) -> Estimate:
        return _ratio(_by_unit(number, values, count), _by_unit(number, of, count), width)

    carried = _by_unit(number, weight, count)
    total = float(carried.sum())
    effective = total**2 / float(carried @ carried) if total else 0.0
    largest = float(carried.max(initial=0.0)) / total if total else 0.0
    return OffPolicyResult(
        ips=ratio(weight * reward, ones),
        snips=ratio(weight * reward, weight),
        dr=None if model is None else ratio(_corrected(model, weight, reward), ones),
        logged=ratio(reward, ones),
        rows=len(reward),
        units=count,
        effective_units=effective,
        largest_share=largest,
        mean_weight=total / len(reward) if len(reward) else nan,
        doubts=_doubts(effective, largest, ratio(weight, ones)),
    )


def _checked(
    units: ArrayLike, rewards: ArrayLike, propensities: ArrayLike, targets: ArrayLike, alpha: float
) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    given = [np.asarray(values, dtype=np.float64) for values in (rewards, propensities, targets)]
    numbers = np.asarray(units)
    if numbers.ndim != 1 or any(values.shape != numbers.shape for values in given):
        raise ValueError(
            f"shapes == {numbers.shape}, {[each.shape for each in given]}, must be one value per row in each"
        )
    reward, propensity, target = given
    if not np.isfinite(reward).all():
        raise ValueError("rewards must be finite; leave rows without a reward out")
    if not ((propensity > 0) & (propensity <= 1)).all():
        raise ValueError("propensities must be over 0 and at most 1; leave rows without one out")
    if not ((target >= 0) & (target <= 1)).all():
        raise ValueError("targets must be between 0 and 1")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha == {alpha}, must be between 0 and 1, both excluded")
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64), reward, propensity, target


def _by_unit(number: NDArray[np.int64], values: Floats, units: int) -> Floats:
    return np.asarray(np.bincount(number, weights=values, minlength=units), dtype=np.float64)


def _ratio(above: Floats, below: Floats, width: float) -> Estimate:
    """The ratio of two sums over units, its error linearised."""
    total = float(below.sum())
    if total == 0:
        return Estimate(nan, -inf, inf)
    value = float(above.sum()) / total
    if width == inf:
        return Estimate(value, -inf, inf)
    residual = above - value * below
    half = width * sqrt(float(residual @ residual) / len(above)) * len(above) / total
    return Estimate(value, value - half, value + half)


def _corrected(model: tuple[ArrayLike, ArrayLike], weight: Floats, reward: Floats) -> Floats:
    logged, target = (np.asarray(values, dtype=np.float64) for values in model)
    if logged.shape != reward.shape or target.shape != reward.shape:
        raise ValueError(f"shapes of model == {logged.shape}, {target.shape}, must be {reward.shape} in each")
    return np.asarray(target + weight * (reward - logged), dtype=np.float64)


def _doubts(effective: float, largest: float, mean_weight: Estimate) -> tuple[str, ...]:
    doubts = []
    if effective < FEWEST_UNITS:
        doubts.append(f"the weights leave as much as {effective:.0f} units would say, fewer than {FEWEST_UNITS}")
    if largest > _LARGEST_SHARE:
        doubts.append(f"one unit carries {largest:.0%} of all weight")
    if isfinite(mean_weight.lower) and not mean_weight.lower <= 1 <= mean_weight.upper:
        doubts.append(
            f"weights are {mean_weight.value:.2f} on average and should be 1: propensities are wrong, or the policy "
            "gives share to actions that these rows could not have had"
        )
    return tuple(doubts)
