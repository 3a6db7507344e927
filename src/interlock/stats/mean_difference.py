"""Anytime-valid bounds on the difference of two means, from units that were split at random.

Called by A/B tests, whenever rewards or labels have come. Units of different propensities are compared apart and then
averaged: pooled, a ramp during which the world changes looks like an effect. It refuses to say anything from too few
units, because its validity is asymptotic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

# Bounds are tightest around so many units. The value is GrowthBook's; a tenth or ten times as many widens them by 15 %.
TUNED_FOR = 5000

# The central limit theorem has to hold on both sides, also for rare events: so many units of each side, and so many of
# those that differ from the commonest value as the smaller side's size lets expect.
LEAST_UNITS = 100
LEAST_EVENTS = 10


@dataclass(frozen=True, slots=True)
class Group:
    """The values of one arm's units.

    Args:
        units: How many.
        mean: Of their values.
        variance: Of their values, with `units - 1` in the denominator; 0 for fewer than two.
        events: Units whose value is not the commonest one.
    """

    units: int
    mean: float
    variance: float
    events: int


@dataclass(frozen=True, slots=True)
class Stratum:
    """Units of both arms that were assigned at the same propensities."""

    champion: Group
    challenger: Group


@dataclass(frozen=True, slots=True)
class MeanDifferenceResult:
    """Challenger's mean minus the champion's.

    `lower` and `upper` bound it at all times at once; infinite while there are too few units. `champion` and
    `challenger` are the means that are compared: with the same weight of each stratum.
    """

    estimate: float
    lower: float
    upper: float
    p_value: float
    champion: float
    challenger: float
    champion_units: int
    challenger_units: int

    @property
    def is_bounded(self) -> bool:
        return self.upper < inf


def analyze(strata: Sequence[Stratum], *, alpha: float = 0.05, tuned_for: int = TUNED_FOR) -> MeanDifferenceResult:
    """Compare two arms, whenever one looks.

    The asymptotic confidence sequence: a normal mixture martingale over the difference, with variances estimated. A
    stratum counts by its units.

    Args:
        strata: Each unit in one of them. Those with fewer than two units on a side are left out.
        alpha: Total probability, over all looks, that the bounds miss the difference. Between 0 and 1.
        tuned_for: Units of both arms at which the bounds are tightest. Must not depend on the data.

    Raises:
        ValueError: `alpha` is not strictly between 0 and 1.

    Examples:
        >>> groups = Stratum(Group(2000, 0.100, 0.0900, 200), Group(2000, 0.150, 0.1275, 300))
        >>> result = analyze([groups])
        >>> [round(value, 4) for value in (result.estimate, result.lower, result.upper)]
        [0.05, 0.017, 0.083]

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Time-uniform central limit theory and asymptotic
        confidence sequences, Annals of Statistics 52(6), doi:10.1214/24-AOS2408.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha == {alpha}, must be between 0 and 1, both excluded")
    used = [each for each in strata if min(each.champion.units, each.challenger.units) > 1]
    champion_units = sum(each.champion.units for each in used)
    challenger_units = sum(each.challenger.units for each in used)
    units = champion_units + challenger_units
    weights = [(each.champion.units + each.challenger.units) / units for each in used]
    champion = sum(weight * each.champion.mean for weight, each in zip(weights, used, strict=True))
    challenger = sum(weight * each.challenger.mean for weight, each in zip(weights, used, strict=True))
    variance = sum(weight**2 * _variance(each) for weight, each in zip(weights, used, strict=True))
    estimate = challenger - champion
    radius, p_value = inf, 1.0
    if _is_enough(used, champion_units, challenger_units) and variance > 0:
        radius = sqrt(variance) * standard_radius(units, alpha=alpha, tuned_for=tuned_for)
        p_value = _p_value(estimate**2 / variance, units, _rho2(alpha, tuned_for))
    return MeanDifferenceResult(
        estimate=estimate,
        lower=estimate - radius,
        upper=estimate + radius,
        p_value=p_value,
        champion=champion,
        challenger=challenger,
        champion_units=champion_units,
        challenger_units=challenger_units,
    )


def standard_radius(units: int, *, alpha: float, tuned_for: int = TUNED_FOR) -> float:
    """Half the width of the bounds in standard errors of the estimate.

    Examples:
        >>> round(standard_radius(5000, alpha=0.05), 2)
        3.04
    """
    spread = units * _rho2(alpha, tuned_for)
    return sqrt((spread + 1) / spread * (log(spread + 1) - 2 * log(alpha)))


def _rho2(alpha: float, tuned_for: int) -> float:
    wanted = -2 * log(alpha)
    return (wanted + log(wanted + 1)) / tuned_for


def _p_value(squared: float, units: int, rho2: float) -> float:
    spread = units * rho2
    log_evidence = spread * squared / (2 * (spread + 1)) - log(spread + 1) / 2
    return min(1.0, exp(-log_evidence)) if log_evidence < 700 else 0.0


def _variance(stratum: Stratum) -> float:
    """Variance of the difference in one stratum.

    A side counts with at least the variance of both together: of rare or skewed values a small side often has none of
    the large ones yet, and looks as if it were sure. Without that, a tenth of the units and 1 % of events give false
    differences in 13 % of tests at a level of 5 %.
    """
    sides = (stratum.champion, stratum.challenger)
    pooled = sum((group.units - 1) * group.variance for group in sides) / (sum(group.units for group in sides) - 2)
    return sum(max(group.variance, pooled) / group.units for group in sides)


def _is_enough(strata: Sequence[Stratum], champion_units: int, challenger_units: int) -> bool:
    events = sum(each.champion.events + each.challenger.events for each in strata)
    smaller = min(champion_units, challenger_units)
    expected = events * smaller / max(1, champion_units + challenger_units)
    return smaller >= LEAST_UNITS and expected >= LEAST_EVENTS
