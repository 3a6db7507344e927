"""The tables by day on an endpoint's monitoring page: every column, and quality. Called by `monitoring`.

They are made of thousands of verdicts, which are new once a day and read by everybody who opens the page: what was
rendered is kept until something new is said.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from threading import Lock

from markupsafe import Markup

from interlock.domain.verdict import Verdict
from interlock.store.transaction import Transaction
from interlock.web.rendering import fragment

_DAYS = 28
_QUALITIES = 40

# A table of all columns is most of a megabyte.
_MOST_KEPT = 32

Row = tuple[str, list[Verdict | None]]


@dataclass(frozen=True, slots=True)
class DayTables:
    """Tables of one endpoint, empty where there is nothing to show.

    Args:
        columns: Severity of each column by day.
        quality: Quality by day, newest first.
        hidden: Columns that are not shown.
        older: Lines of quality that are not shown.
    """

    columns: Markup
    quality: Markup
    hidden: int
    older: int


@dataclass(frozen=True, slots=True)
class _Kept:
    """`number`: of the last verdict of all that was there; `since`: the first day that was wanted."""

    number: int
    since: date
    tables: DayTables


class Days:
    """Makes the tables, and keeps them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int | None], _Kept] = OrderedDict()
        self._lock = Lock()

    def read(self, tx: Transaction, endpoint: str, latest: datetime, *, most: int | None) -> DayTables:
        """The tables of the weeks up to `latest`.

        Args:
            tx: For the verdicts.
            endpoint: Whose.
            latest: The newest hour.
            most: Show so many columns, those that drifted most; None is all.
        """
        key, since, last = (endpoint, most), latest - timedelta(days=_DAYS), tx.verdicts.newest()
        with self._lock:
            kept = self._kept.get(key)
        if kept is None or not _holds(tx, endpoint, kept, since, last):
            found = tx.verdicts.list(endpoint, since=since)
            kept = _Kept(last, since.date(), _tables(endpoint, found, most))
        with self._lock:
            self._kept[key] = replace(kept, number=last)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return kept.tables


def _holds(tx: Transaction, endpoint: str, kept: _Kept, since: datetime, last: int) -> bool:
    """Whether nothing was said since. Windows end at midnight, so only the day of `since` matters."""
    if kept.since != since.date():
        return False
    return kept.number == last or not tx.verdicts.of_endpoint_after(endpoint, kept.number)


def _tables(endpoint: str, found: list[Verdict], most: int | None) -> DayTables:
    last = {(one.window_start, one.check.version, one.check.name): one for one in found}
    drift = [one for one in last.values() if one.check.name.startswith("drift.")]
    quality = sorted(
        (one for one in last.values() if one.check.signal == "quality"),
        key=lambda one: (one.window_start, one.check.version or "", one.check.name),
        reverse=True,
    )
    days = sorted({one.window_start for one in drift})
    columns = by_column(drift, days)
    return DayTables(
        columns=fragment("_columns.html", endpoint=endpoint, days=days, columns=columns[:most]) if days else Markup(),
        quality=fragment("_quality.html", quality=quality[:_QUALITIES]) if quality else Markup(),
        hidden=len(columns) - len(columns[:most]),
        older=max(0, len(quality) - _QUALITIES),
    )


def by_column(drift: list[Verdict], days: list[datetime]) -> list[Row]:
    """Each column with its days, the most severe first. Of a day's versions the one with the most rows counts."""
    cells: dict[tuple[str, datetime], Verdict] = {}
    for one in sorted(drift, key=lambda one: one.check.rows):
        cells[one.check.name.removeprefix("drift."), one.window_start] = one
    severity: dict[str, float] = {}
    for (name, _), one in cells.items():
        severity[name] = max(one.check.value or 0.0, severity.get(name, 0.0))
    ranked = sorted(severity, key=lambda name: (-severity[name], name))
    return [(name, [cells.get((name, day)) for day in days]) for name in ranked]
