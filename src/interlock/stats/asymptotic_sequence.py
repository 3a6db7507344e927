"""Half-widths of asymptotic confidence sequences: bounds on a mean that hold at all times at once, in large samples.

Called by comparisons of means over units (`paired_loss`, `off_policy`). It refuses to bound anything from few units,
where the normal approximation behind it cannot be trusted.
"""

from math import inf, log, sqrt

FEWEST_UNITS = 100
"""Below this the central limit theorem is no support for skewed values."""


def radius(units: int, *, alpha: float, planned_units: int = 10_000) -> float:
    """Half-width for independent units with a standard deviation of 1.

    Args:
        units: How many there are.
        alpha: Probability of a wrong bound at some time. Strictly between 0 and 1.
        planned_units: Where the bounds are tightest: 7 % wider than could be at ten times as many, 27 % at a tenth.

    Returns:
        Infinity under `FEWEST_UNITS`.

    Examples:
        >>> round(radius(10_000, alpha=0.05), 4), radius(99, alpha=0.05)
        (0.0304, inf)

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021), Time-uniform central limit theory and asymptotic
        confidence sequences, arXiv:2103.06476.
    """
    if units < FEWEST_UNITS:
        return inf
    ell = -2 * log(alpha)
    rho2 = (ell + log(ell + 1)) / planned_units
    scale = units * rho2 + 1
    return sqrt(2 * scale / (units * units * rho2) * log(sqrt(scale) / alpha))
