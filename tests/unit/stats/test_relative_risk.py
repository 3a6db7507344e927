import numpy as np
import pytest

from interlock.stats.relative_risk import StepFailures, analyze


def false_alarms(*, rate: float, shares: list[float], drift: float, runs: int, seed: int) -> float:
    """Share of A/A releases in which some look, out of one after every 500 requests, raises an alarm."""
    rng = np.random.default_rng(seed)
    alarms = 0
    for _ in range(runs):
        done: list[StepFailures] = []
        alarmed = False
        for number, share in enumerate(shares):
            counts = np.zeros(2, dtype=int)
            for _ in range(10):
                challenger = rng.random(500) < share
                failed = rng.random(500) < rate * (1 + drift * number)
                counts += (int((challenger & failed).sum()), int((~challenger & failed).sum()))
                alarmed |= analyze([*done, StepFailures(int(counts[0]), int(counts[1]), share)]).p_value <= 0.05
            done.append(StepFailures(int(counts[0]), int(counts[1]), share))
        alarms += alarmed
    return alarms / runs


@pytest.mark.parametrize("shares", [[0.5], [0.01, 0.05, 0.25, 0.5]])
@pytest.mark.parametrize("drift", [0.0, 0.8])
def test_false_alarms_stay_below_alpha_when_rates_drift_during_a_ramp(shares: list[float], drift: float) -> None:
    # 0.05 plus three standard errors of 200 runs
    assert false_alarms(rate=0.02, shares=shares, drift=drift, runs=200, seed=7) <= 0.05 + 3 * 0.0155


def test_harm_from_five_to_eight_percent_is_found_within_1400_units_per_arm() -> None:
    found_after = []
    rng = np.random.default_rng(3)
    for _ in range(100):
        counts, units = np.zeros(2, dtype=int), 0
        while units < 5000:
            counts += (rng.binomial(25, 0.08), rng.binomial(25, 0.05))
            units += 25
            if analyze([StepFailures(int(counts[0]), int(counts[1]), 0.5)]).p_value <= 0.05 / 3:
                break
        found_after.append(units)
    assert np.median(found_after) <= 1400


def test_bounds_cover_the_true_relative_risk_at_every_look() -> None:
    rng = np.random.default_rng(11)
    missed = 0
    for _ in range(200):
        counts, covered = np.zeros(2, dtype=int), True
        for _ in range(40):
            counts += (rng.binomial(50, 0.06), rng.binomial(50, 0.04))
            result = analyze([StepFailures(int(counts[0]), int(counts[1]), 0.5)])
            covered &= result.lower <= 1.5 <= result.upper
        missed += not covered
    assert missed / 200 <= 0.05 + 3 * 0.0155


def test_steps_without_failures_change_nothing() -> None:
    step = StepFailures(challenger=12, champion=5, traffic_share=0.5)
    assert analyze([step, StepFailures(0, 0, 0.01)]) == analyze([step])


@pytest.mark.parametrize(
    ("challenger", "champion", "share", "named"),
    [(-1, 0, 0.5, "failures"), (0, 0, 0.0, "traffic_share"), (0, 0, 1.0, "traffic_share")],
)
def test_impossible_counts_and_shares_are_refused_by_name(
    challenger: int, champion: int, share: float, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        StepFailures(challenger, champion, share)
