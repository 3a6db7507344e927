"""Traffic without drift that is not independent rows: hours that resemble the hour before, nights, weekends.

Used by `certify_watch`. A hidden mood by hour moves each column's rows: none, one with a memory of some hours, or that
and a season of day and week. The reference comes from other weeks of the same process.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mood = Literal["independent rows", "autocorrelated", "season and autocorrelated"]
MOODS: tuple[Mood, ...] = ("independent rows", "autocorrelated", "season and autocorrelated")

_DAY, _WEEK = 24, 168
_REFERENCE_HOURS = 8 * _WEEK

# Of the mood, where rows have a standard deviation of 1: hours correlate by 0.8, a tenth of all variance is the mood's.
_MEMORY, _SIZE = 0.8, 0.35
_NIGHT, _WEEKEND = 0.5, 0.5


@dataclass(frozen=True)
class Feature:
    """How one column is drawn: numbers (no levels), or so many levels, equally frequent or as words are."""

    levels: int = 0
    is_zipf: bool = False

    @property
    def kind(self) -> str:
        return "categorical" if self.levels else "numeric"

    def draw(self, rng: np.random.Generator, mood: Floats) -> NDArray[Any]:
        """One value per row, given the row's mood."""
        if not self.levels:
            return rng.standard_normal(len(mood)) + mood
        ranks = np.arange(1, self.levels + 1)
        shares = 1 / ranks if self.is_zipf else np.ones(self.levels)
        drawn = rng.choice(self.levels, len(mood), p=shares / shares.sum())
        # A mood prefers levels of a low number: rows are drawn again, once, and keep the lower or the higher of both.
        again = rng.choice(self.levels, len(mood), p=shares / shares.sum())
        is_moved = rng.random(len(mood)) < np.minimum(1.0, np.abs(mood))
        moved = np.where(mood > 0, np.minimum(drawn, again), np.maximum(drawn, again))
        return np.asarray(np.where(is_moved, moved, drawn)).astype(str)


class Stream:
    """An endpoint's traffic.

    Args:
        rng: Source of chance.
        features: By name.
        mood: What moves them together within an hour.
        rows: A day, on average; Poisson by hour.
    """

    def __init__(self, rng: np.random.Generator, features: Mapping[str, Feature], mood: Mood, rows: int) -> None:
        self._rng, self._features, self._mood, self._rows = rng, dict(features), mood, rows

    def reference(self, rows: int) -> dict[str, NDArray[Any]]:
        """Rows of eight weeks that went before."""
        hours = self._rng.integers(0, _REFERENCE_HOURS, rows)
        moods = {name: self._moods(_REFERENCE_HOURS, at=-_REFERENCE_HOURS) for name in self._features}
        return {name: each.draw(self._rng, moods[name][hours]) for name, each in self._features.items()}

    def hours(self, days: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Hour by hour, some empty."""
        moods = {name: self._moods(days * _DAY, at=0) for name in self._features}
        for hour in range(days * _DAY):
            rows = int(self._rng.poisson(self._rows / _DAY))
            yield {
                name: each.draw(self._rng, np.full(rows, moods[name][hour])) for name, each in self._features.items()
            }

    def _moods(self, hours: int, *, at: int) -> Floats:
        if self._mood == "independent rows":
            return np.zeros(hours)
        shocks = self._rng.normal(0, _SIZE * np.sqrt(1 - _MEMORY**2), hours)
        found = np.empty(hours)
        last = self._rng.normal(0, _SIZE)
        for hour, shock in enumerate(shocks.tolist()):
            last = _MEMORY * last + shock
            found[hour] = last
        if self._mood == "season and autocorrelated":
            clock = np.arange(at, at + hours)
            found += _NIGHT * np.sin(2 * np.pi * clock / _DAY) - _WEEKEND * (clock % _WEEK >= 5 * _DAY)
        return found
