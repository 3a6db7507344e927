"""The level of each test, and what one test alone would miss."""

import numpy as np
import pytest

from interlock.monitoring.dispersion import Dispersion, between_windows, within_window
from interlock.monitoring.significance import change_p_value

RUNS = 400


def counts(rng: np.random.Generator, rows: int, shares: list[float]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return rng.multinomial(rows, shares).astype(np.int64)


def test_independent_rows_are_judged_at_the_level_asked_for() -> None:
    rng = np.random.default_rng(1)
    shares = [0.1] * 10
    alarms = [
        change_p_value(counts(rng, 5_000, shares), counts(rng, 500, shares), Dispersion(), ordered=True) < 0.05
        for _ in range(RUNS)
    ]
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)


def test_days_whose_mean_wanders_are_judged_at_the_level_asked_for() -> None:
    rng = np.random.default_rng(2)
    edges = np.array([-1.28, -0.84, -0.52, -0.25, 0, 0.25, 0.52, 0.84, 1.28])

    def day(mean: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.bincount(edges.searchsorted(rng.normal(mean, 1, 500)), minlength=11).astype(np.int64)

    alarms = []
    for _ in range(RUNS // 2):
        reference = sum(day(mean) for mean in rng.normal(0, 0.2, 60))
        before = np.stack([day(mean) for mean in rng.normal(0, 0.2, 28)])
        today = day(rng.normal(0, 0.2))
        alarms.append(change_p_value(np.asarray(reference), today, between_windows(before, 500), ordered=True) < 0.02)
    assert np.mean(alarms) <= 0.02 + 3 * np.sqrt(0.02 * 0.98 / len(alarms))


def test_one_class_of_ten_that_grows_is_found_where_all_bins_together_would_not_show_it() -> None:
    rng = np.random.default_rng(3)
    was, now = [0.05] + [0.95 / 9] * 9, [0.08] + [0.92 / 9] * 9
    before = np.stack([counts(rng, 2_500, was) for _ in range(28)])
    usual = between_windows(before, 2_500)
    found = [
        change_p_value(counts(rng, 10_000, was), counts(rng, 2_500, now), usual, ordered=False) < 1e-3
        for _ in range(50)
    ]
    assert np.mean(found) >= 0.8


@pytest.mark.parametrize("side", [0, 1])
def test_a_side_without_rows_says_nothing(side: int) -> None:
    sides = [np.array([5, 5]), np.array([5, 5])]
    sides[side] = np.array([0, 0])
    assert change_p_value(sides[0], sides[1], Dispersion(), ordered=False) == 1.0


def test_hours_that_wander_are_seen_to_move_together_and_independent_ones_are_not() -> None:
    rng = np.random.default_rng(4)
    quiet = [within_window(np.stack([counts(rng, 40, [0.1] * 10) for _ in range(24)])).is_together for _ in range(200)]
    assert np.mean(quiet) <= 0.03
    edges = np.linspace(-1.3, 1.3, 9)
    moods = np.repeat(rng.normal(0, 0.7, 6), 4)
    hours = [np.bincount(edges.searchsorted(rng.normal(mood, 1, 40)), minlength=10) for mood in moods]
    assert within_window(np.stack(hours)).is_together
