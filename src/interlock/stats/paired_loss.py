"""Anytime-valid comparison of the mean loss of two versions on the same rows.

Called by quality gates as labels arrive, as often as they like. It refuses to count rows as evidence: rows of one unit
(a user, a request, a key) rise and fall together, so the unit is what is sampled. It says nothing under 100 units,
where the normal approximation behind it cannot be trusted.
"""

from dataclasses import dataclass
from math import inf, log, nan, sqrt
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

# Below this the central limit theorem is no support for skewed losses.
_FEWEST_UNITS = 100


@dataclass(frozen=True, slots=True)
class PairedLosses:
    """Sums over units of (d, c, n): difference of losses, champion's loss and rows of a unit; and of their products.

    Sums of different units add up, so they can be kept instead of the rows. Build them with `from_units`.
    """

    units: int
    rows: int
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
        return cls(len(d), int(n.sum()), float(d.sum()), float(c.sum()), *products)

    def contrast(self, ratio: float) -> tuple[float, float]:
        """Mean per row of difference - ratio * champion's loss, and the standard deviation per unit of its estimate.

        The second number divided by the square root of `units` is the usual cluster-robust standard error of a ratio of
        sums.
        """
        mean = (self.difference - ratio * self.champion) / self.rows
        xx = self.dd - 2 * ratio * self.dc + ratio * ratio * self.cc
        xn = self.dn - ratio * self.cn
        variance = max(0.0, xx - 2 * mean * xn + mean * mean * self.nn) / self.units
        return mean, sqrt(variance) * self.units / self.rows


@dataclass(frozen=True, slots=True)
class PairedLossResult:
    """What paired losses say about challenger - champion, per row.

    `lower` and `upper` bound the mean difference `estimate` at level `alpha`, at all times at once. `harm` says that it
    is over `harm_bound`, `non_inferior` that it is under `margin`, each of which moves with the champion's loss. Losses
    are nan without rows.
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


def analyze(
    losses: PairedLosses, *, alpha: float, harm_ratio: float, margin_ratio: float, planned_units: int = 10_000
) -> PairedLossResult:
    """Compare the mean loss of two versions on the same rows, whenever one looks.

    "Worse by a share of the champion's loss" is tested as a mean of its own, of difference - share * champion's loss,
    so that the champion's loss carries its sampling error instead of being taken as known.

    Args:
        losses: Sums over units.
        alpha: Probability of a wrong bound at some look, in large samples. Between 0 and 1.
        harm_ratio: Harm is a mean difference of more than this share of the champion's loss. At least 0.
        margin_ratio: Non-inferior is one of less than this share. At least 0.
        planned_units: Units at which the bounds are tightest; ten times more or fewer cost some 15 % of width. At least
            1.

    Raises:
        ValueError: `alpha` is not strictly between 0 and 1, a ratio is negative, or `planned_units` is under 1.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> champion = rng.exponential(1.0, 2000)
        >>> worse = PairedLosses.from_units(rng.normal(0.3, 1.0, 2000), champion, np.ones(2000))
        >>> result = analyze(worse, alpha=0.05, harm_ratio=0.1, margin_ratio=0.05)
        >>> round(result.estimate, 3), round(result.lower, 3), result.harm, result.non_inferior
        (0.31, 0.22, True, False)

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021), Time-uniform central limit theory and asymptotic
        confidence sequences, arXiv:2103.06476.
        Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, doi:10.1093/biomet/73.1.13.
    """
    _check(alpha, harm_ratio, margin_ratio, planned_units)
    radius = _radius(losses.units, alpha, planned_units)
    estimate, sd = losses.contrast(0.0) if losses.rows else (nan, nan)
    champion_loss = losses.champion / losses.rows if losses.rows else nan
    known = radius < inf
    return PairedLossResult(
        estimate=estimate,
        lower=estimate - sd * radius if known else -inf,
        upper=estimate + sd * radius if known else inf,
        champion_loss=champion_loss,
        challenger_loss=champion_loss + estimate,
        harm=known and _lower(losses, harm_ratio, radius) > 0,
        non_inferior=known and _is_non_inferior(losses, margin_ratio, radius),
        harm_bound=harm_ratio * champion_loss,
        margin=margin_ratio * champion_loss,
        units=losses.units,
        rows=losses.rows,
    )


def _check(alpha: float, harm_ratio: float, margin_ratio: float, planned_units: int) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha == {alpha}, must be between 0 and 1, both excluded")
    for name, ratio in (("harm_ratio", harm_ratio), ("margin_ratio", margin_ratio)):
        if not 0 <= ratio < inf:
            raise ValueError(f"{name} == {ratio}, must be a number of at least 0")
    if planned_units < 1:
        raise ValueError(f"planned_units == {planned_units}, must be at least 1")


def _radius(units: int, alpha: float, planned_units: int) -> float:
    """Half-width of the asymptotic confidence sequence for a standard deviation of 1."""
    if units < _FEWEST_UNITS:
        return inf
    ell = -2 * log(alpha)
    rho2 = (ell + log(ell + 1)) / planned_units
    scale = units * rho2 + 1
    return sqrt(2 * scale / (units * units * rho2) * log(sqrt(scale) / alpha))


def _lower(losses: PairedLosses, ratio: float, radius: float) -> float:
    mean, sd = losses.contrast(ratio)
    return mean - sd * radius


def _is_non_inferior(losses: PairedLosses, ratio: float, radius: float) -> bool:
    if losses.dd == 0:
        # The same predictions: the champion's own spread must not keep it from being as good as itself.
        return ratio > 0
    mean, sd = losses.contrast(ratio)
    return mean + sd * radius < 0
