"""Monitoring: which endpoints changed, and of one every check of a window and its days."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.monitoring import parse_window
from interlock.api.services import Given
from interlock.domain.verdict import Signal
from interlock.web import states
from interlock.web.access import PageRoute, Present
from interlock.web.days import Days
from interlock.web.rendering import show

router = APIRouter(prefix="/monitoring", route_class=PageRoute, include_in_schema=False)

_SIGNALS: tuple[Signal, ...] = ("quality", "estimate", "service", "rejected", "input", "output")
_ALL_SIGNALS: tuple[Signal, ...] = (*_SIGNALS, "concept")
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
    report = services.monitoring.report(endpoint, window=parse_window(window), estimates=False)
    days: Days = request.app.state.days
    with services.store.read() as tx:
        latest = tx.profiles.latest_hour(endpoint) or services.clock()
        # Estimates read rows, which takes a second: the last day's stand here.
        said = [one.check for one in services.recent.read(tx, endpoint).verdicts if one.check.signal == "estimate"]
        tables = days.read(tx, endpoint, latest, most=None if every else _COLUMNS)
    checks = sorted([*report["checks"], *map(msgspec.to_builtins, said)], key=_rank)
    return show(
        request,
        "monitoring_endpoint.html",
        endpoint=endpoint,
        window=window,
        report=report,
        groups=[(signal, [each for each in checks if each["signal"] == signal]) for signal in _ALL_SIGNALS],
        tables=tables,
    )


def _rank(check: dict[str, Any]) -> tuple[int, float]:
    """Worst first, then the most severe."""
    return ("breach", "error", "ok", "no_data").index(check["outcome"]), -(check["value"] or 0.0)
