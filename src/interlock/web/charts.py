"""Where things stand in pictures: numbers to places on a drawing, which templates write as SVG.

Nothing is judged or estimated here. A drawing has fixed axes for each kind, so that two beside each other compare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


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
