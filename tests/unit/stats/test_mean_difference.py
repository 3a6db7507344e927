"""Bounds on differences of means: against closed forms, and by simulation of how often they are wrong at any look."""

from math import inf, log, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.stats.mean_difference import Group, Stratum, analyze, standard_radius

LOOKS = np.unique(np.geomspace(200, 20_000, 40).astype(int))
Numbers = NDArray[np.float64]


def group(values: Numbers) -> Group:
    events = len(values) - int(np.unique(values, return_counts=True)[1].max()) if len(values) else 0
    variance = float(values.var(ddof=1)) if len(values) > 1 else 0.0
    return Group(len(values), float(values.mean()) if len(values) else 0.0, variance, events)


def ever_excludes(values: Numbers, challenger: NDArray[np.bool_], difference: float) -> bool:
    for look in LOOKS:
        sides = values[:look][~challenger[:look]], values[:look][challenger[:look]]
        result = analyze([Stratum(*map(group, sides))])
        if not result.lower <= difference <= result.upper:
            return True
    return False


def test_the_radius_is_that_of_growthbook() -> None:
    # gbstats: rho = sqrt((-2 log a + log(-2 log a + 1)) / N*), and the half-width with n rho.
    n, alpha, tuned = 3000, 0.05, 5000
    rho2 = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / tuned
    half = sqrt(2 * (n * rho2 + 1) / (n**2 * rho2) * log(sqrt(n * rho2 + 1) / alpha))
    assert standard_radius(n, alpha=alpha, tuned_for=tuned) == pytest.approx(half * sqrt(n))


def test_p_value_and_bounds_say_the_same() -> None:
    for mean in np.linspace(0.1, 0.18, 30):
        sides = Group(1500, 0.1, 0.09, 150), Group(1500, float(mean), 0.09, 150)
        result = analyze([Stratum(*sides)], alpha=0.05)
        assert (result.p_value <= 0.05) == (result.lower > 0)


@pytest.mark.parametrize(
    "sides",
    [(Group(99, 0, 1, 90), Group(5000, 9, 1, 4000)), (Group(5000, 0.001, 0.001, 5), Group(5000, 0.004, 0.004, 5))],
    ids=["few units", "few events"],
)
def test_from_too_little_nothing_is_said(sides: tuple[Group, Group]) -> None:
    result = analyze([Stratum(*sides)])
    assert (result.lower, result.upper, result.p_value) == (-inf, inf, 1.0)


def test_a_ramp_in_a_changing_world_is_no_effect() -> None:
    # The base doubles while the share goes from 10 to 50 %: pooled, the challenger looks better.
    early = Stratum(Group(9000, 0.10, 0.09, 900), Group(1000, 0.10, 0.09, 100))
    late = Stratum(Group(5000, 0.20, 0.16, 1000), Group(5000, 0.20, 0.16, 1000))
    assert analyze([early, late]).estimate == pytest.approx(0.0)
    pooled = Stratum(Group(14000, 0.1357, 0.117, 1900), Group(6000, 0.1833, 0.15, 1100))
    assert analyze([pooled]).lower > 0


def test_alpha_must_be_a_probability() -> None:
    with pytest.raises(ValueError, match="alpha == 1"):
        analyze([], alpha=1)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("kind", ["half", "rare", "skewed"])
def test_equal_arms_are_rarely_told_apart_however_often_one_looks(kind: str, share: float) -> None:
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(100):
        size = int(LOOKS[-1])
        values: Numbers = {
            "half": rng.random(size) < 0.5, "rare": rng.random(size) < 0.01, "skewed": rng.lognormal(0, 1.5, size),
        }[kind].astype(np.float64)  # fmt: skip
        wrong += ever_excludes(values, rng.random(size) < share, 0.0)
    assert wrong <= 10  # 5 expected at most; 11 or more of 100 have probability 1 %


@pytest.mark.slow
def test_a_difference_is_found_and_covered() -> None:
    rng = np.random.default_rng(4)
    found, missed = 0, 0
    for _ in range(50):
        challenger = rng.random(int(LOOKS[-1])) < 0.5
        values = (rng.random(len(challenger)) < np.where(challenger, 0.35, 0.30)).astype(np.float64)
        found += ever_excludes(values, challenger, 0.0)
        missed += ever_excludes(values, challenger, 0.05)
    assert found >= 48
    assert missed <= 7  # 2.5 expected at most; 8 or more of 50 have probability under 1 %
