from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.monitoring.dispersion import Dispersion, between_windows, p_value, within_window
from interlock.stats.two_sample import TwoSampleResult, analyze

Counts = NDArray[np.int64]

DECILES = np.array([-1.2816, -0.8416, -0.5244, -0.2533, 0, 0.2533, 0.5244, 0.8416, 1.2816])
ALPHA = 0.01


def binned(values: NDArray[np.float64]) -> Counts:
    return np.bincount(DECILES.searchsorted(values), minlength=11)


def independent_days(days: int, rows: int, rng: np.random.Generator, shifts: NDArray[np.float64]) -> Counts:
    return np.stack([binned(rng.standard_normal(rows) + shifts[day]) for day in range(days)])


def weather(hours: int, correlation: float, rng: np.random.Generator, rows: int = 40) -> Counts:
    """Hours whose rows share most of their value, which goes on from hour to hour."""
    level = rng.standard_normal()
    counts = []
    for _ in range(hours):
        level = correlation * level + np.sqrt(1 - correlation**2) * rng.standard_normal()
        counts.append(binned(np.sqrt(0.9) * level + np.sqrt(0.1) * rng.standard_normal(rows)))
    return np.stack(counts)


def alarms(look: Callable[[np.random.Generator], float], runs: int, alpha: float = ALPHA) -> float:
    rng = np.random.default_rng(5)
    return sum(look(rng) < alpha for _ in range(runs)) / runs


def by_day(hours: Counts) -> Counts:
    return np.asarray(hours.reshape(-1, 24, hours.shape[1]).sum(axis=1))


@pytest.mark.parametrize("correlation", [0.5, 0.8, 0.97])
def test_weather_raises_no_more_alarms_than_stated_when_days_before_are_known(correlation: float) -> None:
    def look(rng: np.random.Generator) -> float:
        hours = weather(24 * 29, correlation, rng)
        today, before = hours[-24:].sum(axis=0), by_day(hours[:-24])
        test = analyze(binned(rng.standard_normal(10_000)), today)
        return p_value(test, between_windows(before, int(today.sum())))

    # Three standard errors of 120 runs above the level.
    assert alarms(look, 120) <= ALPHA + 3 * np.sqrt(ALPHA / 120)


def test_without_correction_weather_raises_an_alarm_nearly_every_day() -> None:
    def look(rng: np.random.Generator) -> float:
        today = weather(24, 0.97, rng).sum(axis=0)
        return p_value(analyze(binned(rng.standard_normal(10_000)), today), Dispersion())

    assert alarms(look, 50) > 0.9


def test_a_month_of_weather_raises_no_more_alarms_than_stated_by_its_own_parts() -> None:
    def look(rng: np.random.Generator) -> float:
        parts = weather(24 * 30, 0.97, rng).reshape(24, 30, 11).sum(axis=1)
        return p_value(analyze(binned(rng.standard_normal(10_000)), parts.sum(axis=0)), within_window(parts))

    assert alarms(look, 100) <= ALPHA + 3 * np.sqrt(ALPHA / 100)


def test_a_day_of_lasting_weather_without_a_past_is_mostly_not_judged() -> None:
    rng = np.random.default_rng(1)
    known = [within_window(weather(24, 0.97, rng)).is_known for _ in range(100)]
    assert sum(known) <= 25


@pytest.mark.parametrize("days_since", [1, 6, 20])
def test_independent_rows_keep_their_power_while_a_change_lasts(days_since: int) -> None:
    shifts = np.where(np.arange(29) >= 29 - days_since, 0.25, 0.0)

    def look(rng: np.random.Generator) -> float:
        days = independent_days(29, 1000, rng, shifts)
        return p_value(analyze(binned(rng.standard_normal(10_000)), days[-1]), between_windows(days[:-1], 1000))

    assert alarms(look, 50, alpha=0.01 / 50) >= 0.85


def test_independent_rows_keep_their_level_by_parts_of_the_window() -> None:
    def look(rng: np.random.Generator) -> float:
        parts = independent_days(24, 40, rng, np.zeros(24))
        return p_value(analyze(binned(rng.standard_normal(10_000)), parts.sum(axis=0)), within_window(parts))

    assert alarms(look, 400) <= ALPHA + 3 * np.sqrt(ALPHA / 400)


def test_weekdays_are_a_cause_that_whole_days_share() -> None:
    week = np.tile(np.eye(7, dtype=np.int64) * 900, (4, 1))
    found = between_windows(week, 900)
    assert found.basis == "windows before"
    assert found.factor > 800
    test = analyze(np.full(7, 1000), week[0])
    assert test.p_value < 1e-100
    assert p_value(test, found) > 0.1


def test_few_windows_and_few_parts_measure_nothing() -> None:
    assert between_windows(np.full((5, 4), 100), 400) == Dispersion()
    assert within_window(np.full((5, 4), 100)) == Dispersion()


def test_windows_that_are_all_alike_do_not_make_rows_worth_more() -> None:
    assert between_windows(np.full((28, 4), 100), 400).factor == 1.0
    assert within_window(np.full((24, 4), 100)).factor == 1.0


def test_too_few_rows_to_test_prove_nothing() -> None:
    empty = TwoSampleResult(p_value=1.0, statistic=0.0, dof=0, total_variation=0.0, jensen_shannon=0.0)
    assert p_value(empty, Dispersion()) == 1.0
