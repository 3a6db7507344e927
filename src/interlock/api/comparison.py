"""Two windows or versions of an endpoint beside each other."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from interlock.api.access import GuardedRoute, needs
from interlock.api.monitoring import aware
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.monitoring.side_by_side import Compared, Seen, Side
from interlock.stats.profile import FeatureSummary

router = APIRouter(prefix="/endpoints/{endpoint}/comparison", tags=["monitoring"], route_class=GuardedRoute)

Version = Annotated[str | None, Query(description="NAME:VERSION; default: the one with the most rows")]
When = Annotated[datetime | None, Query(description="ISO 8601 with a time zone")]


@router.get("", **needs("read"))
def compare(
    endpoint: str,
    services: Given,
    version: Version = None,
    since: When = None,
    until: When = None,
    against_version: Version = None,
    against_since: When = None,
    against_until: When = None,
) -> dict[str, Any]:
    """A window or version against another; by default the last week against the week before.

    Differences are told by their size, and are no verdicts.
    """
    other = Side(version, aware("since", since), aware("until", until))
    one = Side(against_version, aware("against_since", against_since), aware("against_until", against_until))
    return dict(finite(plain(_told(endpoint, services.comparisons.compare(endpoint, one, other)))))


def _told(endpoint: str, found: Compared) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "this": _seen(found.other),
        "against": _seen(found.one),
        "columns": [
            {
                "column": each.column,
                "severity": each.severity,
                "p_value": each.p_value,
                "reason": each.reason,
                "this": _column(each.other),
                "against": _column(each.one),
            }
            for each in found.columns
        ],
        "quality": [
            {"metric": each.name, "this": each.other, "against": each.one, "lower": each.lower, "upper": each.upper}
            for each in found.metrics
        ],
    }


def _column(side: FeatureSummary | None) -> dict[str, Any] | None:
    return None if side is None else {"rows": side.rows, "missing": side.missing_share, "mean": side.mean}


def _seen(side: Seen) -> dict[str, Any]:
    return {
        "version": side.version,
        "since": side.since,
        "until": side.until,
        "rows": side.rows,
        "labels": side.labels,
        "requests": side.service.requests,
        "failures": side.service.failures,
        "p99_ms": side.service.p99_ms,
    }
