"""Adjusted differences are those of a regression, are sharper, and keep their level however often one looks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.stats import mean_difference
from interlock.stats.covariate_adjustment import AdjustedStrata, ArmValues, adjust

Floats = NDArray[np.float64]


def arms(rng: np.random.Generator, sizes: tuple[int, int], effect: float = 0.0, weight: float = 1.0) -> list[ArmValues]:
    """Values with a variance of 1 beside what the covariate says of them."""
    found = []
    for size, moved in zip(sizes, (0.0, effect), strict=True):
        covariate = rng.normal(5, 1, size)
        found.append(ArmValues(weight * covariate + moved + rng.normal(0, 1, size), covariate))
    return found


def test_the_difference_is_that_of_a_regression_on_arm_and_covariate() -> None:
    champion, challenger = arms(np.random.default_rng(1), (800, 700), effect=0.3)
    found = adjust([(champion, challenger)])
    values, covariate = (
        np.concatenate([getattr(arm, name) for arm in (champion, challenger)]) for name in ("values", "covariate")
    )
    design = np.column_stack((np.ones(1500), np.repeat([0.0, 1.0], [800, 700]), covariate))
    solved = np.linalg.lstsq(design, values, rcond=None)[0]
    assert mean_difference.analyze(found.strata).estimate == pytest.approx(solved[1])
    assert found.slope == pytest.approx(solved[2])


@pytest.mark.parametrize(("weight", "explained"), [(0.0, 0.0), (1.0, 0.5), (3.0, 0.9)])
def test_variance_falls_by_the_squared_correlation(weight: float, explained: float) -> None:
    champion, challenger = arms(np.random.default_rng(2), (20_000, 20_000), weight=weight)
    found = adjust([(champion, challenger)])
    assert found.explained == pytest.approx(explained, abs=0.02)
    raw = np.var(champion.values, ddof=1)
    assert found.strata[0].champion.variance / raw == pytest.approx(1 - explained, abs=0.02)


def test_a_missing_covariate_says_nothing_and_loses_no_unit() -> None:
    champion, challenger = arms(np.random.default_rng(3), (500, 500))
    some = np.where(np.arange(500) % 3 == 0, np.nan, champion.covariate)
    found = adjust([(ArmValues(champion.values, some), challenger)])
    assert found.strata[0].champion.units == 500
    none = ArmValues(champion.values, np.full(500, np.nan))
    alone = adjust([(none, ArmValues(challenger.values, np.full(500, np.nan)))])
    assert (alone.slope, alone.explained) == (0.0, 0.0)
    assert alone.strata[0].champion.mean == pytest.approx(champion.values.mean())


def test_few_events_stay_few() -> None:
    rng = np.random.default_rng(4)
    sides = [ArmValues((np.arange(1000) < 3).astype(float), rng.normal(0, 1, 1000)) for _ in range(2)]
    result = mean_difference.analyze(adjust([(sides[0], sides[1])]).strata)
    assert not result.is_bounded


def test_hours_in_which_all_are_worth_more_do_not_bend_the_slope() -> None:
    rng = np.random.default_rng(5)
    quiet, busy = (arms(rng, (2000, 2000), effect=0.2, weight=1.0) for _ in range(2))
    moved = [ArmValues(arm.values + 50, arm.covariate - 9) for arm in busy]
    found = adjust([(quiet[0], quiet[1]), (moved[0], moved[1])])
    assert found.slope == pytest.approx(1.0, abs=0.05)
    assert mean_difference.analyze(found.strata).estimate == pytest.approx(0.2, abs=0.1)


def test_no_units_are_no_difference() -> None:
    nothing = ArmValues(np.zeros(0), np.zeros(0))
    assert adjust([(nothing, nothing)]).strata[0].champion.units == 0
    assert adjust([]) == AdjustedStrata([], 0.0, 0.0)


@pytest.mark.parametrize("kind", ["normal", "rare"])
def test_the_level_holds_at_every_look(kind: str) -> None:
    rng, runs, alpha = np.random.default_rng(6), 300, 0.05
    looks = np.unique(np.geomspace(100, 4000, 25).astype(int))
    false = sum(_ever_differs(rng, looks, kind, alpha) for _ in range(runs))
    assert false <= runs * alpha + 3 * (runs * alpha * (1 - alpha)) ** 0.5


def _ever_differs(rng: np.random.Generator, looks: NDArray[np.int64], kind: str, alpha: float) -> bool:
    covariate = rng.normal(0, 1, (2, 4000))
    chance = 1 / (1 + np.exp(-(covariate * 1.5 - 2.5)))
    noisy: Floats = np.asarray(covariate + rng.normal(0, 1, (2, 4000)), dtype=np.float64)
    values = noisy if kind == "normal" else np.asarray(rng.random((2, 4000)) < chance, dtype=np.float64)
    for units in looks.tolist():
        pair = [ArmValues(values[side, :units], covariate[side, :units]) for side in (0, 1)]
        result = mean_difference.analyze(adjust([(pair[0], pair[1])]).strata, alpha=alpha)
        if result.lower > 0 or result.upper < 0:
            return True
    return False
