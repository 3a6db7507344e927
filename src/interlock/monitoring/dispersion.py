"""How much more the shares of a window vary than those of independent rows would.

Called by drift checks. Rows that share a cause (the weather of an hour, the weekday, a batch of one customer) are not
independent: a thousand of them may say as much as ten. A chi-square test that takes them for independent raises an
alarm every day, so its statistic is divided by the measured factor, as surveys do with clustered samples. It refuses
to guess: `basis` says what the factor was measured on, and few `pieces` mean that nothing can be said yet.
"""

from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr, chdtrc, chdtri, fdtrc

from interlock.monitoring.deviations import Deviations
from interlock.stats.two_sample import TwoSampleResult

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Basis = Literal["windows before", "parts of the window", "nothing"]

WINDOWS_BEFORE = 28
"""Earlier windows looked at: four weeks of days. Longer would take seasons for noise."""

FEWEST_WINDOWS = 12
"""Earlier windows with rows that are needed to say how windows differ."""

# Windows compared lie three apart: no divisor of the week (a weekday is a cause too), far enough for the weather to
# have changed, near enough for a season not to count as noise.
_APART = 3

# As many pairs as one lasting change makes unlike. Leaving them out keeps the alarm on in the days after a change.
_SPARED = _APART

# Fewer parts of a window do not show how long its causes last.
_FEWEST_PARTS = 8

# A correlation nearer to 1 cannot be told from a trend.
_MOST_CORRELATED = 0.95

# With fewer independent pieces in a window the factor itself is a guess: simulated with causes that last half a day,
# such windows raise an alarm every fourth time.
_FEWEST_PIECES = 12

# How surely parts of a window must move together before nothing is said of it: by chance, one column in a hundred.
_TOGETHER = 0.003
_SURE = 2.75


@dataclass(frozen=True, slots=True)
class Dispersion:
    """The variance of shares, relative to that of independent rows.

    Args:
        factor: The design effect, at least 1. Rows divided by it are the effective rows.
        spread: Squared coefficient of variation of the factor over directions (bins), at least 0: near 0 where every
            bin is equally restless, large where one cause moves everything.
        pieces: Independent parts or pairs of windows it was measured on. 0 if on nothing.
        basis: What was measured.
        deviations: The pieces themselves, for aspects of the column that are restless in their own way.
        is_together: Whether parts of a window surely move together: how far causes last longer than a window can only
            be seen from windows before.
    """

    factor: float = 1.0
    spread: float = 0.0
    pieces: int = 0
    basis: Basis = "nothing"
    deviations: Deviations | None = field(default=None, compare=False)
    is_together: bool = False

    @property
    def is_known(self) -> bool:
        """Whether a test can rest on it. False where rows move together for most of the window."""
        return self.basis != "parts of the window" or (self.pieces >= _FEWEST_PIECES and not self.is_together)


def between_windows(windows: Counts, rows: int) -> Dispersion:
    """Measure how much whole windows of the past differ from each other (a variogram at lag three).

    Args:
        windows: Rows per bin of earlier windows of equal length, oldest first, shape (windows, bins). Some may
            be empty.
        rows: Rows of the window to be judged: a cause shared by a whole window weighs by its rows.
    """
    used = windows.sum(axis=0) > 0
    pairs = (windows[:-_APART].sum(axis=1) > 0) & (windows[_APART:].sum(axis=1) > 0)
    directions = int(used.sum()) - 1
    if pairs.sum() < FEWEST_WINDOWS - _APART or directions < 1:
        return Dispersion()
    early, late = windows[:-_APART][pairs][:, used], windows[_APART:][pairs][:, used]
    shares = windows.sum(axis=0)[used] / windows.sum()
    unlike = (_shares(late) - _shares(early)) / np.sqrt(shares)
    sampling = 1 / early.sum(axis=1) + 1 / late.sum(axis=1)
    kept = np.sort(np.argsort(np.square(unlike).sum(axis=1) / sampling, kind="stable")[:-_SPARED])
    unlike, sampling = unlike[kept], sampling[kept]
    spread = _spread(unlike)
    variance = float(np.square(unlike).sum()) / len(kept) / directions
    variance /= _left_by_trimming(len(kept) / int(pairs.sum()), directions / (1 + spread))
    common = (variance - float(sampling.mean())) / 2
    all_shares = windows.sum(axis=0) / windows.sum()
    away = (_shares(windows[_APART:][pairs]) - _shares(windows[:-_APART][pairs]))[kept]
    trimmed = _left_by_trimming(len(kept) / int(pairs.sum()), directions / (1 + spread))
    deviations = Deviations(
        away,
        all_shares,
        1 - (rows - 1) * float(sampling.mean()) / 2,
        (rows - 1) / 2 / trimmed,
        float(windows.sum()) / len(windows),
    )
    factor = max(1.0, float(1 + (rows - 1) * common))
    # Neighbouring pairs share windows: squared differences of independent ones say as much as two thirds of them.
    return Dispersion(factor, spread, 1 + 2 * len(kept) // 3, "windows before", deviations)


def within_window(parts: Counts) -> Dispersion:
    """Measure how much consecutive parts of a window differ from each other (batch means).

    Args:
        parts: Rows per bin of each part, in order of time, shape (parts, bins). May hold empty ones.
    """
    parts = parts[parts.sum(axis=1) > 0]
    pooled = parts.sum(axis=0)
    whole = parts
    directions = int((pooled > 0).sum()) - 1
    if len(parts) < _FEWEST_PARTS or directions < 1:
        return Dispersion()
    parts, pooled = parts[:, pooled > 0], pooled[pooled > 0]
    expected = np.outer(parts.sum(axis=1), pooled / pooled.sum())
    unlike = (parts - expected) / np.sqrt(pooled)
    memory = _memory(unlike)
    independent = max(1.5, len(parts) / memory)
    # Deviations are from the window's own mean, which follows them: few independent parts understate them.
    longer = memory * independent / (independent - 1)
    factor = float(np.square(unlike).sum()) / directions * longer
    shares = whole.sum(axis=0) / whole.sum()
    away = np.asarray(whole - np.outer(whole.sum(axis=1), shares), dtype=np.float64)
    deviations = Deviations(
        away, shares, 0.0, len(whole) * longer / float(whole.sum()), float(whole.sum()) / len(whole)
    )
    return Dispersion(
        max(1.0, float(factor)),
        _spread(unlike),
        round(independent),
        "parts of the window",
        deviations,
        _move_together(whole),
    )


def p_value(result: TwoSampleResult, dispersion: Dispersion) -> float:
    """Correct a chi-square test for rows that are not independent.

    Args:
        result: The test, taking rows for independent.
        dispersion: What was measured.

    Examples:
        >>> test = TwoSampleResult(p_value=8e-05, statistic=21.6, dof=3, total_variation=0.067, jensen_shannon=0.19)
        >>> round(p_value(test, Dispersion()), 6)
        7.9e-05
        >>> round(p_value(test, Dispersion(factor=4.0, pieces=12, basis="parts of the window")), 3)
        0.166

    References:
        Rao & Scott (1984), On chi-squared tests for multiway contingency tables with cell proportions estimated from
        survey data, doi:10.1214/aos/1176346391 (first and second order).
        Thomas & Rao (1987), Small-sample comparisons of level and power for simple goodness-of-fit statistics under
        cluster sampling, doi:10.1080/01621459.1987.10478476 (the F reference).
    """
    if result.dof == 0:
        return 1.0
    if dispersion.pieces < 2:
        return float(chdtrc(result.dof, result.statistic))
    freedom = result.dof / (1 + min(dispersion.spread, result.dof - 1.0))
    ratio = result.statistic / (result.dof * dispersion.factor)
    return float(fdtrc(freedom, freedom * (dispersion.pieces - 1), ratio))


def _shares(counts: Counts) -> Floats:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)


def _spread(unlike: Floats) -> float:
    """Squared coefficient of variation of the eigenvalues of the covariance, without what few pieces feign."""
    pieces, directions = unlike.shape[0], unlike.shape[1] - 1
    gram = unlike @ unlike.T
    total, squares = float(np.trace(gram)), float(np.square(gram).sum())
    if total <= 0 or pieces < 3:
        return 0.0
    # Bai & Saranadasa (1996): the sum of squared eigenvalues, of which `total**2 / pieces` is noise.
    honest = (squares - total**2 / pieces) * pieces**2 / ((pieces + 2) * (pieces - 1))
    return max(0.0, float(directions * honest / total**2 - 1))


def _memory(unlike: Floats) -> float:
    """How many consecutive parts say as much as one independent part: (1 + r) / (1 - r) for a first-order process."""
    parts, directions = unlike.shape
    total = float(np.square(unlike).sum())
    if total <= 0:
        return 1.0
    found = float((unlike[1:] * unlike[:-1]).sum()) / total
    # Kendall (1954): few parts understate the correlation, as their own mean follows them.
    r = min((found + 1 / parts) / (1 - 3 / parts), _MOST_CORRELATED)
    noise = 1 / sqrt(parts * directions / (1 + _spread(unlike)))
    return (1 + r) / (1 - r) if r > noise else 1.0


def _move_together(parts: Counts) -> bool:
    """Whether parts surely differ more than independent rows would, or surely as their neighbours do.

    Looked at in the middle of the column, where a common cause shows first if bins are in the order of their values,
    and in all bins that hold a row of each part.

    Args:
        parts: Rows per bin, shape (parts, bins).
    """
    rows, shares = parts.sum(axis=1), parts.sum(axis=0) / parts.sum()
    away = np.asarray(parts - np.outer(rows, shares), dtype=np.float64)
    return _is_middle_restless(away, shares, float(rows.mean())) or _are_bins_restless(away, np.outer(rows, shares))


def _is_middle_restless(away: Floats, shares: Floats, rows: float) -> bool:
    ranks = np.cumsum(shares) - shares / 2
    ranks = ranks - shares @ ranks
    variance = float(shares @ np.square(ranks))
    if variance <= 0:
        return False
    middle = away @ ranks / sqrt(variance * rows)
    squares, parts = float(np.square(middle).sum()), len(middle)
    alike = float((middle[1:] * middle[:-1]).sum()) / squares if squares else 0.0
    return float(chdtrc(parts - 1, squares)) < _TOGETHER or (alike + 1 / parts) * sqrt(parts) > _SURE


def _are_bins_restless(away: Floats, expected: Floats) -> bool:
    dense = expected.mean(axis=0) >= 1
    freedom = (len(away) - 1) * (int(dense.sum()) - 1)
    if freedom < 1:
        return False
    squares = float((np.square(away[:, dense]) / expected[:, dense]).sum())
    # Pearson's statistic of few rows scatters more than a chi-square variable.
    return squares - freedom > _SURE * sqrt(2 * freedom + float((1 / expected[:, dense]).sum()))


def _left_by_trimming(kept: float, freedom: float) -> float:
    """Mean of a chi-square variable below its `kept` quantile, relative to its mean."""
    return float(chdtr(freedom + 2, chdtri(freedom, 1 - kept))) / kept
