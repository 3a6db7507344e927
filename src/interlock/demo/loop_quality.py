"""How well callers were answered before a change, at the worst, and after: from the days of the log.

Called by the demo's last chapter, and by whoever plays it without the loop.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

METRIC = "accuracy"

_DAY = timedelta(days=1)
# As monitoring has it.
_FEWEST_LABELS = 50
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


def statement(endpoint: str, since: datetime) -> str:
    """The days as a query of the log: from labels that have come, whoever answered, also where monitoring is behind."""
    return (
        "SELECT 86400 * floor(epoch(event_at) / 86400) AS day, count(*) AS labels, "  # noqa: S608
        'avg(CASE WHEN label_number = "output.label" THEN 1.0 ELSE 0.0 END) AS value '
        f'FROM "{endpoint}_joined" WHERE label_number IS NOT NULL '
        f"AND epoch(event_at) >= {since.timestamp():.0f} GROUP BY 1 ORDER BY 1"
    )


def by_day(rows: Iterable[Mapping[str, Any]]) -> list[Day]:
    """Days from what the query gave, but those with too few labels to say anything.

    Examples:
        >>> by_day([{"day": 1380672000.0, "labels": 300, "value": 0.6}])
        [Day(at=datetime.datetime(2013, 10, 2, 0, 0, tzinfo=datetime.timezone.utc), value=0.6, labels=300)]
    """
    return [
        Day(datetime.fromtimestamp(float(row["day"]), UTC), float(row["value"]), int(row["labels"]))
        for row in rows
        if row["labels"] >= _FEWEST_LABELS
    ]


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


def _mean(days: list[Day]) -> float | None:
    labels = sum(day.labels for day in days)
    return sum(day.value * day.labels for day in days) / labels if labels else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
