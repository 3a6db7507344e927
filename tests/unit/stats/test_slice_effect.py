import numpy as np
import pytest
from scipy import stats

from interlock.stats.slice_effect import analyze


def test_of_units_of_one_row_it_is_nearly_welchs_test() -> None:
    rng = np.random.default_rng(1)
    inside, outside = rng.exponential(1.3, 400), rng.exponential(1.0, 900)
    found = analyze([*inside, *outside], [True] * 400 + [False] * 900, range(1300))
    welch = stats.ttest_ind(inside, outside, equal_var=False, alternative="greater")
    bounds = stats.ttest_ind(inside, outside, equal_var=False).confidence_interval(0.95)
    assert found.difference == pytest.approx(inside.mean() - outside.mean())
    assert found.p_value == pytest.approx(welch.pvalue, rel=0.05)
    assert (found.lower, found.upper) == pytest.approx((bounds.low, bounds.high), abs=0.005)
    assert (found.rows, found.units) == (400, 400)


def test_rows_of_one_unit_are_worth_one() -> None:
    rng = np.random.default_rng(2)
    errors, inside = rng.exponential(1.0, 200), rng.random(200) < 0.4
    once = analyze(errors, inside, range(200))
    tenfold = analyze(np.repeat(errors, 10), np.repeat(inside, 10), np.repeat(np.arange(200), 10))
    assert tenfold.p_value == pytest.approx(once.p_value)
    assert (tenfold.lower, tenfold.upper) == pytest.approx((once.lower, once.upper))
    assert (tenfold.rows, tenfold.units) == (10 * once.rows, once.units)


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(3), 0
    for _ in range(1000):
        units = np.repeat(np.arange(60), 5)
        chance = np.repeat(rng.beta(2, 6, 60), 5)
        inside = units < 25
        wrong = rng.random(300) < np.minimum(chance + 0.2 * inside, 1.0)
        found = analyze(wrong, inside, units)
        held += found.lower <= 0.2 <= found.upper
    assert 0.93 <= held / 1000 <= 0.985


def test_it_refuses_what_tells_nothing() -> None:
    with pytest.raises(ValueError, match="1 units on a side"):
        analyze([1, 0, 1, 1], [True, True, False, False], [0, 0, 1, 2])
    with pytest.raises(ValueError, match="alpha == 1"):
        analyze([1, 0, 1, 1], [True, True, False, False], range(4), alpha=1)
