import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import beta as beta_distribution

from interlock.stats.failure_rate import analyze


def log_evidence(rate: float, failures: int, trials: int) -> float:
    """Log of the integral of the likelihood over the Jeffreys prior, over the likelihood at `rate`."""
    mixture = betaln(0.5 + failures, 0.5 + trials - failures) - betaln(0.5, 0.5)
    return float(mixture - failures * np.log(rate) - (trials - failures) * np.log1p(-rate))


@pytest.mark.parametrize(("failures", "trials"), [(1, 2), (5, 1000), (3, 1_000_000), (999, 1000), (500, 1000)])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_bounds_are_the_rates_where_the_evidence_passes_one_over_alpha(
    failures: int, trials: int, alpha: float
) -> None:
    result = analyze(failures, trials, alpha=alpha)
    for bound in (result.lower, result.upper):
        assert log_evidence(bound, failures, trials) == pytest.approx(-np.log(alpha), abs=1e-4)
    assert result.lower < result.rate == failures / trials < result.upper


def test_evidence_is_the_integral_of_the_likelihood_ratio_over_the_prior() -> None:
    rates = (np.arange(200_000) + 0.5) / 200_000
    prior = beta_distribution.pdf(rates, 0.5, 0.5) / 200_000
    integral = np.log(np.sum(prior * (rates / 0.1) ** 7 * ((1 - rates) / 0.9) ** 33))
    assert log_evidence(0.1, 7, 40) == pytest.approx(integral, abs=1e-3)


def test_bounds_cover_the_true_rate_at_every_look_in_all_but_alpha_of_runs() -> None:
    rng = np.random.default_rng(5)
    looks = np.unique(np.geomspace(1, 3000, 40).astype(int))
    missed = 0
    for _ in range(300):
        failures = np.cumsum(rng.random(3000) < 0.03)
        results = [analyze(int(failures[n - 1]), int(n), alpha=0.2) for n in looks]
        missed += not all(result.lower <= 0.03 <= result.upper for result in results)
    # The fixed-sample interval misses in more than half of the runs; three standard errors of 300 runs are 0.07.
    assert 0 < missed / 300 <= 0.2 + 0.07


def test_failures_and_successes_mirror_each_other() -> None:
    failed, worked = analyze(7, 90), analyze(83, 90)
    assert failed.lower == pytest.approx(1 - worked.upper)
    assert failed.upper == pytest.approx(1 - worked.lower)


def test_without_trials_anything_is_possible() -> None:
    result = analyze(0, 0)
    assert (result.lower, result.upper, result.trials) == (0.0, 1.0, 0)


def test_without_failures_the_lower_bound_is_zero_and_the_upper_falls_like_one_over_trials() -> None:
    few, many = analyze(0, 1_000), analyze(0, 100_000)
    assert few.lower == many.lower == 0.0
    assert many.upper == pytest.approx(few.upper / 100, rel=0.5)


def test_rounding_never_puts_a_bound_outside_zero_and_one() -> None:
    for failures, trials in ((1, 1), (0, 1), (10**9, 10**9), (1, 10**9), (10**9 - 1, 10**9)):
        result = analyze(failures, trials, alpha=1e-9)
        assert 0 <= result.lower <= result.rate <= result.upper <= 1


@pytest.mark.parametrize(
    ("failures", "trials", "alpha", "named"),
    [(-1, 5, 0.05, "failures"), (6, 5, 0.05, "failures"), (1, 5, 0.0, "alpha"), (1, 5, 1.0, "alpha")],
)
def test_impossible_input_is_refused_by_name(failures: int, trials: int, alpha: float, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        analyze(failures, trials, alpha=alpha)
