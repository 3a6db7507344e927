"""How often the monitoring of an endpoint cries wolf over hundreds of days, and what it finds on one: by simulation.

Usage: `python -m benchmarks.monitoring.certify_watch [--quick] [--runs 40] [--seed 1] [--write docs/statistics.md]`.

The rule is the product's own, from profiles by the hour to verdicts of days (`monitoring.drift`), from the first day of
an endpoint on. In every run the reference is drawn anew; all looks of a run share it. A false alarm is a look with any
column in breach; the budget is one in a hundred looks. Exit code 1 if a cell breaks its promise by more than three
standard errors, taken over runs.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.monitoring.cells import Cell, put_between
from benchmarks.monitoring.peer_rules import Column, NannymlRule, evidently
from benchmarks.monitoring.streams import MOODS, Feature, Mood, Stream
from interlock.monitoring import quality
from interlock.monitoring.dispersion import WINDOWS_BEFORE
from interlock.monitoring.drift import LOOK_ALPHA, DriftWindow, check_feature
from interlock.monitoring.windows import Hours, Reference
from interlock.stats.profile import Profile
from interlock.stats.reference_profile import profile_reference

START, END = "<!-- certify_watch: begin -->", "<!-- certify_watch: end -->"
PROMISED_POWER, QUIET = 0.95, 50

_FIRST = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)

Draw = Callable[[np.random.Generator, int], NDArray[Any]]

KINDS: dict[str, list[Feature]] = {
    "numeric": [Feature()],
    "2 levels": [Feature(2)],
    "20 levels": [Feature(20), Feature(20, is_zipf=True)],
    "1,000 levels": [Feature(1_000), Feature(1_000, is_zipf=True)],
}


@dataclass(frozen=True)
class Setting:
    """One cell of the table."""

    kind: str
    mood: Mood
    reference: int
    rows: int
    columns: int
    looks: int
    runs: int
    seed: int

    @property
    def features(self) -> dict[str, Feature]:
        kinds = KINDS[self.kind]
        return {f"c{number}": kinds[number % len(kinds)] for number in range(self.columns)}


class Watch:
    """An endpoint's columns over many days, as the monitoring loop sees them.

    Args:
        rows: Of the reference.
        kinds: Of its columns.
        columns: How many share the budget of a look.
    """

    def __init__(self, rows: Mapping[str, NDArray[Any]], kinds: Mapping[str, str], columns: int) -> None:
        profile = profile_reference(rows, kinds)
        self._reference = Reference("m:1", profile.spec, profile)
        self._alpha = LOOK_ALPHA / (2 + columns + len(quality.METRICS["binary"]))
        self._blobs: list[tuple[datetime, bytes]] = []
        self._now = _FIRST

    def add(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """One more hour."""
        hour = Profile(self._reference.spec)
        hour.update(rows)
        if hour.rows:
            self._blobs.append((self._now, hour.to_bytes()))
        self._now += _HOUR

    def judge(self) -> list[str]:
        """Outcomes of the day that has just closed, one for each column."""
        start = self._now - _DAY
        self._blobs = [each for each in self._blobs if each[0] >= start - WINDOWS_BEFORE * _DAY]
        window = DriftWindow.cut(self._reference, Hours.read(self._reference.spec, self._blobs), start, self._now)
        return [check_feature(bins, window, alpha=self._alpha).outcome for bins in self._reference.spec.features]


@dataclass
class Tally:
    """Looks of one cell: alarms by run, in the first two weeks and later, and checks that said nothing."""

    early: list[int]
    later: list[int]
    silent: int = 0
    peer_looks: int = 0
    evidently: int = 0
    nannyml: int = 0


def simulate(setting: Setting, peer_runs: int) -> Tally:
    rng = np.random.default_rng(setting.seed)
    tally = Tally([], [])
    for run in range(setting.runs):
        stream = Stream(rng, setting.features, setting.mood, setting.rows)
        reference = stream.reference(setting.reference)
        watch = Watch(reference, {name: each.kind for name, each in setting.features.items()}, setting.columns)
        peers = _Peers(reference, setting.rows) if run < peer_runs else None
        early = later = 0
        today: list[dict[str, NDArray[Any]]] = []
        for number, hour in enumerate(stream.hours(setting.looks), 1):
            watch.add(hour)
            today.append(hour)
            if number % 24:
                continue
            outcomes = watch.judge()
            tally.silent += all(outcome == "no_data" for outcome in outcomes)
            is_alarm = "breach" in outcomes
            early, later = (early + is_alarm, later) if number <= EARLY * 24 else (early, later + is_alarm)
            if peers is not None:
                peers.look({name: np.concatenate([each[name] for each in today]) for name in today[0]}, tally)
            today = []
        tally.early.append(early)
        tally.later.append(later)
    return tally


EARLY = 14
"""Days in which there are not yet enough days before to compare with."""


class _Peers:
    """The defaults of other tools on the same days."""

    def __init__(self, reference: Mapping[str, NDArray[Any]], rows: int) -> None:
        self._codes = {name: np.unique(side) for name, side in reference.items() if side.dtype.kind == "U"}
        self._reference = {name: self._coded(name, side) for name, side in reference.items()}
        self._nannyml = {name: NannymlRule(side, rows) for name, side in self._reference.items()}

    def look(self, rows: Mapping[str, NDArray[Any]], tally: Tally) -> None:
        day = {name: self._coded(name, side) for name, side in rows.items()}
        if not all(len(side) for side in day.values()):
            return
        tally.peer_looks += 1
        tally.evidently += any(evidently(Column(self._reference[name], side)) for name, side in day.items())
        tally.nannyml += any(self._nannyml[name].is_drifted(side) for name, side in day.items())

    def _coded(self, name: str, side: NDArray[Any]) -> NDArray[Any]:
        if name not in self._codes:
            return side
        known = self._codes[name]
        places = np.minimum(known.searchsorted(side), len(known) - 1)
        return np.asarray(np.where(known[places] == side, places, len(known)), dtype=np.int64)


def quiet_cells(runs: int, seed: int, *, quick: bool) -> Iterator[Setting]:
    settings = QUICK if quick else FULL
    for number, (kind, mood, reference, rows, columns, looks) in enumerate(settings, 1):
        yield Setting(kind, mood, reference, rows, columns, looks, max(2, runs * 100 // max(100, looks)), seed + number)


QUICK: list[tuple[str, Mood, int, int, int, int]] = [
    (kind, mood, 5_000, rows, columns, looks)
    for mood in MOODS
    for kind, rows, columns, looks in (
        ("numeric", 50, 10, 50),
        ("numeric", 1_000, 20, 50),
        ("2 levels", 1_000, 5, 50),
        ("20 levels", 1_000, 5, 50),
        ("1,000 levels", 1_000, 1, 50),
        ("numeric", 20_000, 1, 50),
        ("numeric", 200, 1, 1_000),
    )
]

FULL: list[tuple[str, Mood, int, int, int, int]] = [
    (kind, mood, reference, rows, columns, looks)
    for mood in MOODS
    for kind in KINDS
    for reference in (1_000, 10_000)
    for rows in (50, 1_000, 50_000)
    for columns, looks in ((1, 1), (1, 100), (20, 100), (200, 40), (2, 1_000))
    if rows * columns * looks <= 5_000_000
]


def _numbers(mean: float = 0.0, deviation: float = 1.0, missing: float = 0.0) -> Draw:
    def draw(rng: np.random.Generator, rows: int) -> NDArray[Any]:
        values = rng.normal(mean, deviation, rows)
        values[rng.random(rows) < missing] = np.nan
        return values

    return draw


def _levels(count: int, share: float) -> Draw:
    def draw(rng: np.random.Generator, rows: int) -> NDArray[Any]:
        return np.where(rng.random(rows) < share, 0, rng.integers(1, count, rows)).astype(str)

    return draw


# Rows a day, how they were, how they are on one day.
CHANGES: dict[str, tuple[int, str, Draw, Draw]] = {
    "mean moves by 0.25 σ": (1_000, "numeric", _numbers(), _numbers(mean=0.25)),
    "variance × 1.5": (1_000, "numeric", _numbers(), _numbers(deviation=1.5**0.5)),
    "missing 0 → 5 %": (1_000, "numeric", _numbers(), _numbers(missing=0.05)),
    "one class of 3, 5 → 10 %": (1_000, "categorical", _levels(3, 0.05), _levels(3, 0.10)),
    "one class of 10, 5 → 10 %": (1_000, "categorical", _levels(10, 0.05), _levels(10, 0.10)),
    "one level of 1,000, 0 → 20 %": (1_000, "categorical", _levels(1_000, 0.0), _levels(1_000, 0.20)),
    "one level of 1,000, 5 → 8 %": (2_500, "categorical", _levels(1_000, 0.05), _levels(1_000, 0.08)),
}


def power(what: str, reference: int, quiet_days: int, runs: int, seed: int) -> Cell:
    """Days of a change that are in breach: one column, judged at the level that it has among 51."""
    rng = np.random.default_rng(seed)
    rows, kind, before, now = CHANGES[what]
    found = 0
    for _ in range(runs):
        watch = Watch({"x": before(rng, reference)}, {"x": kind}, QUIET + 1)
        # Only so many days before are ever looked at; all are drawn where that itself is in question.
        for hour in range(quiet_days * 24):
            watch.add({"x": before(rng, int(rng.poisson(rows / 24)))})
            if hour % (24 * WINDOWS_BEFORE) == 0:
                watch.judge()
        for part in np.array_split(np.arange(rows), 24):
            watch.add({"x": now(rng, len(part))})
        found += watch.judge() == ["breach"]
    what_row = f"{what} | {reference:,} | {rows:,} | {quiet_days:,}"
    return Cell(what_row, seed, runs, found, PROMISED_POWER, at_most=False)


def changed_cells(runs: int, seed: int) -> Iterator[Cell]:
    number = seed
    for days, share in ((0, 1.0), (WINDOWS_BEFORE, 1.0), (1_000, 0.05)):
        for what in CHANGES:
            number += 1
            yield power(what, 10_000, days, max(4, int(runs * share)), number)


def _cell(setting: Setting, tally: Tally) -> Cell:
    by_run = np.array(tally.early) + np.array(tally.later)
    looks = setting.looks * setting.runs
    spread = float(by_run.std(ddof=1) / len(by_run) ** 0.5 / setting.looks) if len(by_run) > 1 else 0.0
    least = (LOOK_ALPHA * (1 - LOOK_ALPHA) / looks) ** 0.5
    peers = tally.evidently / max(1, tally.peer_looks), tally.nannyml / max(1, tally.peer_looks)
    sizes = f"{setting.reference:,} | {setting.rows:,} | {setting.columns} | {setting.looks}"
    what = f"{setting.mood} | {setting.kind} | {sizes}"
    return Cell(
        what, setting.seed, looks, float(by_run.sum()), LOOK_ALPHA, at_most=True, peers=peers, spread=max(spread, least)
    )


def _line(setting: Setting, tally: Tally) -> tuple[str, bool]:
    cell = _cell(setting, tally)
    early = sum(tally.early) / (setting.runs * min(EARLY, setting.looks))
    silent = tally.silent / cell.runs
    others = " | ".join(f"{share:.0%}" for share in cell.peers)
    broken = "" if cell.kept else " **broken**"
    shares = f"{cell.share:.2%}{broken} | {early:.1%} | {silent:.0%}"
    return f"| {cell.what} | {setting.runs} | {cell.seed} | {shares} | {others} |", cell.kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some cells")
    parser.add_argument("--runs", type=int, default=40, help="of up to 100 looks; fewer of more")
    parser.add_argument("--power-runs", type=int, default=200)
    parser.add_argument("--peer-runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="put the tables between the marks in this page")
    options = parser.parse_args()
    kept, quiet = True, [_HEAD, "|" + "---|" * (_HEAD.count("|") - 1)]
    for setting in quiet_cells(options.runs, 1_000 * options.seed, quick=options.quick):
        line, holds = _line(setting, simulate(setting, options.peer_runs))
        print(line, file=sys.stderr, flush=True)
        quiet.append(line)
        kept = kept and holds
    changed = [_POWER_HEAD, "|" + "---|" * (_POWER_HEAD.count("|") - 1)]
    for cell in changed_cells(options.power_runs, 1_000 * options.seed + 500):
        line = f"| {cell.what} | {cell.runs} | {cell.seed} | {cell.share:.1%}{'' if cell.kept else ' **broken**'} |"
        print(line, file=sys.stderr, flush=True)
        changed.append(line)
        kept = kept and cell.kept
    text = "\n".join([_QUIET_TITLE, "", *quiet, "", _POWER_TITLE, "", *changed])
    print(text)
    if options.write:
        put_between(options.write, START, END, text)
    sys.exit(0 if kept else 1)


_HEAD = (
    "| rows are | columns are | reference rows | rows a day | columns | looks | runs | seed | Interlock "
    "| its first 14 days | no column judged | Evidently | NannyML |"
)
_QUIET_TITLE = (
    "Looks (one a day, from an endpoint's first day on) without drift at which any column was in breach. Promised: at "
    "most 1 %. The others' shares are of the looks of the first run."
)
_POWER_HEAD = "| change | reference rows | rows a day | quiet days before | runs | seed | found on the first day |"
_POWER_TITLE = "Days of a change on which the changed column, one of 51, was in breach. Promised: at least 95 %."


if __name__ == "__main__":
    main()
