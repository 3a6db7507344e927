"""Anytime-valid bounds on one failure rate.

Called by error-rate gates and views, after every request if they like. It refuses to count rows: a trial is a unit (a
request where no key is sent), because rows that fail together are one failure.
"""

from dataclasses import dataclass
from math import exp, expm1, log

from scipy.special import betaln

# Beta(1/2, 1/2) costs half a log of the number of trials whatever the rate is. Half its weight lies below 0.15 and
# above 0.85, so at rates near 0, where services live, it is tighter than the uniform prior; no other tuning is needed.
_PRIOR = 0.5

# Logarithm of a rate below any that can be told from 0.
_SMALLEST_LOG_RATE = -690.0


@dataclass(frozen=True, slots=True)
class FailureRateResult:
    """A failure rate and its bounds, which hold at all times at once. All between 0 and 1."""

    rate: float
    lower: float
    upper: float
    trials: int


def analyze(failures: int, trials: int, *, alpha: float = 0.05) -> FailureRateResult:
    """Bound a failure rate, whenever one looks.

    For a true rate the likelihood ratio of a mixture over all rates against it is a martingale, so it passes `1 /
    alpha` at any time with probability at most `alpha`. The bounds are the rates at which it has not.

    Args:
        failures: Trials that failed. 0 to `trials`.
        trials: Trials. Without any the rate is reported as 0, with bounds 0 and 1.
        alpha: Probability that the bounds miss the true rate at some look. Between 0 and 1; 0.05 is the field's habit.

    Raises:
        ValueError: The counts are impossible, or `alpha` is not strictly between 0 and 1.

    Examples:
        >>> result = analyze(5, 1000)
        >>> result.rate, round(result.lower, 4), round(result.upper, 4)
        (0.005, 0.0005, 0.018)

    References:
        Robbins (1970), Statistical methods related to the law of the iterated logarithm, doi:10.1214/aoms/1177696786.
        Howard, Ramdas, McAuliffe & Sekhon (2021), Time-uniform, nonparametric, nonasymptotic confidence sequences,
        doi:10.1214/20-AOS1991.
    """
    if not 0 <= failures <= trials:
        raise ValueError(f"failures == {failures} of {trials} trials, must be between 0 and trials")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha == {alpha}, must be between 0 and 1, both excluded")
    return FailureRateResult(
        rate=failures / trials if trials else 0.0,
        lower=_lower(failures, trials, alpha),
        upper=1.0 - _lower(trials - failures, trials, alpha),
        trials=trials,
    )


def _lower(failures: int, trials: int, alpha: float) -> float:
    if failures == 0:
        return 0.0
    successes = trials - failures
    threshold = float(betaln(_PRIOR + failures, _PRIOR + successes) - betaln(_PRIOR, _PRIOR)) + log(alpha)
    if successes == 0:
        return exp(threshold / failures)

    # Evidence against a rate is smallest at the observed one, and grows without bound towards 0. Halving the interval
    # of its logarithm gets there in some sixty steps; scipy.optimize is quicker, but every process that only wants this
    # would import it for a third of a second.
    low, high = _SMALLEST_LOG_RATE, log(failures / trials)
    while (middle := (low + high) / 2) not in (low, high):
        if threshold > failures * middle + successes * log(-expm1(middle)):
            low = middle
        else:
            high = middle
    return exp(low)
