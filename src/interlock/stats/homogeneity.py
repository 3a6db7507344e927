"""Whether two samples of one column come from one distribution, by tests whose level holds at any sample size.

Called by `interlock drift` for each column. One measure is not enough (a rank test is blind to a wider spread, a
chi-square test to one rare level among hundreds), so a few are taken, each at a share of the level: rows missing, one
bin or level that changed, a shift, a change of spread, and Pearson's chi-square on what is dense enough. All condition
on what both samples hold together, so the reference's own sampling error counts. One look; many columns need a
correction by the caller.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interlock.stats import two_sample
from interlock.stats.level_weights import level_weights
from interlock.stats.permutation import count_tails, score_p_value

Finding = Literal["missing", "level", "shift", "spread", "shape", "nothing"]

# Pearson's chi-square is read far out in its tail, where Cochran's five expected rows are not enough.
_MIN_EXPECTED = 20.0

# What each test may spend of the level, shared out over those that are taken.
_ORDERED: dict[Finding, float] = {"missing": 0.2, "level": 0.2, "shift": 0.25, "spread": 0.25, "shape": 0.1}
_UNORDERED: dict[Finding, float] = {"missing": 0.1, "level": 0.8, "shape": 0.1}


@dataclass(frozen=True, slots=True)
class HomogeneityResult:
    """Evidence that two samples differ: a p-value corrected over the tests taken, and the test that says most.

    `bin` is the number of the bin that changed most surely.
    """

    p_value: float
    finding: Finding
    bin: int


def analyze(
    reference_counts: ArrayLike, current_counts: ArrayLike, *, ordered: bool, missing: tuple[int, int] = (0, 0)
) -> HomogeneityResult:
    """Test the homogeneity of two samples of one column.

    Args:
        reference_counts: Known values per bin of the reference, shape (bins,). Categorical: a bin per level of either
            sample, so that levels the reference lacks are treated as those that the current rows lack.
        current_counts: The same of the current rows.
        ordered: Whether neighbouring bins hold neighbouring values; then shift and spread are tested too.
        missing: Rows without a value, of reference and current rows.

    Returns:
        The smallest p-value, corrected for the number of tests and at most 1. It is 1 where a side has no rows.

    Raises:
        ValueError: Shapes differ, or a count is negative or not finite.

    Examples:
        >>> analyze([500, 300, 200], [60, 25, 15], ordered=False).p_value > 0.1
        True
        >>> result = analyze([500, 300, 200], [40, 30, 20], ordered=False, missing=(0, 10))
        >>> result.finding, result.p_value < 1e-6
        ('missing', True)
        >>> analyze([100] * 10, [60, 70, 80, 90, 100, 110, 110, 120, 120, 140], ordered=True).finding
        'shift'

    References:
        Mann & Whitney (1947), doi:10.1214/aoms/1177730491 (shift, on binned ranks).
        Mood (1954), doi:10.1214/aoms/1177728719 (spread).
        Pearson (1911), doi:10.1093/biomet/8.1-2.250 (shape).
    """
    reference, current = _checked(reference_counts, current_counts, missing)
    if reference.sum() == 0 or current.sum() == 0:
        return HomogeneityResult(p_value=1.0, finding="nothing", bin=0)
    total = reference + current
    level, place = _levels(current, total)
    found: dict[Finding, float] = {"level": level}
    if total[-1]:
        found["missing"] = 2 * float(count_tails(current[-1:], total[-1:], current.sum(), total.sum())[0])
    if ordered:
        found |= _ranked(current[:-1], total[:-1])
    if np.count_nonzero(total) > 2:
        found["shape"] = two_sample.analyze(reference, current, min_expected=_MIN_EXPECTED).p_value
    shares = _ORDERED if ordered else _UNORDERED
    spent = sum(shares[name] for name in found)
    corrected = {name: p_value * spent / shares[name] for name, p_value in found.items()}
    finding = min(corrected, key=lambda name: corrected[name])
    return HomogeneityResult(p_value=min(1.0, corrected[finding]), finding=finding, bin=place)


def _checked(
    reference_counts: ArrayLike, current_counts: ArrayLike, missing: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts of both sides with the missing rows as last bin."""
    sides = [np.asarray(side, dtype=np.float64) for side in (reference_counts, current_counts)]
    if sides[0].ndim != 1 or sides[0].shape != sides[1].shape:
        raise ValueError(f"shapes == {sides[0].shape}, {sides[1].shape}, must be the same number of bins")
    reference, current = (np.append(side, gone) for side, gone in zip(sides, missing, strict=True))
    table = np.stack((reference, current))
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ValueError("counts must be finite and not negative")
    return reference, current


def _levels(current: NDArray[np.float64], total: NDArray[np.float64]) -> tuple[float, int]:
    """The smallest p-value over bins, each weighted by what both samples hold of it."""
    used = np.flatnonzero(total > 0)
    tails = count_tails(current[used], total[used], current.sum(), total.sum())
    p_values = tails / level_weights(current[used], total[used])
    best = int(p_values.argmin())
    return min(1.0, float(p_values[best])), int(used[best])


def _ranked(current: NDArray[np.float64], total: NDArray[np.float64]) -> dict[Finding, float]:
    """Shift and spread, on the middle ranks of the bins of known values."""
    known = total.sum()
    if known == 0:
        return {"shift": 1.0, "spread": 1.0}
    ranks = (np.cumsum(total) - total / 2) / known
    return {
        "shift": score_p_value(current, total, ranks),
        "spread": score_p_value(current, total, (ranks - 0.5) ** 2),
    }
