"""Splits that come out, and such that do not."""

import numpy as np
import pytest
from scipy import stats

from interlock.stats.sample_ratio import Counted, analyze


def test_a_real_broken_split_is_found() -> None:
    # A 50/50 test of 9463 against 7681 units: a slower page lost its tracking.
    result = analyze([Counted((9463, 7681), (0.5, 0.5))])
    assert result.p_value < 1e-38
    assert result.expected == (8572, 8572)


def test_the_evidence_is_the_dirichlet_multinomials() -> None:
    counts, shares = (30, 50, 20), np.array([0.3, 0.3, 0.4])
    mixture = stats.dirichlet_multinomial(20 * shares, 100).logpmf(counts)
    plain = stats.multinomial(100, shares).logpmf(counts)
    result = analyze([Counted(counts, tuple(shares.tolist()))])
    assert result.p_value == pytest.approx(min(1.0, float(np.exp(plain - mixture))))


def test_evidence_is_kept_over_steps_and_arms_may_go() -> None:
    one = analyze([Counted((600, 500, 400), (1 / 3, 1 / 3, 1 / 3))])
    two = analyze([Counted((600, 500, 400), (1 / 3, 1 / 3, 1 / 3)), Counted((800, 0, 200), (2 / 3, 0, 1 / 3))])
    assert two.p_value < one.p_value
    assert two.units == (1400, 500, 600)
    with pytest.raises(ValueError, match="which cannot be"):
        analyze([Counted((10, 1), (1.0, 0.0))])


def test_no_units_are_no_evidence() -> None:
    assert analyze([]).p_value == 1.0
    assert analyze([Counted((0, 0), (0.5, 0.5))]).p_value == 1.0


def test_a_sound_split_is_rarely_stopped_at_any_of_many_looks() -> None:
    rng = np.random.default_rng(5)
    stopped = 0
    for _ in range(300):
        looks = np.cumsum(rng.multinomial(50, (0.5, 0.3, 0.2), size=60), axis=0)
        p = min(analyze([Counted(tuple(look.tolist()), (0.5, 0.3, 0.2))]).p_value for look in looks)
        stopped += p <= 0.05
    assert stopped <= 25  # 15 expected at most; 26 or more of 300 have probability under 1 %
