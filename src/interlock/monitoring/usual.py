"""Whether a day is as the same times of past weeks were: requests by the hour, or the value of any check.

Called by `written_signals` for rules with `unusual: true`. It reads what is stored, and says nothing before three weeks
are known.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from interlock.domain.alert_rule import WrittenRule
from interlock.domain.verdict import Verdict
from interlock.stats.seasonal_range import seasonal_range
from interlock.store.transaction import Transaction

Floats = NDArray[np.float64]

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
_HOURS = 24

# Counts under a root have one standard deviation whatever their mean (Anscombe 1948): what chance alone does.
_COUNTING = 1.0
_ANSCOMBE = 3 / 8


@dataclass(frozen=True, slots=True)
class Usual:
    """What was found of one day."""

    is_bad: bool
    sentence: str


def volume(tx: Transaction, verdict: Verdict, rule: WrittenRule) -> Usual | None:
    """Compare each hour's requests with those of the same hour of past weeks; None if too few are known."""
    start = verdict.window_start
    first = start - rule.weeks * _WEEK
    requests = tx.service_hours.requests_by_hour(verdict.endpoint, first, start + _DAY)
    begun = min(requests, default=start)
    weeks = np.array([_day(requests, start - back * _WEEK, begun) for back in range(1, rule.weeks + 1)])
    # Days between tell how restless hours are.
    others = np.array([_week(requests, start - back * _WEEK, begun) for back in range(1, rule.weeks + 1)])
    today = _day(requests, start, begun)
    history = np.hstack((weeks, others))
    found = seasonal_range(history, np.arange(_HOURS), chance=rule.chance, least_deviation=_COUNTING)
    known = np.isfinite(found.expected)
    if not known.any():
        return None
    outside = known & ((today < found.lower) | (today > found.upper))
    if not outside.any():
        return Usual(is_bad=False, sentence=f"volume is as usual: {_counts(today).sum():,.0f} requests")
    worst = int(np.where(outside, np.abs(today - found.expected), 0.0).argmax())
    low, high = (_counts(side[worst : worst + 1])[0] for side in (found.lower, found.upper))
    hours = f" (and {outside.sum() - 1} hours more)" if outside.sum() > 1 else ""
    at = start + worst * _HOUR
    sentence = (
        f"volume at {at:%a %H:%M} UTC is {_counts(today)[worst]:,.0f} requests, "
        f"{low:,.0f} to {high:,.0f} are usual at that hour of the week{hours}"
    )
    return Usual(is_bad=True, sentence=sentence)


def value(tx: Transaction, verdict: Verdict, rule: WrittenRule) -> Usual | None:
    """Compare a check's value with those of the same weekday of past weeks; None if too few are known."""
    check, start = verdict.check, verdict.window_start
    if check.value is None:
        return None
    history = np.full((rule.weeks, 7), np.nan)
    for one in tx.verdicts.list(verdict.endpoint, start - rule.weeks * _WEEK, start):
        same = one.check.name == check.name and one.check.version == check.version
        back = (start - one.window_start) // _DAY
        if same and one.check.value is not None and one.check.rows >= rule.fewest_rows and 1 <= back <= 7 * rule.weeks:
            # Said again as labels came: the last one counts.
            history[(back - 1) // 7, (back - 1) % 7] = one.check.value
    found = seasonal_range(history, [6], chance=rule.chance)
    if not np.isfinite(found.expected[0]):
        return None
    what = check.name if check.version is None else f"{check.name} of {check.version}"
    usual = f"{found.lower[0]:.4g} to {found.upper[0]:.4g} are usual on a {start:%A}"
    return Usual(
        is_bad=bool(check.value < found.lower[0] or check.value > found.upper[0]),
        sentence=f"{what} is {check.value:.4g}, {usual}",
    )


def _day(requests: dict[datetime, int], start: datetime, begun: datetime) -> Floats:
    """Roots of the requests of 24 hours; nan before the endpoint's first one."""
    return _roots(requests, start, _HOURS, begun)


def _week(requests: dict[datetime, int], start: datetime, begun: datetime) -> Floats:
    """The same of the six days after a day."""
    return _roots(requests, start + _DAY, 6 * _HOURS, begun)


def _roots(requests: dict[datetime, int], start: datetime, hours: int, begun: datetime) -> Floats:
    times = [start + number * _HOUR for number in range(hours)]
    counts = np.array([requests.get(at, 0) if at >= begun else np.nan for at in times], dtype=np.float64)
    return np.asarray(2 * np.sqrt(counts + _ANSCOMBE), dtype=np.float64)


def _counts(roots: Floats) -> Floats:
    return np.asarray(np.maximum(0.0, np.square(np.maximum(roots, 0.0) / 2) - _ANSCOMBE), dtype=np.float64)
