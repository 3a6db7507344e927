"""Values of units less what a covariate says of them: the same difference of means, known more precisely (CUPED).

Called by A/B tests that declare a covariate, before `mean_difference`. The covariate must have been there before the
arm could act; who gives one that the arm moves takes a part of the effect away. It adds no level of its own: in large
samples the slope is as good as known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlock.stats.mean_difference import Group, Stratum

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ArmValues:
    """Units of one arm: what each is worth, finite, and its covariate, nan where it has none; both of shape (n,)."""

    values: Floats
    covariate: Floats


@dataclass(frozen=True, slots=True)
class AdjustedStrata:
    """Strata for `mean_difference.analyze`.

    Args:
        slope: Of the value on the covariate, within arms.
        explained: Share of the values' variance that is gone, at most 1.
    """

    strata: list[Stratum]
    slope: float
    explained: float


def adjust(strata: Sequence[tuple[ArmValues, ArmValues]]) -> AdjustedStrata:
    """Take from each value what its covariate says.

    The slope is that within arms and strata, so that neither the effect nor a busy hour bends it. Both arms are centred
    at the stratum's mean covariate: the difference loses just the part by which chance gave the arms other units.

    Args:
        strata: Champion and challenger, of units that were assigned at the same propensities.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> before = rng.normal(0, 1, (2, 5000))
        >>> sides = [ArmValues(2 * each + rng.normal(0, 1, 5000), each) for each in before]
        >>> found = adjust([(sides[0], sides[1])])
        >>> round(found.slope, 1), round(found.explained, 1)
        (2.0, 0.8)

    References:
        Deng, Xu, Kohavi & Walker (2013), Improving the sensitivity of online controlled experiments by utilizing
        pre-experiment data, WSDM, doi:10.1145/2433396.2433413.
        Waudby-Smith et al. (2024), doi:10.1214/24-AOS2408, section 3 (regression-adjusted sequences).
    """
    centred = [_centred(pair) for pair in strata]
    slope = _slope([arm for pair in centred for arm in pair])
    adjusted = [(champion.values - slope * champion.covariate, challenger.values - slope * challenger.covariate)
                for champion, challenger in centred]  # fmt: skip
    raw = [arm.values for pair in centred for arm in pair]
    before, after = _squares(raw), _squares([arm for pair in adjusted for arm in pair])
    return AdjustedStrata(
        strata=[
            Stratum(_group(champion.values, sides[0]), _group(challenger.values, sides[1]))
            for (champion, challenger), sides in zip(centred, adjusted, strict=True)
        ],
        slope=slope,
        explained=1 - after / before if before > 0 else 0.0,
    )


def _centred(pair: tuple[ArmValues, ArmValues]) -> tuple[ArmValues, ArmValues]:
    """Covariates less their mean over both arms; one that is missing says nothing."""
    every = np.concatenate([arm.covariate for arm in pair])
    known = every[np.isfinite(every)]
    mean = float(known.mean()) if len(known) else 0.0
    champion, challenger = (
        ArmValues(arm.values, np.where(np.isfinite(arm.covariate), arm.covariate - mean, 0.0)) for arm in pair
    )
    return champion, challenger


def _slope(arms: Sequence[ArmValues]) -> float:
    used = [arm for arm in arms if len(arm.values) > 1]
    together = sum(float((arm.covariate - arm.covariate.mean()) @ (arm.values - arm.values.mean())) for arm in used)
    spread = _squares([arm.covariate for arm in used])
    return together / spread if spread > 0 else 0.0


def _squares(groups: Sequence[Floats]) -> float:
    return sum(float(np.square(group - group.mean()).sum()) for group in groups if len(group))


def _group(values: Floats, adjusted: Floats) -> Group:
    """`events` stay those of the values: adjusted ones all differ, and would hide that few units have said anything."""
    if len(values) == 0:
        return Group(0, 0.0, 0.0, 0)
    variance = float(adjusted.var(ddof=1)) if len(values) > 1 else 0.0
    commonest = int(np.unique(values, return_counts=True)[1].max())
    return Group(len(values), float(adjusted.mean()), variance, len(values) - commonest)
