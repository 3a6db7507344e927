"""Monitoring: which endpoints changed, and of one every check of a window and its days."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.monitoring import parse_window
from interlock.api.services import Given, Services
from interlock.domain.verdict import Signal, Verdict
from interlock.web import states
from interlock.web.access import PageRoute, Present
from interlock.web.rendering import show

router = APIRouter(prefix="/monitoring", route_class=PageRoute, include_in_schema=False)

_SIGNALS: tuple[Signal, ...] = ("quality", "service", "rejected", "input", "output")
_DAYS = 28
_COLUMNS = 40


@router.get("", **needs("read", limited_keys=True))
def page(request: Request, visitor: Present, services: Given) -> Response:
    """Every endpoint by signal."""
    with services.store.read() as tx:
        found = [
            (each.name, services.recent.read(tx, each.name).verdicts)
            for each in tx.endpoints.list()
            if visitor.may("read", each.name)
        ]
    rows = [(name, states.endpoint(said), [states.signal(each, said) for each in _SIGNALS]) for name, said in found]
    return show(request, "monitoring.html", rows=rows)


@router.get("/{endpoint}", **needs("read"))
def endpoint_page(
    request: Request, endpoint: str, services: Given, window: str = "24h", every: bool = False
) -> Response:
    """The checks of a window up to the newest event, as `interlock monitor` gives them, and the verdicts by day.

    Args:
        every: Show every column by day, and not only those that drifted most.
    """
    report = services.monitoring.report(endpoint, window=parse_window(window))
    checks = sorted(report["checks"], key=_rank)
    return show(
        request,
        "monitoring_endpoint.html",
        endpoint=endpoint,
        window=window,
        report=report,
        groups=[(signal, [each for each in checks if each["signal"] == signal]) for signal in _SIGNALS],
        **_days(services, endpoint, most=None if every else _COLUMNS),
    )


def _rank(check: dict[str, Any]) -> tuple[int, float]:
    """Worst first, then the most severe."""
    return ("breach", "error", "ok", "no_data").index(check["outcome"]), -(check["value"] or 0.0)


def _days(services: Services, endpoint: str, most: int | None) -> dict[str, Any]:
    """The stored verdicts of the last weeks: columns by day, and quality by day."""
    with services.store.read() as tx:
        latest = tx.profiles.latest_hour(endpoint) or services.clock()
        found = tx.verdicts.list(endpoint, since=latest - timedelta(days=_DAYS))
    last = {(one.window_start, one.check.version, one.check.name): one for one in found}
    drift = [one for one in last.values() if one.check.name.startswith("drift.")]
    quality = sorted(
        (one for one in last.values() if one.check.signal == "quality"),
        key=lambda one: (one.window_start, one.check.version or "", one.check.name),
        reverse=True,
    )
    days = sorted({one.window_start for one in drift})
    columns = _by_column(drift, days)
    return {"days": days, "columns": columns[:most], "hidden": len(columns) - len(columns[:most]), "quality": quality}


def _by_column(drift: list[Verdict], days: list[datetime]) -> list[tuple[str, list[Verdict | None]]]:
    """Each column with its days, the most severe first. Of a day's versions the one with the most rows counts."""
    cells: dict[tuple[str, datetime], Verdict] = {}
    for one in sorted(drift, key=lambda one: one.check.rows):
        cells[one.check.name.removeprefix("drift."), one.window_start] = one
    severity: dict[str, float] = {}
    for (name, _), one in cells.items():
        severity[name] = max(one.check.value or 0.0, severity.get(name, 0.0))
    ranked = sorted(severity, key=lambda name: (-severity[name], name))
    return [(name, [cells.get((name, day)) for day in days]) for name in ranked]
