"""Anytime-valid comparison of the mean loss of two versions on the same rows.

Called by quality gates as labels arrive, as often as they like. It refuses to count rows as evidence: rows of one unit
(a user, a request, a key) rise and fall together, so the unit is what is sampled. It says nothing under 100 units,
where the normal approximation behind it cannot be trusted. Units of the same hour or day are not independent either:
told the sums per block of time, it widens its bounds by what those show.
"""

from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from interlock.stats import asymptotic_sequence, failure_rate


@dataclass(frozen=True, slots=True)
class PairedLosses:
    """Sums over units of (d, c, n): difference of losses, champion's loss and rows of a unit; and of their products.

    `differing` counts the units whose losses differ at all. Sums of different units add up, so they can be kept instead
    of the rows. Build them with `from_units`.
    """

    units: int
    rows: int
    differing: int
    difference: float
    champion: float
    dd: float
    dc: float
    dn: float
    cc: float
    cn: float
    nn: float

    @classmethod
    def from_units(cls, difference_sums: ArrayLike, champion_sums: ArrayLike, row_counts: ArrayLike) -> Self:
        """Sum up units.

        Args:
            difference_sums: Per unit the sum over its rows of challenger's loss - champion's loss.
            champion_sums: Per unit the sum over its rows of the champion's loss. At least 0.
            row_counts: Rows per unit. At least 1.

        Raises:
            ValueError: Shapes differ, a sum is not finite, a loss is negative or a unit has no rows.
        """
        d, c, n = (np.asarray(values, dtype=np.float64) for values in (difference_sums, champion_sums, row_counts))
        if d.ndim != 1 or not d.shape == c.shape == n.shape:
            raise ValueError(f"shapes == {d.shape}, {c.shape}, {n.shape}, must be one value per unit in each")
        if not (np.isfinite(d).all() and np.isfinite(c).all() and np.isfinite(n).all()):
            raise ValueError(
                "difference_sums, champion_sums and row_counts must be finite; leave rows without loss out"
            )
        if (c < 0).any() or (n < 1).any():
            raise ValueError("champion_sums must not be negative, row_counts must be at least 1")
        products = (float(a @ b) for a, b in ((d, d), (d, c), (d, n), (c, c), (c, n), (n, n)))
        return cls(len(d), int(n.sum()), int(np.count_nonzero(d)), float(d.sum()), float(c.sum()), *products)


@dataclass(frozen=True, slots=True)
class PairedLossResult:
    """What paired losses say about challenger - champion, per row.

    `lower` and `upper` bound the mean difference `estimate` at level `alpha`, at all times at once. `harm` says that it
    is over `harm_bound`, `non_inferior` that it is under `margin`, each of which moves with the champion's loss. Losses
    are nan without rows. `design_effect` is the factor by which correlation in time, seen in `blocks`, raised the
    variance of the difference; 1 where units vary no less than blocks.
    """

    estimate: float
    lower: float
    upper: float
    champion_loss: float
    challenger_loss: float
    harm: bool
    non_inferior: bool
    harm_bound: float
    margin: float
    units: int
    rows: int
    blocks: int = 0
    design_effect: float = 1.0


def analyze(
    losses: PairedLosses,
    *,
    alpha: float,
    harm_ratio: float,
    margin_ratio: float,
    planned_units: int = 10_000,
    trust_identical: bool = True,
    blocks: PairedLosses | None = None,
) -> PairedLossResult:
    """Compare the mean loss of two versions on the same rows, whenever one looks.

    "Worse by a share of the champion's loss" is tested as a mean of its own, of difference - share * champion's loss,
    so that the champion's loss carries its sampling error instead of being taken as known. The variance of the
    difference is raised to what the highest plausible share of differing units would give: where versions rarely
    disagree, a sample that happened to miss the disagreements would look certain (found by simulation: up to 80 % false
    verdicts without).

    Args:
        losses: Sums over units.
        alpha: Probability of a wrong bound at some look, in large samples. Between 0 and 1.
        harm_ratio: Harm is a mean difference of more than this share of the champion's loss. At least 0.
        margin_ratio: Non-inferior is one of less than this share. At least 0.
        planned_units: Units at which the bounds are tightest: 7 % wider than could be at ten times as many, 27 % at a
            tenth. At least 1.
        trust_identical: Whether losses that have not differed yet count as equal for good: 0 with bounds of 0, and
            non-inferior for any margin over 0. That is right for the same model released again. A challenger that is
            worse on one unit in 100 has shown no difference in the first 100 units in 37 % of releases; False waits
            until the units rule that out.
        blocks: The same rows, summed up per block of time (`time_blocks.numbers`) instead of per unit. Where they vary
            more than independent units would, their variance is taken, widened as for Student's t since they are few.
            None takes units as independent.

    Raises:
        ValueError: `alpha` is not strictly between 0 and 1, a ratio is negative, `planned_units` is under 1, or
            `blocks` have not as many rows as `losses`.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> champion = rng.exponential(1.0, 2000)
        >>> worse = PairedLosses.from_units(rng.normal(0.3, 1.0, 2000), champion, np.ones(2000))
        >>> result = analyze(worse, alpha=0.05, harm_ratio=0.1, margin_ratio=0.05)
        >>> round(result.estimate, 3), round(result.lower, 3), result.harm, result.non_inferior
        (0.301, 0.225, True, False)

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021), Time-uniform central limit theory and asymptotic
        confidence sequences, arXiv:2103.06476.
        Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, doi:10.1093/biomet/73.1.13.
    """
    _check(alpha, harm_ratio, margin_ratio, planned_units)
    if blocks is not None and blocks.rows != losses.rows:
        raise ValueError(f"blocks.rows == {blocks.rows}, must be the {losses.rows} rows of the units")
    if losses.rows == 0:
        return PairedLossResult(nan, -inf, inf, nan, nan, False, False, nan, nan, 0, 0)
    same = trust_identical and losses.differing == 0
    radius = asymptotic_sequence.radius(losses.units, alpha=alpha, planned_units=planned_units)
    unseen = _unseen_squares(losses, alpha)
    difference = _contrast(losses, blocks, 0.0, 0.0 if same else unseen, radius)
    champion_loss = losses.champion / losses.rows
    return PairedLossResult(
        estimate=difference.mean,
        lower=difference.lower,
        upper=difference.upper,
        champion_loss=champion_loss,
        challenger_loss=champion_loss + difference.mean,
        harm=_contrast(losses, blocks, harm_ratio, unseen, radius).lower > 0,
        non_inferior=_contrast(losses, blocks, margin_ratio, unseen, radius).upper < 0
        or (same and margin_ratio > 0 and radius < inf),
        harm_bound=harm_ratio * champion_loss,
        margin=margin_ratio * champion_loss,
        units=losses.units,
        rows=losses.rows,
        blocks=blocks.units if blocks else 0,
        design_effect=difference.design_effect,
    )


def _check(alpha: float, harm_ratio: float, margin_ratio: float, planned_units: int) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha == {alpha}, must be between 0 and 1, both excluded")
    for name, ratio in (("harm_ratio", harm_ratio), ("margin_ratio", margin_ratio)):
        if not 0 <= ratio < inf:
            raise ValueError(f"{name} == {ratio}, must be a number of at least 0")
    if planned_units < 1:
        raise ValueError(f"planned_units == {planned_units}, must be at least 1")


def _unseen_squares(losses: PairedLosses, alpha: float) -> float:
    """Squared differences to add to those seen, for units that may differ but were not drawn."""
    plausible = failure_rate.analyze(losses.differing, losses.units, alpha=alpha).upper * losses.units
    if losses.differing:
        return losses.dd * max(0.0, plausible / losses.differing - 1)
    # Nothing has differed yet: a difference is taken to be as large as the loss of a unit that has one.
    return plausible * (losses.cc / losses.champion) ** 2 if losses.champion else inf


@dataclass(frozen=True, slots=True)
class _Bounds:
    mean: float
    lower: float
    upper: float
    design_effect: float = 1.0


def _contrast(losses: PairedLosses, blocks: PairedLosses | None, ratio: float, unseen: float, radius: float) -> _Bounds:
    """Bound the mean per row of difference - ratio * champion's loss; cluster-robust, linearised."""
    mean = (losses.difference - ratio * losses.champion) / losses.rows
    if radius == inf:
        return _Bounds(mean, -inf, inf)
    seen = _squares(losses, ratio, mean)
    effect = _design_effect(seen, blocks, ratio, mean, radius * sqrt(losses.units))
    half_width = radius * sqrt(max(0.0, seen * effect + unseen) / losses.units) * losses.units / losses.rows
    return _Bounds(mean, mean - half_width, mean + half_width, effect)


def _squares(losses: PairedLosses, ratio: float, mean: float) -> float:
    """Sum over units of the squared residual of difference - ratio * champion's loss."""
    squares = losses.dd - 2 * ratio * losses.dc + ratio * ratio * losses.cc
    return max(0.0, squares - 2 * mean * (losses.dn - ratio * losses.cn) + mean * mean * losses.nn)


def _design_effect(seen: float, blocks: PairedLosses | None, ratio: float, mean: float, deviations: float) -> float:
    """Factor on the variance of units, at least 1.

    Few blocks know their variance badly, which matters only where it is needed: blocks that vary no more than units
    would say that these are independent, and cost nothing. Otherwise the bounds, so many standard `deviations` wide,
    keep their probability under Student's t.
    """
    if blocks is None or blocks.units < 2 or seen == 0:
        return 1.0
    effect = _squares(blocks, ratio, mean) * blocks.units / (blocks.units - 1) / seen
    if effect <= 1:
        return 1.0
    return effect * float(stdtrit(blocks.units - 1, ndtr(-deviations)) / deviations) ** 2
