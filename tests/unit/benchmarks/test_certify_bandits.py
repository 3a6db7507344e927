"""Bandits are certified as the product runs them: true propensities, intervals that cover, little regret."""

import numpy as np
import pytest

from benchmarks.releases.certify_bandits import FLOOR, PROBLEMS, UNITS, calibration_rows, coverage_rows, play
from benchmarks.releases.certify_quality import usual_delay


def test_arms_are_drawn_as_the_shares_that_are_logged_say() -> None:
    played = play(np.random.default_rng(1), PROBLEMS[0], "thompson")
    assert played.shares.shape == (UNITS, 3)
    assert played.shares.sum(axis=1) == pytest.approx(np.ones(UNITS))
    assert played.shares.min() >= FLOOR - 1e-9
    assert (played.shares[np.arange(UNITS), played.arms] == played.propensities).all()
    assert calibration_rows(3, 1)[1]


@pytest.mark.slow
def test_intervals_cover_and_the_best_arm_gets_most() -> None:
    assert coverage_rows(20, 2)[1]
    for problem in PROBLEMS:
        regret = np.mean(
            [problem.gaps[play(np.random.default_rng(run), problem, "thompson").arms].sum() for run in range(3)]
        )
        assert regret < problem.order


def test_what_labels_take_is_known_from_before() -> None:
    assert usual_delay("late by what they say") == 8 * 3600
    assert usual_delay("at once") == 0
