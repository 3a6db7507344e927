"""Agreement of two annotators on categories, beyond what chance would give.

Called where two people labelled the same cases. For more of them see `fleiss_kappa` and `krippendorff_alpha`. It
refuses cases that only one of them labelled: leave them out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class CohenKappa:
    """Agreement of two.

    Args:
        cases: How many both labelled.
        agreement: Share on which they say the same.
        expected: Share that chance would give, from how often each says what.
        kappa: 1 is full agreement, 0 what chance gives; None if both always say the same one thing.
    """

    cases: int
    agreement: float
    expected: float
    kappa: float | None


def analyze(first: ArrayLike, second: ArrayLike) -> CohenKappa:
    """Measure agreement.

    Args:
        first, second: What each said, shape (n,), values of any one type; n at least 1.

    Raises:
        ValueError: Shapes differ, or there is no case.

    Examples:
        >>> found = analyze(["late", "late", "on time", "on time"], ["late", "on time", "on time", "on time"])
        >>> found.agreement, found.expected, found.kappa
        (0.75, 0.5, 0.5)

    References:
        Cohen (1960), A coefficient of agreement for nominal scales, doi:10.1177/001316446002000104.
    """
    ours, theirs = np.asarray(first), np.asarray(second)
    if ours.ndim != 1 or ours.shape != theirs.shape or len(ours) == 0:
        raise ValueError(f"shapes == {ours.shape}, {theirs.shape}, must be one value per case in each, at least one")
    _, codes = np.unique(np.concatenate((ours, theirs)), return_inverse=True)
    says, also_says = codes[: len(ours)], codes[len(ours) :]
    shares, other_shares = (np.bincount(each, minlength=codes.max() + 1) / len(ours) for each in (says, also_says))
    agreement, expected = float((says == also_says).mean()), float(shares @ other_shares)
    return CohenKappa(len(ours), agreement, expected, (agreement - expected) / (1 - expected) if expected < 1 else None)
