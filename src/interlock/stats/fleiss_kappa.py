"""Agreement of several annotators on categories, each case being labelled by equally many of them.

Called where a fixed number of people labelled every case, not always the same ones. Where some cases have fewer answers
than others, `krippendorff_alpha` is the measure; this one refuses them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class FleissKappa:
    """Agreement of several.

    Args:
        cases: How many were labelled.
        answers: How many each case has.
        agreement: Share of pairs of answers to the same case that say the same.
        expected: Share that chance would give, from how often each category is said.
        kappa: 1 is full agreement, 0 what chance gives; None if only one category was ever said.
    """

    cases: int
    answers: int
    agreement: float
    expected: float
    kappa: float | None


def analyze(counts: ArrayLike) -> FleissKappa:
    """Measure agreement.

    Args:
        counts: How many said each category of each case, shape (cases, categories); each row adds up to the same number
            of answers, at least 2.

    Raises:
        ValueError: The shape is another, a count is no whole number of at least 0, or cases have different numbers of
            answers, or fewer than 2.

    Examples:
        >>> found = analyze([[3, 0], [2, 1], [0, 3], [0, 3]])
        >>> round(found.agreement, 3), round(found.expected, 3), round(found.kappa, 3)
        (0.833, 0.514, 0.657)

    References:
        Fleiss (1971), Measuring nominal scale agreement among many raters, doi:10.1037/h0031619.
    """
    table = np.asarray(counts)
    if table.ndim != 2 or table.size == 0 or not np.issubdtype(table.dtype, np.integer) or table.min() < 0:
        raise ValueError(f"counts of shape {table.shape} must be whole numbers of at least 0, a row for each case")
    answers = table.sum(axis=1)
    if answers.min() != answers.max() or answers[0] < 2:
        raise ValueError(f"answers per case == {answers.min()} to {answers.max()}, must be the same, at least 2")
    each = int(answers[0])
    pairs = (table * (table - 1)).sum(axis=1) / (each * (each - 1))
    agreement, expected = float(pairs.mean()), float(np.square(table.sum(axis=0) / table.sum()).sum())
    kappa = (agreement - expected) / (1 - expected) if expected < 1 else None
    return FleissKappa(len(table), each, agreement, expected, kappa)
