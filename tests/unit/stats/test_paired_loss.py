import math
from dataclasses import astuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from interlock.stats import time_blocks
from interlock.stats.paired_loss import PairedLosses, PairedLossResult, analyze

LOOKS = np.unique(np.geomspace(100, 4000, 20).astype(int))


def compare(
    difference: NDArray[np.float64],
    champion: NDArray[np.float64],
    rows: NDArray[np.int64] | None = None,
    *,
    harm_ratio: float = 0.0,
    margin_ratio: float = 0.1,
    trust_identical: bool = True,
) -> PairedLossResult:
    losses = PairedLosses.from_units(difference, champion, np.ones(len(champion)) if rows is None else rows)
    return analyze(
        losses, alpha=0.05, harm_ratio=harm_ratio, margin_ratio=margin_ratio, trust_identical=trust_identical
    )


def draw_zero_one(rng: np.random.Generator, *, worse: float, better: float) -> tuple[NDArray[np.float64], ...]:
    """Differences and champion's losses of 4,000 units; the champion errs on 5 % of them."""
    champion = (rng.random(4000) < 0.05).astype(np.float64)
    chance = rng.random(4000)
    return np.where(champion == 1, -1.0 * (chance < better), 1.0 * (chance < worse)), champion


def test_equal_losses_are_called_harm_in_at_most_alpha_of_runs_whenever_one_looks() -> None:
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(400):
        champion, challenger = rng.exponential(1.0, (2, 4000))
        alarms += any(compare((challenger - champion)[:n], champion[:n]).harm for n in LOOKS)
    # 0.05 plus three standard errors of 400 runs; a fixed-sample test (z over 1.96) at each look alarms in 16 %.
    assert alarms / 400 <= 0.05 + 0.033


def test_harm_at_its_bound_is_called_in_at_most_alpha_of_runs_although_the_champions_loss_is_estimated() -> None:
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(400):
        champion = rng.exponential(1.0, 4000)
        challenger = rng.exponential(1.2, 4000)
        alarms += any(compare((challenger - champion)[:n], champion[:n], harm_ratio=0.2).harm for n in LOOKS)
    assert alarms / 400 <= 0.05 + 0.033


def test_bounds_cover_the_true_difference_at_every_look() -> None:
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(400):
        champion = rng.exponential(1.0, 4000)
        difference = champion * 0.2 + rng.normal(0, 1, 4000)
        results = [compare(difference[:n], champion[:n]) for n in LOOKS]
        missed += not all(result.lower <= 0.2 <= result.upper for result in results)
    assert missed / 400 <= 0.05 + 0.033


def test_rows_that_fail_together_stay_at_level_as_units_and_would_not_as_rows() -> None:
    rng = np.random.default_rng(4)
    alarms = np.zeros(2)
    for _ in range(200):
        champion, challenger = (rng.random((2, 400)) < 0.3).astype(np.float64)
        difference = challenger - champion
        per_unit = [compare(20 * difference[:n], 20 * champion[:n], np.full(n, 20)).harm for n in (100, 200, 400)]
        per_row = [compare(np.repeat(difference[:n], 20), np.repeat(champion[:n], 20)).harm for n in (100, 200, 400)]
        alarms += (any(per_unit), any(per_row))
    assert alarms[0] / 200 <= 0.05 + 0.046
    assert alarms[1] / 200 > 0.2


def sum_by(groups: NDArray[np.int64], difference: NDArray[np.float64], champion: NDArray[np.float64]) -> PairedLosses:
    return PairedLosses.from_units(
        np.bincount(groups, difference), np.bincount(groups, champion), np.bincount(groups).astype(np.float64)
    )


def compare_in_time(
    difference: NDArray[np.float64], champion: NDArray[np.float64], seconds: NDArray[np.float64]
) -> PairedLossResult:
    units = PairedLosses.from_units(difference, champion, np.ones(len(champion)))
    blocks = sum_by(time_blocks.numbers(seconds), difference, champion)
    return analyze(units, alpha=0.05, harm_ratio=0.0, margin_ratio=0.1, blocks=blocks)


def test_rows_that_share_their_days_and_hours_stay_at_level_with_blocks_and_would_not_without() -> None:
    rng = np.random.default_rng(12)
    # Twenty days of 360 rows; an hour's good or bad luck fades over ten hours.
    seconds, shared = np.arange(7200, dtype=np.float64) * 240, np.exp(-1 / 10)
    alarms = np.zeros(2)
    for _ in range(200):
        hours = rng.normal(0, 1, 480) * np.sqrt(1 - shared**2)
        for hour in range(1, 480):
            hours[hour] += shared * hours[hour - 1]
        difference = rng.normal(0, 1, 7200) + 0.14 * np.repeat(hours, 15)
        champion = np.ones(7200)
        looks = (1000, 1500, 2000, 3000, 4000, 5500, 7200)
        alarms[0] += any(compare_in_time(difference[:n], champion[:n], seconds[:n]).harm for n in looks)
        alarms[1] += any(compare(difference[:n], champion[:n]).harm for n in looks)
    assert alarms[0] / 200 <= 0.05 + 0.046
    assert alarms[1] / 200 > 0.2


def test_independent_rows_of_a_minute_keep_their_level_and_most_of_their_power() -> None:
    rng = np.random.default_rng(13)
    alarms, needed, needed_without = 0, 0, 0
    looks = range(500, 4001, 100)
    for _ in range(100):
        seconds, noise, champion = np.sort(rng.random(4000)) * 60, rng.normal(0, 1, 4000), np.ones(4000)
        worse = noise + 0.15
        alarms += any(compare_in_time(noise[:n], champion[:n], seconds[:n]).harm for n in looks)
        needed += next(n for n in looks if compare_in_time(worse[:n], champion[:n], seconds[:n]).harm)
        needed_without += next(n for n in looks if compare(worse[:n], champion[:n]).harm)
    assert alarms / 100 <= 0.05 + 0.066
    # A third more labels; widening for few blocks also where they vary no more than units would cost three quarters.
    assert needed / needed_without <= 1.5


def test_variance_of_correlated_rows_is_that_of_their_block_sums_under_students_t() -> None:
    rng = np.random.default_rng(14)
    difference = np.repeat(rng.normal(0, 1, 12), 100) + rng.normal(0, 1, 1200)
    days, champion = np.repeat(np.arange(12), 100), np.ones(1200)
    units = PairedLosses.from_units(difference, champion, champion)
    result = analyze(units, alpha=0.05, harm_ratio=0, margin_ratio=0.1, blocks=sum_by(days, difference, champion))
    plain = compare(difference, champion)
    deviations = (plain.upper - plain.lower) / 2 / (difference.std() / math.sqrt(1200))
    width = stats.t.isf(stats.norm.sf(deviations), 11) * difference.reshape(12, 100).mean(axis=1).std(ddof=1)
    assert (result.upper - result.lower) / 2 == pytest.approx(width / math.sqrt(12))
    assert result.design_effect == pytest.approx(((result.upper - result.lower) / (plain.upper - plain.lower)) ** 2)
    assert (result.blocks, result.estimate) == (12, plain.estimate)


def test_blocks_that_vary_no_more_than_units_change_nothing() -> None:
    difference, champion = np.tile([-1.0, 1.0], 300), np.ones(600)
    result = compare_in_time(difference, champion, np.arange(600.0))
    assert (result.design_effect, result.lower) == (1.0, compare(difference, champion).lower)


def test_the_same_predictions_differ_by_nothing_in_any_block() -> None:
    result = compare_in_time(np.zeros(600), np.random.default_rng(15).exponential(1.0, 600), np.arange(600.0) * 1e4)
    assert (result.lower, result.upper, result.design_effect, result.non_inferior) == (0.0, 0.0, 1.0, True)


def test_blocks_of_other_rows_are_refused() -> None:
    units = PairedLosses.from_units([0.0, 0.0], [1.0, 1.0], [1, 1])
    with pytest.raises(ValueError, match=r"blocks\.rows == 1, must be the 2 rows"):
        analyze(units, alpha=0.05, harm_ratio=0, margin_ratio=0, blocks=PairedLosses.from_units([0.0], [1.0], [1]))


@pytest.mark.parametrize(("worse", "better"), [(0.0026, 0.0), (0.0105, 0.0), (0.01, 0.14), (0.05, 0.9)])
def test_a_challenger_worse_by_the_margin_or_more_is_rarely_called_non_inferior(worse: float, better: float) -> None:
    # Versions that rarely disagree are the trap: with the variance as seen, 16 to 80 % of runs are.
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(200):
        difference, champion = draw_zero_one(rng, worse=worse, better=better)
        wrong += any(
            compare(difference[:n], champion[:n], margin_ratio=0.045, trust_identical=False).non_inferior for n in LOOKS
        )
    assert wrong / 200 <= 0.05 + 0.046


def test_a_better_challenger_is_soon_called_non_inferior() -> None:
    rng = np.random.default_rng(6)
    found = 0
    for _ in range(50):
        champion = rng.exponential(1.0, 1000)
        found += compare(-0.1 * champion + rng.normal(0, 0.5, 1000), champion).non_inferior
    assert found >= 48


def test_a_loss_twice_as_high_is_soon_called_harm() -> None:
    rng = np.random.default_rng(7)
    champion = rng.exponential(1.0, 500)
    result = compare(champion + rng.normal(0, 1, 500), champion, harm_ratio=0.1)
    assert (result.harm, result.non_inferior) == (True, False)


def test_half_width_is_that_of_the_published_formula() -> None:
    rng = np.random.default_rng(8)
    difference, n = rng.normal(0, 1, 2500), 2500
    rho = math.sqrt((-2 * math.log(0.05) + math.log(-2 * math.log(0.05) + 1)) / 10_000)
    factor = math.sqrt(2 * (n * rho**2 + 1) / (n * rho) ** 2 * math.log(math.sqrt(n * rho**2 + 1) / 0.05))
    result = compare(difference, np.ones(n))
    assert (result.upper - result.lower) / 2 == pytest.approx(difference.std() * factor)


def test_standard_error_of_unequal_units_agrees_with_a_bootstrap_of_units() -> None:
    rng = np.random.default_rng(9)
    rows = rng.integers(1, 30, 1000)
    difference = rows * rng.normal(0.1, 1, 1000)
    picks = rng.integers(0, 1000, (2000, 1000))
    bootstrap = (difference[picks].sum(axis=1) / rows[picks].sum(axis=1)).std()
    result = compare(difference, rows.astype(np.float64), rows)
    reference = compare(rng.normal(0, 1, 1000), np.ones(1000))
    factor = (reference.upper - reference.lower) / 2 / (1 / math.sqrt(1000))
    assert result.estimate == pytest.approx(difference.sum() / rows.sum())
    assert (result.upper - result.lower) / 2 == pytest.approx(factor * bootstrap, rel=0.1)


def test_the_same_predictions_differ_by_nothing_and_are_as_good() -> None:
    champion = np.random.default_rng(10).exponential(1.0, 100)
    result = compare(np.zeros(100), champion)
    assert (result.estimate, result.lower, result.upper) == (0.0, 0.0, 0.0)
    assert (result.harm, result.non_inferior) == (False, True)
    assert not compare(np.zeros(100), champion, margin_ratio=0.0).non_inferior


def test_untrusted_sameness_has_to_be_earned() -> None:
    champion = np.tile([1.0, 0, 0, 0, 0], 1000)
    early = compare(np.zeros(100), champion[:100], trust_identical=False)
    assert (early.harm, early.non_inferior) == (False, False)
    assert early.lower < 0 < early.upper
    assert compare(np.zeros(5000), champion, trust_identical=False).non_inferior


def test_no_verdict_under_a_hundred_units_however_many_rows() -> None:
    result = compare(np.full(99, 1000.0), np.full(99, 500.0), np.full(99, 1000))
    assert (result.harm, result.non_inferior, result.lower, result.upper) == (False, False, -math.inf, math.inf)
    assert (result.estimate, result.champion_loss, result.challenger_loss) == (1.0, 0.5, 1.5)
    assert (result.units, result.rows) == (99, 99_000)


def test_without_units_nothing_is_claimed() -> None:
    result = compare(np.array([]), np.array([]))
    assert (result.harm, result.non_inferior, result.lower, result.upper) == (False, False, -math.inf, math.inf)
    assert math.isnan(result.estimate)


def test_a_champion_without_losses_can_be_harmed() -> None:
    assert compare(np.ones(200), np.zeros(200)).harm
    assert compare(np.zeros(200), np.zeros(200), trust_identical=False).upper == math.inf


def test_margins_are_shown_in_units_of_loss() -> None:
    result = compare(np.linspace(-1, 1, 200), np.full(200, 0.5), harm_ratio=0.2, margin_ratio=0.1)
    assert (result.harm_bound, result.margin) == pytest.approx((0.1, 0.05))


def test_sums_of_different_units_add_up() -> None:
    rng = np.random.default_rng(11)
    d, c, n = rng.normal(size=50), rng.random(50), rng.integers(1, 9, 50)
    parts = [astuple(PairedLosses.from_units(d[s], c[s], n[s])) for s in (slice(0, 20), slice(20, 50))]
    assert np.sum(parts, axis=0) == pytest.approx(astuple(PairedLosses.from_units(d, c, n)))


@pytest.mark.parametrize(
    ("arrays", "named"),
    [
        (([0.0], [1.0, 1.0], [1]), "shapes"),
        (([math.nan], [1.0], [1]), "finite"),
        (([0.0], [-1.0], [1]), "champion_sums"),
        (([0.0], [1.0], [0]), "row_counts"),
    ],
)
def test_impossible_units_are_refused_by_name(arrays: tuple[list[float], ...], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        PairedLosses.from_units(*arrays)


@pytest.mark.parametrize(
    "changed", [{"alpha": 0.0}, {"harm_ratio": -1.0}, {"margin_ratio": math.nan}, {"planned_units": 0}]
)
def test_impossible_options_are_refused_by_name(changed: dict[str, float]) -> None:
    options: dict[str, float] = {"alpha": 0.05, "harm_ratio": 0.0, "margin_ratio": 0.1} | changed
    with pytest.raises(ValueError, match=next(iter(changed))):
        analyze(PairedLosses.from_units([0.0], [1.0], [1]), **options)  # type: ignore[arg-type]  # built in a loop
