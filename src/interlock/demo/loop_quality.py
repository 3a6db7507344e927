"""How well callers were answered before a change, at the worst, and after: from the verdicts of days.

Called by the demo's last chapter, and by whoever plays it without the loop.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

METRIC = "accuracy"

_DAY = timedelta(days=1)
# A good day among bad ones is no recovery.
_GOOD_DAYS = 3


@dataclass(frozen=True, slots=True)
class Day:
    """Share of right answers on one day, whoever gave them, and how many had labels."""

    at: datetime
    value: float
    labels: int


@dataclass(frozen=True, slots=True)
class Fall:
    """A fall and what came after it; None where there are no days to say it from.

    Args:
        before: Over the thirty days before the change.
        lowest: Of single days since.
        lowest_at: That day.
        changed: Over the days from the change to the promotion, or to the end.
        after: Over the days since the promotion.
        recovered_at: The first of three days in a row that are back above the bound.
    """

    before: float | None
    lowest: float | None
    lowest_at: datetime | None
    changed: float | None
    after: float | None
    recovered_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """For the summary, rounded to what the labels can say."""
        shares = ("before", "lowest", "changed", "after")
        found: dict[str, Any] = {name: _rounded(getattr(self, name)) for name in shares}
        for name in ("lowest_at", "recovered_at"):
            at: datetime | None = getattr(self, name)
            found[name] = None if at is None else at.isoformat()
        return {"metric": METRIC, **found}


def by_day(verdicts: Iterable[Mapping[str, Any]], metric: str) -> list[Day]:
    """Pool the versions of each day by their labels.

    Args:
        verdicts: As `Client.verdicts(latest=True)` gives them.
        metric: Name of a check that is a mean over rows.

    Examples:
        >>> def said(version, value, rows):
        ...     check = {"name": "accuracy", "value": value, "rows": rows, "version": version}
        ...     return {"window_start": "2013-10-02T00:00:00+00:00", "check": check}
        >>> by_day([said("m:1", 0.5, 300), said("m:2", 0.9, 100)], "accuracy")[0].value
        0.6
    """
    found: dict[datetime, list[tuple[float, int]]] = {}
    for each in verdicts:
        check = each["check"]
        if check["name"] == metric and check["value"] is not None and check["rows"]:
            day = datetime.fromisoformat(each["window_start"])
            found.setdefault(day, []).append((check["value"], check["rows"]))
    return [_pooled(day, parts) for day, parts in sorted(found.items())]


def measure(days: list[Day], changed_at: datetime, promoted_at: datetime | None, bound: float) -> Fall:
    """Compare the days before and after.

    Args:
        days: In order.
        changed_at: Beginning of the first day of the change.
        promoted_at: When the new version got all traffic; None if it never did.
        bound: What a day must reach to be a good one.
    """
    bad = [day for day in days if day.at >= changed_at]
    worst = min(bad, key=lambda day: day.value, default=None)
    return Fall(
        before=_mean([day for day in days if changed_at - 30 * _DAY <= day.at < changed_at]),
        lowest=worst.value if worst else None,
        lowest_at=worst.at if worst else None,
        changed=_mean([day for day in bad if promoted_at is None or day.at < promoted_at]),
        after=_mean([day for day in bad if promoted_at is not None and day.at >= promoted_at]),
        recovered_at=_recovered_at(bad, bound),
    )


def _recovered_at(days: list[Day], bound: float) -> datetime | None:
    """None also where it never fell."""
    fell = next((number for number, day in enumerate(days) if day.value < bound), len(days))
    for number in range(fell, len(days) - _GOOD_DAYS + 1):
        if all(day.value >= bound for day in days[number : number + _GOOD_DAYS]):
            return days[number].at
    return None


def _pooled(at: datetime, parts: list[tuple[float, int]]) -> Day:
    labels = sum(rows for _, rows in parts)
    return Day(at, sum(value * rows for value, rows in parts) / labels, labels)


def _mean(days: list[Day]) -> float | None:
    labels = sum(day.labels for day in days)
    return sum(day.value * day.labels for day in days) / labels if labels else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
