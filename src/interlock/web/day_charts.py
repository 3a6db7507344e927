"""A value by day as a small drawing: a line with a point for every day, broken where nothing is known.

Called by the pages of features. As in `charts`, nothing is judged: numbers become places, which templates write as SVG.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 520.0, 110.0


@dataclass(frozen=True, slots=True)
class Point:
    """One day. `said` is for hovering and for readers who do not see it."""

    x: float
    y: float
    said: str


@dataclass(frozen=True, slots=True)
class DayChart:
    """A drawing of `WIDTH` by `HEIGHT`.

    Args:
        line: SVG path.
        points: Days of which something is known.
        level: How far down that stands which days are compared with; None if there is none.
        top, bottom: What the ends of the axis stand for, to three figures.
        ticks: Places of days that are named, and their dates.
    """

    line: str
    points: list[Point]
    level: float | None
    top: str
    bottom: str
    ticks: list[tuple[float, datetime]]


def by_day(
    days: Sequence[tuple[datetime, float | None]],
    spell: Callable[[float | None], str],
    *,
    level: float | None = None,
    floor: float | None = None,
) -> DayChart | None:
    """Draw a value by day; None if no day has one.

    Args:
        days: In order, each with its value.
        spell: A value in words.
        level: What days are compared with.
        floor: Where the axis begins; None for the least value.
    """
    known = [value for _, value in days if value is not None]
    if not known:
        return None
    low, high = _range([*known, *([] if level is None else [level])], floor)
    step = WIDTH / max(1, len(days) - 1)

    def down(value: float) -> float:
        return round(HEIGHT * (1 - (value - low) / (high - low)), 1)

    places = [(round(number * step, 1), day, value) for number, (day, value) in enumerate(days)]
    return DayChart(
        line=_broken_line([(x, None if value is None else down(value)) for x, _, value in places]),
        points=[Point(x, down(value), f"{day:%d %b}: {spell(value)}") for x, day, value in places if value is not None],
        level=None if level is None else down(level),
        top=spell(float(f"{high:.3g}")),
        bottom=spell(float(f"{low:.3g}")),
        ticks=[places[number][:2] for number in sorted({0, len(places) // 2, len(places) - 1})],
    )


def _range(values: Sequence[float], floor: float | None) -> tuple[float, float]:
    low, high = min(values) if floor is None else floor, max(values)
    if high > low:
        return low, high
    return (low, low + (abs(low) or 1.0)) if floor is not None else (low - (abs(low) or 1.0), low + (abs(low) or 1.0))


def _broken_line(points: Sequence[tuple[float, float | None]]) -> str:
    parts, is_down = [], False
    for x, y in points:
        if y is not None:
            parts.append(f"{'L' if is_down else 'M'}{x:g} {y:g}")
        is_down = y is not None
    return "".join(parts)
