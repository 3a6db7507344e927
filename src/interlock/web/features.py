"""One feature: the window beside the reference, what is missing, and the last weeks day by day."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.monitoring import parse_window
from interlock.api.services import Given
from interlock.monitoring import feature
from interlock.monitoring.drift import LEAST_SEVERITY, signal_of
from interlock.monitoring.feature import BinShare, Comparison
from interlock.monitoring.windows import HOUR
from interlock.web import day_charts, states
from interlock.web.access import PageRoute
from interlock.web.day_charts import DayChart
from interlock.web.rendering import show
from interlock.web.wording import count, figure, percent

router = APIRouter(prefix="/endpoints/{endpoint}/features", route_class=PageRoute, include_in_schema=False)

_LONGEST = timedelta(days=92)
_MOST_BARS = 16


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its title, and what is known of the reference."""

    title: str
    beside: str
    drawn: DayChart | None


@router.get("/{column:path}", **needs("read"))
def page(
    request: Request, endpoint: str, column: str, services: Given, window: str = "24h", version: str = ""
) -> Response:
    """The page. `version`: whose reference; by default that of the version with the most rows."""
    length = min(max(HOUR, parse_window(window)), _LONGEST)
    with services.store.read() as tx:
        tx.endpoints.get(endpoint)
        latest = tx.profiles.latest_hour(endpoint) or services.clock().replace(minute=0, second=0, microsecond=0)
        found = feature.read(tx, endpoint, column, window=length, until=latest + HOUR, version=version.strip() or None)
    shown = _compared(found.comparison) if found.comparison else {}
    return show(request, "feature.html", found=found, window=window, signal=signal_of(column), **shown)


def _compared(comparison: Comparison) -> dict[str, Any]:
    bars, rest = _most(comparison)
    return {
        "comparison": comparison,
        "state_now": states.check(comparison.check),
        "least": LEAST_SEVERITY,
        "bars": bars,
        "rest": rest,
        "widest": max([each.reference for each in bars] + [each.current for each in bars] + [0.01]),
        "charts": _charts(comparison),
    }


def _most(comparison: Comparison) -> tuple[list[BinShare], int]:
    """Bins to draw: all of a number's; of many categories those whose share moved most, in their order."""
    shares = [each for each in comparison.shares if each.reference or each.current or comparison.kind == "numeric"]
    if len(shares) <= _MOST_BARS:
        return shares, 0
    ranked = sorted(shares, key=lambda each: -abs(each.current - each.reference))
    kept = {id(each) for each in ranked[:_MOST_BARS]}
    return [each for each in shares if id(each) in kept], len(shares) - _MOST_BARS


def _charts(comparison: Comparison) -> list[Chart]:
    days, before = comparison.days, comparison.reference
    severity = day_charts.by_day([(each.day, each.severity) for each in days], figure, level=LEAST_SEVERITY, floor=0.0)
    missing = day_charts.by_day(
        [(each.day, each.missing_share) for each in days], percent, level=before.missing_share, floor=0.0
    )
    rows = day_charts.by_day([(each.day, float(each.rows)) for each in days], count, floor=0.0)
    found = [
        Chart("severity", f"dashed: {LEAST_SEVERITY:g}, from where it counts as drift", severity),
        Chart("missing", f"dashed: {percent(before.missing_share)} in the reference", missing),
        Chart("rows", "answered by this version", rows if any(each.rows for each in days) else None),
    ]
    if comparison.kind == "numeric":
        mean = day_charts.by_day([(each.day, each.mean) for each in days], figure, level=before.mean)
        found.insert(1, Chart("mean", f"dashed: {figure(before.mean)} in the reference", mean))
    return found
