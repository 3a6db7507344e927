"""How much larger errors are inside a part of the rows than outside it, with an interval.

Called for slices that were found on other rows: a part that was chosen because its errors are large on the same rows
would always look bad. Rows of one unit are not taken as independent. It refuses fewer than two units on either side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t


@dataclass(frozen=True, slots=True)
class SliceEffect:
    """Errors inside against outside.

    Args:
        rows, units: Inside.
        mean, rest_mean: Of the errors inside and outside.
        difference: `mean - rest_mean`, between `lower` and `upper`.
        p_value: One-sided, of a difference this large where there is none.
    """

    rows: int
    units: int
    mean: float
    rest_mean: float
    difference: float
    lower: float
    upper: float
    p_value: float


def analyze(errors: ArrayLike, is_inside: ArrayLike, units: ArrayLike, *, alpha: float = 0.05) -> SliceEffect:
    """Compare the mean error inside with that outside.

    The variance is that of a difference of two ratios, linearised, summed over units; the quantiles are Student's, with
    one degree of freedom less than the smaller side has units.

    Args:
        errors: Of each row, shape (n,), finite: 0 or 1, or distances.
        is_inside: Whether each row belongs to the part, shape (n,).
        units: Number of what each row belongs to, shape (n,): rows of one unit may depend on each other.
        alpha: The interval leaves out so much, on both sides together. Between 0 and 1.

    Raises:
        ValueError: There are fewer than two units on a side, or `alpha` is not between 0 and 1.

    Examples:
        >>> found = analyze([1, 1, 1, 0, 0, 0, 1, 0, 0, 0], [True] * 4 + [False] * 6, range(10))
        >>> round(found.difference, 3), round(found.lower, 2), round(found.upper, 2), round(found.p_value, 3)
        (0.583, -0.39, 1.0, 0.076)

    References:
        Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, doi:10.1093/biomet/73.1.13.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha == {alpha}, must be between 0 and 1, both excluded")
    values, inside = np.asarray(errors, dtype=np.float64), np.asarray(is_inside, dtype=np.bool_)
    numbers = np.unique(np.asarray(units), return_inverse=True)[1]
    sides = [(values[side], numbers[side]) for side in (inside, ~inside)]
    counts = [len(np.unique(of_units)) for _, of_units in sides]
    if min(counts) < 2:
        raise ValueError(f"{min(counts)} units on a side, must be at least 2")
    (mean, rest_mean), moved = [each.mean() for each, _ in sides], np.zeros(numbers.max() + 1)
    for sign, (each, of_units) in zip((1, -1), sides, strict=True):
        moved += sign * np.bincount(of_units, each - each.mean(), len(moved)) / len(each)
    spread = float(np.sqrt((moved**2).sum() * min(counts) / (min(counts) - 1)))
    difference, known = float(mean - rest_mean), t(min(counts) - 1)
    half = float(known.ppf(1 - alpha / 2)) * spread
    is_share = bool(((values == 0) | (values == 1)).all())
    lower, upper = difference - half, difference + half
    return SliceEffect(
        rows=int(inside.sum()),
        units=counts[0],
        mean=float(mean),
        rest_mean=float(rest_mean),
        difference=difference,
        lower=max(lower, -1.0) if is_share else lower,
        upper=min(upper, 1.0) if is_share else upper,
        p_value=float(known.sf(difference / spread)) if spread > 0 else float(difference <= 0),
    )
