"""The chance of a false alarm is the one asked for, and one bad week is no norm."""

import numpy as np
import pytest

from interlock.stats.seasonal_range import seasonal_range

RUNS = 600


@pytest.mark.parametrize("weeks", [3, 8])
def test_days_without_a_change_lie_outside_no_more_often_than_asked_for(weeks: int) -> None:
    rng = np.random.default_rng(weeks)
    level = np.array([10.0, 20, 20, 20, 20, 15, 5])
    outside = 0
    for _ in range(RUNS):
        values = level + rng.normal(0, 2, (weeks + 1, 7))
        found = seasonal_range(values[:-1], [3], chance=0.02)
        outside += not found.lower[0] <= values[-1, 3] <= found.upper[0]
    assert outside / RUNS <= 0.02 + 3 * np.sqrt(0.02 * 0.98 / RUNS)


def test_hours_are_judged_together_at_the_chance_asked_for() -> None:
    rng = np.random.default_rng(5)
    mean = 100 + 80 * np.sin(np.arange(168) / 24 * 2 * np.pi)
    outside = 0
    for _ in range(RUNS):
        roots = 2 * np.sqrt(rng.poisson(mean, (9, 168)) + 3 / 8)
        found = seasonal_range(roots[1:], np.arange(24), chance=0.02, least_deviation=1.0)
        outside += bool(((roots[0, :24] < found.lower) | (roots[0, :24] > found.upper)).any())
    assert outside / RUNS <= 0.02 + 3 * np.sqrt(0.02 * 0.98 / RUNS)


def test_a_change_of_five_deviations_is_outside_though_one_week_was_a_failure() -> None:
    rng = np.random.default_rng(6)
    values = 50 + rng.normal(0, 2, (8, 7))
    values[4] = 0.0
    found = seasonal_range(values, [0], chance=0.001)
    assert found.lower[0] > 35
    assert found.upper[0] < 65


def test_two_weeks_say_nothing() -> None:
    assert np.isnan(seasonal_range(np.ones((2, 7)), [0], chance=0.01).lower[0])
    assert np.isnan(seasonal_range(np.full((8, 7), np.nan), [0], chance=0.01).lower[0])


def test_a_value_that_never_changes_has_no_room() -> None:
    found = seasonal_range(np.ones((4, 7)), [0], chance=0.01)
    assert (found.lower[0], found.upper[0]) == (1.0, 1.0)
