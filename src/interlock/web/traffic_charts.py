"""How an endpoint was served by hour: latency of each version as lines, and where releases began and ended.

Called by the page of an endpoint. As in `charts`, nothing is judged: numbers become places, which templates write as
SVG.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from interlock.domain.release import Release
from interlock.monitoring.recent import served
from interlock.store.service_hours import ServiceHour
from interlock.web import states
from interlock.web.wording import milliseconds


@dataclass(frozen=True, slots=True)
class Point:
    """One hour of one version. `said` is for hovering and for readers who do not see it."""

    x: float
    y: float
    said: str


@dataclass(frozen=True, slots=True)
class LatencyLine:
    """p99 of one version: an SVG path, broken where nobody asked, and its points."""

    version: str
    path: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class LatencyChart:
    """Lines on one axis from 0 to `top`."""

    lines: tuple[LatencyLine, ...]
    top: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a release began or ended."""

    x: float
    word: str
    said: str
    where: str


def latency(
    hours: Sequence[ServiceHour], since: datetime, until: datetime, *, width: float, height: float
) -> LatencyChart | None:
    """Draw the p99 of each version by hour; None if nobody asked.

    Args:
        hours: Of every version.
        since, until: What the width stands for.
    """
    found: dict[str, dict[datetime, float]] = {}
    for hour in hours:
        p99 = served([hour]).p99_ms
        if p99 is not None and isfinite(p99):
            found.setdefault(hour.version, {})[hour.hour] = p99
    top = max((value for values in found.values() for value in values.values()), default=0.0)
    if top <= 0:
        return None
    step = width * 3600 / (until - since).total_seconds()

    def point(version: str, hour: datetime, value: float) -> Point:
        place = ((hour - since).total_seconds() / 3600 + 0.4) * step
        said = f"{hour:%d %b %H:%M} UTC, {version}: p99 {milliseconds(value)}"
        return Point(round(place, 1), round(height * (1 - value / top), 1), said)

    lines = tuple(
        _line(version, tuple(point(version, hour, value) for hour, value in sorted(values.items())), step)
        for version, values in sorted(found.items())
    )
    return LatencyChart(lines, milliseconds(top))


def _line(version: str, points: tuple[Point, ...], step: float) -> LatencyLine:
    parts, before = [], -step * 9
    for each in points:
        parts.append(f"{'L' if each.x - before < step * 1.5 else 'M'}{each.x:g} {each.y:g}")
        before = each.x
    return LatencyLine(version, "".join(parts), points)


def marks(releases: Sequence[Release], since: datetime, until: datetime, *, width: float) -> list[Mark]:
    """Where releases began and ended, of those that did within the time."""
    found = []
    for each in releases:
        events = [(each.created_at, "began"), (each.finished_at, states.release(each.state).word)]
        for at, word in events:
            if at is not None and since <= at < until:
                x = round((at - since) / (until - since) * width, 1)
                found.append(Mark(x, word, f"{at:%d %b %H:%M} UTC: {each.id} {word}", f"/releases/{each.id}"))
    return sorted(found, key=lambda mark: mark.x)
