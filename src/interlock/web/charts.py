"""Where things stand in pictures: numbers to places on a drawing, which templates write as SVG.

Nothing is judged or estimated here. A drawing has fixed axes for each kind, so that two beside each other compare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log

from interlock.domain.release import Gate, Release
from interlock.web.wording import figure, percent


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of one version, in the drawing's own units from the upper left. `said` is for hovering and for readers
    who do not see it."""

    x: float
    y: float
    width: float
    height: float
    version: str
    said: str


def bars(
    slots: Sequence[tuple[datetime, Mapping[str, int]]], *, width: float, height: float, champion: str = ""
) -> list[Bar]:
    """Requests by hour, versions on top of each other.

    Args:
        slots: Hours in order, each with the requests of every version.
        champion: Whose bars stand at the bottom.
    """
    most = max((sum(counts.values()) for _, counts in slots), default=0)
    if most == 0:
        return []
    step = width / len(slots)
    found = []
    for number, (hour, counts) in enumerate(slots):
        base = height
        for version in sorted(counts, key=lambda ref: (ref != champion, ref)):
            tall = counts[version] / most * height
            if tall == 0:
                continue
            base -= max(tall, 1.0)
            said = f"{hour:%d %b %H:%M} UTC, {version}: {counts[version]:,} requests"
            found.append(Bar(round(number * step, 2), round(base, 2), round(step * 0.8, 2), round(max(tall, 1.0), 2),
                             version, said))  # fmt: skip
    return found


def spark(slots: Sequence[tuple[datetime, Mapping[str, int]]], *, width: float, height: float) -> str:
    """Requests of all versions by hour, as one SVG path: small enough for a table of many."""
    most = max((sum(counts.values()) for _, counts in slots), default=0)
    step = width / max(1, len(slots))
    columns = [(number * step, sum(counts.values())) for number, (_, counts) in enumerate(slots)]
    return "".join(
        f"M{x:g} {height:g}v{-max(1, round(requests / most * height, 1)):g}h{step * 0.8:.3g}V{height:g}z"
        for x, requests in columns
        if requests
    )


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval against its margin, on an axis whose middle is "equal". Places are from 0 to `WIDTH`.

    Args:
        left, right: The interval's ends, cut at the ends of the axis.
        is_open_left, is_open_right: Whether it goes on beyond.
        point: The estimate; None if there is none.
        margin: Where the margin is; None if there is none.
        said: The same in words.
    """

    left: float
    right: float
    is_open_left: bool
    is_open_right: bool
    point: float | None
    margin: float | None
    said: str


WIDTH = 420.0
MIDDLE = WIDTH / 2
# The axis of ratios ends at a fifth and at five times.
_FARTHEST_RATIO = 5.0


def interval(gate: Gate) -> Interval | None:
    """Draw what a gate knows; None where it knows nothing yet."""
    if gate.lower is None and gate.upper is None:
        return None
    scale = _scale([gate])
    left, right = _at(gate.lower, scale, -1.0), _at(gate.upper, scale, 1.0)
    point = None if gate.estimate is None else _at(gate.estimate, scale, 0.0)
    margin = None if gate.margin is None else _at(gate.margin, scale, 0.0)
    return Interval(
        left=_place(left),
        right=_place(right),
        is_open_left=left <= -1,
        is_open_right=right >= 1,
        point=None if point is None else _place(point),
        margin=None if margin is None else _place(margin),
        said=said(gate),
    )


def said(gate: Gate) -> str:
    """A gate's interval in words."""
    unit = " times" if gate.scale == "ratio" else ""
    ends = [
        f"surely at least {figure(gate.lower)}{unit}" if gate.lower is not None else "",
        f"surely at most {figure(gate.upper)}{unit}" if gate.upper is not None else "",
    ]
    known = f"{figure(gate.estimate)}{unit}" if gate.estimate is not None else "no estimate"
    allowed = f"margin {figure(gate.margin)}{unit}" if gate.margin is not None else ""
    return ", ".join(part for part in (known, *ends, allowed) if part)


@dataclass(frozen=True, slots=True)
class Band:
    """An interval over time, in a drawing of `BAND_WIDTH` by `BAND_HEIGHT`.

    Args:
        area, line: SVG paths of the interval and of its estimate.
        margin: How far down the margin is; None if there is none.
        margin_said: The margin as a number.
        steps: Where the traffic share changed, and to which step.
        since, until: Times of the first and the last look.
    """

    area: str
    line: str
    margin: float | None
    margin_said: str
    steps: list[tuple[float, int]]
    since: datetime
    until: datetime


BAND_WIDTH, BAND_HEIGHT = 520.0, 150.0


def band(looks: Sequence[tuple[datetime, int, Gate]]) -> Band | None:
    """Draw what one gate said over time; None for fewer than two looks, or where nothing was ever known.

    Args:
        looks: Time, step and gate, oldest first.
    """
    known = [look for look in looks if look[2].lower is not None or look[2].upper is not None]
    if len(known) < 2 or known[0][0] == known[-1][0]:
        return None
    since, until = known[0][0], known[-1][0]
    scale = _scale([gate for _, _, gate in known])
    places = [(at - since) / (until - since) * BAND_WIDTH for at, _, _ in known]
    upper = [_down(_at(gate.upper, scale, 1.0)) for _, _, gate in known]
    lower = [_down(_at(gate.lower, scale, -1.0)) for _, _, gate in known]
    line = [
        (x, _down(_at(gate.estimate, scale, 0.0)))
        for x, (_, _, gate) in zip(places, known, strict=True)
        if gate.estimate is not None
    ]
    if set(upper) == {0.0} and set(lower) == {BAND_HEIGHT}:
        return None
    margin = known[-1][2].margin
    changes = [
        (round(x, 1), step)
        for x, (_, step, _), (_, before, _) in zip(places[1:], known[1:], known, strict=False)
        if step != before
    ]
    return Band(
        area=_path([*zip(places, upper, strict=True), *reversed(list(zip(places, lower, strict=True)))]) + "Z",
        line=_path(line),
        margin=None if margin is None else _down(_at(margin, scale, 0.0)),
        margin_said=figure(margin),
        steps=changes,
        since=since,
        until=until,
    )


def _scale(gates: Sequence[Gate]) -> float | None:
    """What the ends of the axis stand for: None for ratios, else a difference that holds all that is known."""
    if gates[-1].scale == "ratio":
        return None
    last = gates[-1]
    shown = [abs(value) for value in (last.lower, last.upper, last.estimate, last.margin) if value is not None]
    return max(shown, default=0.0) * 1.2 or 1.0


def _at(value: float | None, scale: float | None, missing: float) -> float:
    """From -1 to 1 along the axis."""
    if value is None:
        return missing
    if scale is None:
        return max(-1.0, min(1.0, log(value) / log(_FARTHEST_RATIO))) if value > 0 else -1.0
    return max(-1.0, min(1.0, value / scale))


def _place(along: float) -> float:
    return round(MIDDLE * (1 + along), 1)


def _down(along: float) -> float:
    return round(BAND_HEIGHT / 2 * (1 - along), 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))


@dataclass(frozen=True, slots=True)
class Station:
    """A signal on the road of a release: `passed`, `now`, `paused`, `stopped` or `ahead`."""

    x: float
    word: str
    kind: str


# What stands at the signal that a release has reached.
_HERE = {
    "promoted": "passed",
    "paused": "paused",
    "inconclusive": "paused",
    "draft": "now",
    "testing": "now",
    "awaiting_approval": "now",
    "running": "now",
}


def _stations(release: Release) -> list[str]:
    if not release.compares_arms:
        return [percent(share) for share in release.plan.steps]
    return [*(percent(share) for share in release.plan.steps or (sum(release.shares),)), "verdict"]


def road(release: Release) -> list[Station]:
    """The signals of a release, from loading to all of the traffic."""
    first = {"draft": "loading", "testing": "being tested"}.get(release.state, "loaded")
    words = [first, *_stations(release)]
    gap = 840.0 / (len(words) - 1)
    step = release.stage if release.compares_arms else release.step
    reached = 0 if release.state == "draft" or release.step_started_at is None else step + 1
    if release.compares_arms and release.state == "promoted":
        reached = len(words)
    here = _HERE.get(release.state, "stopped")
    return [
        Station(
            round(160 + number * gap, 1),
            word,
            "passed" if number < reached else here if number == reached else "ahead",
        )
        for number, word in enumerate(words)
    ]
