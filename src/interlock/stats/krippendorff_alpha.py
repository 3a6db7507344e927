"""Agreement of any number of annotators, on categories or numbers, where not everyone labelled every case.

Called wherever people labelled cases; the one measure that every such table has. Cases with a single answer say nothing
of agreement and are left out.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Level = Literal["nominal", "interval"]


@dataclass(frozen=True, slots=True)
class KrippendorffAlpha:
    """Agreement of any number.

    Args:
        cases: Those with at least two answers.
        answers: How many those have together.
        alpha: 1 is full agreement, 0 what chance gives, under 0 is systematic disagreement; None without two answers to
            one case, or if all say the same one thing.
    """

    cases: int
    answers: int
    alpha: float | None


def analyze(answers: ArrayLike, *, level: Level = "nominal") -> KrippendorffAlpha:
    """Measure agreement.

    Args:
        answers: Shape (cases, annotators); nan where an annotator did not label a case. Of categories any code numbers.
        level: `nominal`: two answers are the same or not. `interval`: numbers, whose squared distance counts.

    Raises:
        ValueError: The shape or the level is another.

    Examples:
        >>> nan = float("nan")
        >>> round(analyze([[1, 1, nan], [2, 2, 3], [3, 3, 3], [nan, 1, nan]]).alpha, 3)
        0.65

    References:
        Krippendorff (2011), Computing Krippendorff's alpha-reliability, University of Pennsylvania.
        Hayes & Krippendorff (2007), Answering the call for a standard reliability measure for coding data,
        doi:10.1080/19312450709336664.
    """
    table = np.asarray(answers, dtype=np.float64)
    if table.ndim != 2 or level not in ("nominal", "interval"):
        given = f"answers of shape {table.shape} at level {level!r}"
        raise ValueError(f"{given}, must be (cases, annotators), and nominal or interval")
    counted = np.isfinite(table)
    kept = counted.sum(axis=1) >= 2
    table, counted = table[kept], counted[kept]
    total = int(counted.sum())
    measure = _nominal if level == "nominal" else _interval
    observed, expected = measure(table, counted) if total else (0.0, 0.0)
    return KrippendorffAlpha(len(table), total, 1 - observed / expected if expected > 0 else None)


def _nominal(table: NDArray[np.float64], counted: NDArray[np.bool_]) -> tuple[float, float]:
    """Observed and expected disagreement of categories."""
    _, codes = np.unique(table[counted], return_inverse=True)
    rows = np.nonzero(counted)[0]
    said = np.zeros((len(table), int(codes.max()) + 1))
    np.add.at(said, (rows, codes), 1.0)
    each, overall, total = said.sum(axis=1), said.sum(axis=0), float(counted.sum())
    observed = float(((np.square(each) - np.square(said).sum(axis=1)) / (each - 1)).sum()) / total
    return observed, float(total**2 - np.square(overall).sum()) / (total * (total - 1))


def _interval(table: NDArray[np.float64], counted: NDArray[np.bool_]) -> tuple[float, float]:
    """The same with squared distances: those of all pairs add up to 2 n Σ(x - mean)²."""
    each, values = counted.sum(axis=1), table[counted]
    filled = np.where(counted, table, 0.0)
    means = filled.sum(axis=1) / each
    within = np.where(counted, np.square(table - means[:, None]), 0.0).sum(axis=1)
    observed = float((2 * each * within / (each - 1)).sum()) / len(values)
    return observed, 2 * float(np.square(values - values.mean()).sum()) / (len(values) - 1)
