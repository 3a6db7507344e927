import subprocess
import sys
import time

import numpy as np
import pytest

from interlock.stats.guard import FailureGuard, _onset_weight, _rates_above


def trials_to_trip(guard: FailureGuard, failed: list[bool]) -> int | None:
    return next((number for number, one in enumerate(failed, 1) if guard.update(one)), None)


@pytest.mark.parametrize("rate", [0.05, 0.1])
def test_a_version_at_or_under_its_rate_trips_in_at_most_alpha_of_runs(rate: float) -> None:
    rng = np.random.default_rng(1)
    tripped = 0
    for _ in range(150):
        tripped += trials_to_trip(FailureGuard(0.1, alpha=0.1), (rng.random(2000) < rate).tolist()) is not None
    # 0.1 plus three standard errors of 150 runs
    assert tripped / 150 <= 0.1 + 0.073


def test_weights_of_all_onsets_add_up_to_less_than_one() -> None:
    # The tail of the sum over t > n is under 1 / (1 + log(1 + n)).
    assert sum(map(_onset_weight, range(1, 100_001))) + 1 / (1 + np.log(100_001)) <= 1


@pytest.mark.parametrize("max_rate", [0.001, 0.05, 0.5, 0.97])
def test_every_bet_is_fair_at_the_allowed_rate_and_loses_below_it(max_rate: float) -> None:
    for rate in _rates_above(max_rate):
        on_failure, on_success = rate / max_rate, (1 - rate) / (1 - max_rate)
        assert max_rate < rate < 1
        assert max_rate * on_failure + (1 - max_rate) * on_success == pytest.approx(1)
        assert max_rate / 2 * on_failure + (1 - max_rate / 2) * on_success < 1


@pytest.mark.parametrize(
    ("max_rate", "fresh", "old"), [(0.01, 3, 6), (0.05, 4, 9), (0.1, 5, 11), (0.2, 7, 16), (0.5, 15, 38)]
)
def test_total_failure_trips_within_the_documented_number(max_rate: float, fresh: int, old: int) -> None:
    assert trials_to_trip(FailureGuard(max_rate), [True] * 100) == fresh
    guard = FailureGuard(max_rate)
    assert trials_to_trip(guard, [False] * 100_000) is None
    assert trials_to_trip(guard, [True] * 100) == old


def test_a_failure_rate_of_thirty_percent_is_found_soon_after_a_long_good_time() -> None:
    rng = np.random.default_rng(2)
    found = []
    for _ in range(20):
        guard = FailureGuard(0.05)
        assert trials_to_trip(guard, (rng.random(5000) < 0.01).tolist()) is None
        found.append(trials_to_trip(guard, (rng.random(500) < 0.3).tolist()))
    assert np.median([number or 500 for number in found]) <= 80


def test_wealth_is_the_likelihood_ratio_summed_over_onsets_and_rates() -> None:
    failed = [True, False, False, True, True, False]
    guard = FailureGuard(0.3)
    trials_to_trip(guard, failed)
    expected = 0.0
    for rate in _rates_above(0.3):
        for onset in range(len(failed)):
            ratios = [rate / 0.3 if one else (1 - rate) / 0.7 for one in failed[onset:]]
            expected += _onset_weight(onset + 1) * float(np.prod(ratios))
    assert sum(guard._wealth) == pytest.approx(expected)


def test_once_tripped_it_stays_so_and_counts_on() -> None:
    guard = FailureGuard(0.01)
    trials_to_trip(guard, [True] * 10)
    assert guard.update(False)
    assert (guard.tripped, guard.failures, guard.trials) == (True, 3, 4)


def test_an_update_costs_a_few_microseconds_at_most() -> None:
    guard = FailureGuard(0.05)
    best = min(_seconds(guard, 5000) for _ in range(5)) / 5000
    # About 0.8 microseconds; the rest is room for a busy machine.
    assert best < 5e-6


def _seconds(guard: FailureGuard, updates: int) -> float:
    started = time.perf_counter()
    for _ in range(updates):
        guard.update(False)
    return time.perf_counter() - started


def test_it_imports_neither_numpy_nor_scipy() -> None:
    code = "import sys, interlock.stats.guard; print({'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("max_rate", "alpha", "named"), [(0.0, 0.1, "max_rate"), (1.0, 0.1, "max_rate"), (0.1, 0.0, "alpha")]
)
def test_impossible_rates_are_refused_by_name(max_rate: float, alpha: float, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        FailureGuard(max_rate, alpha)
