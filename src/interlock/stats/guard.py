"""Tripwire on the failure rate of a version, cheap enough to be asked after every request.

Called in the serving process, which is why it imports neither numpy nor scipy. It refuses to judge quality and to reset
itself: once tripped it stays so, and a new version gets a new guard. It is not safe to share between threads.
"""

from math import exp, log

# Failure rates that the guard looks for, from just above the allowed one to this: a version that fails nearly
# everything.
_HIGHEST_RATE = 0.95

# Six rates, evenly spaced in log odds: with three a doubled rate takes 15 times as long to find, with twelve no less.
_RATES = 6


class FailureGuard:
    """Trips when a version fails more often than it may.

    What is controlled: as long as every request fails with a probability of at most `max_rate`, given all requests
    before it, the probability that the guard EVER trips is at most `alpha`, however many requests there are. Failures
    that come in bursts for a cause outside the version break that condition.

    It bets against `max_rate` with a mixture over higher rates and over the request at which the trouble began. Trouble
    that began at request t has a prior weight of about 1 / (t log(t)^2), so a long quiet time is forgotten rather than
    held in a version's favour. Total failure trips it after so many failures:

    | max_rate | from the first request | after 100,000 good ones |
    |---|---|---|
    | 0.01 | 3 | 6 |
    | 0.05 | 4 | 9 |
    | 0.1 | 5 | 11 |
    | 0.2 | 7 | 16 |
    | 0.5 | 15 | 38 |

    Args:
        max_rate: Highest failure rate allowed. Strictly between 0 and 1.
        alpha: Probability of ever tripping without cause. Between 0 and 1; 0.001 because tripping stops a version.

    Raises:
        ValueError: `max_rate` or `alpha` is not strictly between 0 and 1.

    Examples:
        >>> guard = FailureGuard(0.05)
        >>> any(guard.update(False) for _ in range(100_000))
        False
        >>> [guard.update(True) for _ in range(9)].count(False)
        8

    References:
        Shin, Ramdas & Rinaldo (2023), E-detectors: a nonparametric framework for sequential change detection,
        doi:10.51387/23-NEJSDS51; their Shiryaev-Roberts sum, with weights that add up to 1 so that it is one e-process.
        Ramdas et al. (2023), Game-theoretic statistics and safe anytime-valid inference, Statistical Science 38(4).
    """

    __slots__ = ("_on_failure", "_on_success", "_threshold", "_wealth", "failures", "trials", "tripped")

    def __init__(self, max_rate: float, alpha: float = 0.001) -> None:
        for name, value in (("max_rate", max_rate), ("alpha", alpha)):
            if not 0 < value < 1:
                raise ValueError(f"{name} == {value}, must be between 0 and 1, both excluded")
        rates = _rates_above(max_rate)
        self._on_failure = [rate / max_rate for rate in rates]
        self._on_success = [(1 - rate) / (1 - max_rate) for rate in rates]
        self._wealth = [0.0] * len(rates)
        # Wealth is kept per rate with a stake of 1 each, so the mixture's threshold is that many times higher.
        self._threshold = len(rates) / alpha
        self.failures = 0
        self.trials = 0
        self.tripped = False

    def update(self, failed: bool) -> bool:
        """Count one request and say whether the guard has tripped, now or before."""
        self.trials += 1
        self.failures += failed
        if self.tripped:
            return True
        stake = _onset_weight(self.trials)
        factors = self._on_failure if failed else self._on_success
        pairs = zip(self._wealth, factors)  # noqa: B905 (asking for strict costs 100 ns)
        self._wealth = [(wealth + stake) * factor for wealth, factor in pairs]
        # Wealth above the stake never rises on a success.
        self.tripped = failed and sum(self._wealth) >= self._threshold
        return self.tripped


def _onset_weight(trial: int) -> float:
    # Minus the slope of 1 / (1 + log(1 + t)), which falls from 1 to 0: the weights of all t >= 1 add up to less than 1.
    scale = 1 + log(1 + trial)
    return 1 / ((1 + trial) * scale * scale)


def _rates_above(max_rate: float) -> list[float]:
    start = log(max_rate / (1 - max_rate))
    highest = max(_HIGHEST_RATE, (1 + max_rate) / 2)
    step = (log(highest / (1 - highest)) - start) / _RATES
    return [1 / (1 + exp(-(start + step * number))) for number in range(1, _RATES + 1)]
