"""Whether one feature of live traffic still looks like the reference data, and what changed.

Called for every feature of every window. A verdict `breach` needs both: a difference that chance does not explain, at a
level that keeps the alarm budget, and one large enough to matter. Missing values and values outside the learnt
categories are bins of their own, so that they drift too. It refuses to judge a few rows, and rows that move together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from interlock.domain.verdict import Check, CheckOutcome, Signal
from interlock.monitoring.change import describe
from interlock.monitoring.dispersion import (
    FEWEST_WINDOWS,
    WINDOWS_BEFORE,
    Dispersion,
    between_windows,
    within_window,
)
from interlock.monitoring.significance import change_p_value
from interlock.monitoring.windows import HOUR, Hours, Reference
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import FeatureBins
from interlock.stats.psi import population_stability_index
from interlock.stats.two_sample import TwoSampleResult, analyze

Counts = NDArray[np.int64]

LOOK_ALPHA = 0.01
"""Probability of any false alarm in one look at one endpoint: looking once a day, one in a hundred days."""

LEAST_SEVERITY = 0.04
"""Smaller Jensen-Shannon distances are no drift, however sure: about a tenth of a standard deviation in the mean, or
a class of 5 % that becomes one of 7 %. On a large window everything differs a little, and nobody should be woken for
it."""

FEWEST_ROWS = 50
"""Fewer rows in a window do not fill ten bins."""

# Windows up to two days are compared with windows before them; the past of longer ones would reach over seasons.
_LONGEST_WITH_PAST = timedelta(days=2)

# A window is cut into hours of a day; longer ones into as many parts.
_PARTS = 24

# A reference share from which one value alone in a window may be one draw and not many (a weekday, a batch's customer).
_PLAUSIBLE = 0.05

# Columns whose rows move together before no column of the window is judged: one in a hundred does so by chance.
_FEWEST_RESTLESS = 2
_RESTLESS = 0.1

# What a week does not explain, in each of so many parts, needs no earlier windows to compare with. 0.4 is a shift of
# one standard deviation.
_LASTING = timedelta(days=8)
_FEWEST_LASTING_PARTS = 8
_FAR = 0.4


@dataclass(frozen=True)
class DriftWindow:
    """One version's traffic in one window, with the windows before it.

    Args:
        reference: What it is compared with.
        profile: All rows of the window.
        parts: Rows per bin of consecutive parts of the window, shape (parts, bins of all features).
        before: The same of equally long windows before, oldest first.
        length: Of the window.
    """

    reference: Reference
    profile: Profile
    parts: Counts
    before: Counts
    length: timedelta = timedelta(0)

    @cached_property
    def is_restless(self) -> bool:
        """Whether rows of this window move together in more columns than chance explains.

        What moves the hours of some columns moves those of the others too, if too little to be seen in one alone.
        """
        found = [within_window(self.parts[:, where]).is_together for where in self.reference.spec.slices.values()]
        return sum(found) >= max(_FEWEST_RESTLESS, len(found) * _RESTLESS)

    @classmethod
    def cut(cls, reference: Reference, hours: Hours, start: datetime, end: datetime) -> "DriftWindow":
        """Cut a window out of hours that also hold `past(start, end)` before it."""
        length = end - start
        before = hours.pieces(start - past(length), length, past(length) // length)
        part = max(HOUR, length / _PARTS)
        parts = hours.pieces(start, part, -(-length // part))
        return cls(reference, hours.window(start, end).merged(), parts, before, length)


def past(length: timedelta) -> timedelta:
    """How far before a window of this length hours are needed."""
    return length * WINDOWS_BEFORE if length <= _LONGEST_WITH_PAST else timedelta(0)


def signal_of(feature: str) -> Signal:
    """Outputs are profiled under `output.<name>`, inputs under their own."""
    return "output" if feature.startswith("output.") else "input"


def check_feature(bins: FeatureBins, window: DriftWindow, *, alpha: float) -> Check:
    """Judge one feature.

    Args:
        bins: The feature.
        window: Its traffic.
        alpha: Probability of a false alarm that this check may spend: the look's, divided by the checks of the look.

    Returns:
        `value` is the severity, the Jensen-Shannon distance (base 2) between 0 and 1.
    """
    current = window.profile.counts(bins.name)
    reference = window.reference.profile.counts(bins.name)
    rows = int(current.sum())
    if rows < FEWEST_ROWS or reference.sum() < FEWEST_ROWS:
        few = f"{rows} rows, at least {FEWEST_ROWS} are needed"
        return _check(bins, window, "no_data", None, alpha, {"reason": few if rows < FEWEST_ROWS else _FEW_REFERENCE})
    outcome: CheckOutcome
    test = analyze(reference, current)
    dispersion = _dispersion(window, bins.name, rows)
    probability = change_p_value(reference, current, dispersion, ordered=bins.kind == "numeric")
    unknown = _unknown(bins, window, current, reference, dispersion)
    lasting = bool(unknown) and _is_lasting(window, bins.name, reference)
    outcome, reason = ("breach", "") if lasting else _judge(test, probability, alpha, unknown)
    if outcome == "breach" or not reason:
        reason = describe(bins, window.reference.profile, window.profile)
    details = _details(bins, window, test, dispersion) | {"p_value": probability, "reason": reason}
    return _check(bins, window, outcome, test.jensen_shannon, alpha, details)


_FEW_REFERENCE = f"the reference has fewer than {FEWEST_ROWS} rows; register the model with more"


def _judge(test: TwoSampleResult, probability: float, alpha: float, unknown: str) -> tuple[CheckOutcome, str]:
    if test.jensen_shannon < LEAST_SEVERITY:
        return "ok", ""
    if unknown:
        return "no_data", unknown
    return ("breach", "") if probability < alpha else ("ok", "")


def _dispersion(window: DriftWindow, feature: str, rows: int) -> Dispersion:
    where = window.reference.spec.slices[feature]
    past_windows = between_windows(window.before[:, where], rows)
    return past_windows if past_windows.pieces else within_window(window.parts[:, where])


def _unknown(bins: FeatureBins, window: DriftWindow, current: Counts, reference: Counts, dispersion: Dispersion) -> str:
    """Why the rows cannot be told from one draw of a cause they share; empty if they can."""
    if dispersion.basis == "windows before":
        return ""
    needed = f"a verdict needs {FEWEST_WINDOWS} earlier windows to compare with"
    if not dispersion.is_known or (dispersion.basis == "parts of the window" and window.is_restless):
        return f"parts of this window differ from each other as from the reference; {needed}"
    summary = window.profile.summary(bins.name)
    is_constant = np.count_nonzero(current) == 1 and not summary.std
    if is_constant and reference[current.argmax()] >= _PLAUSIBLE * reference.sum() and _seen_parts(window) > 1:
        return f"every row has the same value, one that is common in the reference (a weekday does that); {needed}"
    return ""


def _is_lasting(window: DriftWindow, feature: str, reference: Counts) -> bool:
    """Whether every part of a long window is by itself far from the reference: no weekday or storm lasts so long."""
    parts = window.parts[:, window.reference.spec.slices[feature]]
    told = parts[parts.sum(axis=1) >= FEWEST_ROWS]
    if window.length < _LASTING or len(told) < _FEWEST_LASTING_PARTS:
        return False
    return all(analyze(reference, part).jensen_shannon >= _FAR for part in told)


def _seen_parts(window: DriftWindow) -> int:
    return int((window.parts.sum(axis=1) > 0).sum())


def _details(
    bins: FeatureBins, window: DriftWindow, test: TwoSampleResult, dispersion: Dispersion
) -> dict[str, object]:
    before, now = window.reference.profile.summary(bins.name), window.profile.summary(bins.name)
    reference, current = window.reference.profile.counts(bins.name), window.profile.counts(bins.name)
    details: dict[str, object] = {
        "psi": population_stability_index(reference, current),
        "total_variation": test.total_variation,
        "missing": {"reference": before.missing_share, "current": now.missing_share},
        "effective_rows": now.rows / dispersion.factor,
        "independence_measured_on": dispersion.basis,
        "reference_rows": before.rows,
    }
    if bins.kind == "numeric":
        details["mean"] = {"reference": before.mean, "current": now.mean}
        details["std"] = {"reference": before.std, "current": now.std}
    else:
        details["unseen"] = {"reference": before.unseen_share, "current": now.unseen_share}
    return details


def _check(
    bins: FeatureBins,
    window: DriftWindow,
    outcome: CheckOutcome,
    value: float | None,
    alpha: float,
    details: dict[str, object],
) -> Check:
    return Check(
        name=f"drift.{bins.name}",
        signal=signal_of(bins.name),
        version=window.reference.version,
        outcome=outcome,
        value=value,
        expected=f"Jensen-Shannon distance under {LEAST_SEVERITY:g}, or one that chance explains (p >= {alpha:.2g})",
        rows=window.profile.rows,
        details=details,
    )
