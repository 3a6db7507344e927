"""One column of both sides: counted, tested, measured, described."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.comparison import embeddings, levels, numbers, texts
from interlock.comparison.drift_result import ColumnDrift, Kind, Picture
from interlock.comparison.measures import Compared, compute, need_values
from interlock.comparison.rows import Rows
from interlock.comparison.wording import compare_wording
from interlock.stats import homogeneity
from interlock.stats.homogeneity import HomogeneityResult
from interlock.stats.severity import severity
from interlock.stats.total_variation import total_variation
from interlock.stats.weighted_values import WeightedValues

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

LEAST_CHANGE = 0.02
"""Total variation below which a difference is no drift, however sure: two rows in a hundred, or a mean that moves by a
twentieth of a standard deviation. A million rows show differences that matter to nobody."""

# Levels drawn in a report; all others are one bar.
_DRAWN_LEVELS = 12

_SHARE = 0.005
_SIGMA = 0.05


@dataclass(frozen=True)
class ColumnPair:
    """A column that both sides have."""

    name: str
    kind: Kind


def compare_column(
    pair: ColumnPair, before: Rows, now: Rows, names: tuple[str, ...], *, approximate: bool
) -> ColumnDrift:
    """Compare one column; `drifted` says only whether the change is large enough.

    Raises:
        NotComparableError: It is an identifier, or holds vectors of different lengths.
    """
    if pair.kind == "numeric":
        return _compare_numbers(_NumericSource(pair.name, before), _NumericSource(pair.name, now), names, approximate)
    if pair.kind == "text":
        return _compare_texts(pair.name, before, now, names)
    if pair.kind == "embedding":
        return _compare_embeddings(pair.name, before, now, names)
    return _compare_levels(pair.name, before, now, names)


@dataclass(frozen=True)
class _NumericSource:
    """A numeric column that is read again each time it is asked for."""

    name: str
    origin: Rows

    @property
    def rows(self) -> int:
        return self.origin.rows

    @property
    def is_integer(self) -> bool:
        return bool(pa.types.is_integer(self.origin.types[self.name]))

    def chunks(self) -> Iterator[Floats]:
        return (numbers.as_floats(chunk) for chunk in self.origin.chunks(self.name))


@dataclass(frozen=True)
class _HeldSource:
    """A column that is in memory as an array."""

    values: Floats
    is_integer: bool = False

    @property
    def rows(self) -> int:
        return len(self.values)

    def chunks(self) -> Iterator[Floats]:
        return iter((self.values,))


_Source = _NumericSource | _HeldSource


def _compare_numbers(before: _Source, now: _Source, names: tuple[str, ...], approximate: bool) -> ColumnDrift:
    held = numbers.gather(before.chunks(), before.rows)
    edges = numbers.learn_edges(held)
    del held
    reference, current = (numbers.count(side.chunks(), edges) for side in (before, now))
    bins = tuple(np.append(side.decile_counts, side.missing) for side in (reference, current))
    values = _values(before, now, approximate) if need_values(names) else None
    test = homogeneity.analyze(
        reference.counts, current.counts, ordered=True, missing=(reference.missing, current.missing)
    )
    return ColumnDrift(
        kind="numeric",
        drifted=_is_large(*(np.append(side.counts, side.missing) for side in (reference, current))),
        severity=severity(*(np.append(side.counts, side.missing) for side in (reference, current))),
        p_value=test.p_value,
        missing=_missing(reference, current),
        measures=compute(names, Compared((bins[0], bins[1]), values)),
        reason=_describe_numbers(reference, current),
        unseen=float((current.counts[0] + current.counts[-1]) / max(1, current.rows))
        if reference.counts.sum()
        else 0.0,
        picture=_numeric_picture(reference, current),
    )


def _values(before: _Source, now: _Source, approximate: bool) -> tuple[WeightedValues, WeightedValues] | None:
    sides: list[WeightedValues | None] = []
    edges = numbers.fine_edges(before.chunks(), before.rows) if approximate else np.empty(0)
    for side in (before, now):
        if approximate:
            sides.append(numbers.coarsen(side.chunks(), edges, is_integer=side.is_integer))
        else:
            sides.append(_exact(side))
    return None if sides[0] is None or sides[1] is None else (sides[0], sides[1])


def _exact(side: _Source) -> WeightedValues | None:
    values = np.concatenate([np.empty(0), *(chunk[np.isfinite(chunk)] for chunk in side.chunks())])
    if len(values) == 0:
        return None
    values.sort()
    return WeightedValues(values, np.ones(len(values)), side.is_integer)


def _compare_levels(name: str, before: Rows, now: Rows, names: tuple[str, ...]) -> ColumnDrift:
    reference, current = levels.count(before.chunks(name)), levels.count(now.chunks(name))
    table = levels.join(reference, current)
    gone = (reference.missing, current.missing)
    test = homogeneity.analyze(table.reference, table.current, ordered=False, missing=gone)
    bins = np.append(table.reference, gone[0]), np.append(table.current, gone[1])
    values = (reference.levels, current.levels) if need_values(names) else None
    return ColumnDrift(
        kind="categorical",
        drifted=_is_large(*bins),
        severity=severity(*bins),
        p_value=test.p_value,
        missing=_missing(reference, current),
        measures=compute(names, Compared(bins, values)),
        reason=_describe_levels(table, gone, test, levels.unseen_share(reference, current)),
        unseen=levels.unseen_share(reference, current),
        picture=_level_picture(table, gone),
    )


def _compare_texts(name: str, before: Rows, now: Rows, names: tuple[str, ...]) -> ColumnDrift:
    """Each statistic is compared like a numeric column; the p-value is corrected over them."""
    sides = [texts.measure(rows.chunks(name)) for rows in (before, now)]
    said = compare_wording(before.chunks(name), now.chunks(name), (before.rows, now.rows))
    found = {statistic: (sides[0][statistic], sides[1][statistic]) for statistic in texts.STATISTICS}
    found["unknown_words"] = said.unknown
    if said.scores is not None:
        found["wording"] = said.scores
    return _compare_parts("text", found, names, more={"wording.auc": said.auc})


def _compare_embeddings(name: str, before: Rows, now: Rows, names: tuple[str, ...]) -> ColumnDrift:
    """Like texts, and with a test of vectors as a whole beside the numbers that are made of each."""
    sides = [embeddings.read(rows.chunks(name), rows.rows) for rows in (before, now)]
    change = embeddings.compare(sides[0], sides[1])
    # Missing ones are those of all rows, not of the sample.
    found = {"missing": (_present(sides[0]), _present(sides[1])), **change.statistics}
    return _compare_parts("embedding", found, names, more=change.measures, p_value=change.measures.get("mmd_p"))


def _present(side: embeddings.Vectors) -> Floats:
    """Nothing but whether a row has a vector."""
    column = np.zeros(side.rows)
    column[: side.missing] = np.nan
    return column


def _compare_parts(
    kind: Kind,
    parts: Mapping[str, tuple[Floats, Floats]],
    names: tuple[str, ...],
    *,
    more: Mapping[str, float | None],
    p_value: float | None = None,
) -> ColumnDrift:
    """One verdict on a column that several numbers were made of; the first of them knows what is missing."""
    found = {
        part: _compare_numbers(_HeldSource(sides[0]), _HeldSource(sides[1]), names, approximate=False)
        for part, sides in parts.items()
    }
    first, tests = found[next(iter(found))], len(found) + (p_value is not None)
    most = min(found, key=lambda part: (found[part].p_value, -found[part].severity))
    said = found[most].reason
    measures = {f"{part}.{measure}": value for part, each in found.items() for measure, value in each.measures.items()}
    return ColumnDrift(
        kind=kind,
        drifted=found[most].drifted,
        severity=max(each.severity for each in found.values()),
        p_value=min(1.0, tests * min(found[most].p_value, 1.0 if p_value is None else p_value)),
        missing=first.missing,
        measures=measures | dict(more),
        reason=said if not said or said.startswith("missing") else f"{most.replace('_', ' ')}: {said}",
        unseen=found[most].unseen,
        picture=found[most].picture,
    )


def _is_large(reference: Counts, current: Counts) -> bool:
    return bool(reference.sum() and current.sum() and total_variation(reference, current) >= LEAST_CHANGE)


def _missing(reference: Any, current: Any) -> dict[str, float]:
    return {
        name: side.missing / side.rows if side.rows else 0.0
        for name, side in (("reference", reference), ("current", current))
    }


def _describe_numbers(reference: numbers.NumericCounts, current: numbers.NumericCounts) -> str:
    said = _describe_missing(_missing(reference, current))
    if reference.mean is None or current.mean is None:
        return said or "no values to compare"
    parts = [said] if said else []
    away = (current.mean - reference.mean) / reference.std if reference.std else 0.0
    if abs(away) >= _SIGMA or (not reference.std and current.mean != reference.mean):
        sigma = f" ({away:+.1f} σ)" if reference.std else ""
        parts.append(f"mean {reference.mean:.4g} → {current.mean:.4g}{sigma}")
    if reference.std and current.std is not None and abs(current.std / reference.std - 1) >= 2 * _SIGMA:
        parts.append(f"standard deviation {reference.std:.4g} → {current.std:.4g}")
    if not parts:
        parts.append(_describe_bin(_bin_labels(reference.edges), reference.counts, current.counts))
    return "; ".join(parts)


def _describe_levels(table: levels.LevelTable, gone: tuple[int, int], test: HomogeneityResult, unseen: float) -> str:
    rows = [max(1, int(side.sum()) + lost) for side, lost in zip((table.reference, table.current), gone, strict=True)]
    said = _describe_missing({"reference": gone[0] / rows[0], "current": gone[1] / rows[1]})
    parts = [said] if said else []
    if unseen >= _SHARE:
        parts.append(f"{unseen:.1%} of rows have levels that the reference lacks")
    if test.bin < len(table.names):
        name, place = table.names[test.bin], test.bin
        was, is_now = table.reference[place] / rows[0], table.current[place] / rows[1]
        if abs(is_now - was) >= _SHARE:
            parts.append(f"{_short(name)} {was:.1%} → {is_now:.1%}")
    return "; ".join(parts)


def _describe_missing(missing: dict[str, float]) -> str:
    was, is_now = missing["reference"], missing["current"]
    return f"missing {was:.1%} → {is_now:.1%}" if abs(is_now - was) >= _SHARE else ""


def _describe_bin(labels: Iterable[str], reference: Counts, current: Counts) -> str:
    before, now = reference / max(1, reference.sum()), current / max(1, current.sum())
    most = int(np.abs(now - before).argmax())
    if abs(now[most] - before[most]) < _SHARE:
        return ""
    return f"{list(labels)[most]}: {before[most]:.1%} → {now[most]:.1%}"


def _bin_labels(edges: Floats) -> list[str]:
    between = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges.tolist())]
    return [f"under {edges[0]:.4g}", *between, f"over {edges[-1]:.4g}"]


def _numeric_picture(reference: numbers.NumericCounts, current: numbers.NumericCounts) -> Picture:
    labels = (*_bin_labels(reference.edges), "missing")
    return _picture(labels, np.append(reference.counts, reference.missing), np.append(current.counts, current.missing))


def _level_picture(table: levels.LevelTable, gone: tuple[int, int]) -> Picture:
    shown = min(_DRAWN_LEVELS, len(table.names))
    labels = [*map(_short, table.names[:shown])]
    sides = [[*side[:shown].tolist()] for side in (table.reference, table.current)]
    if len(table.names) > shown:
        labels.append(f"{len(table.names) - shown:,} others")
        sides = [
            [*kept, int(side[shown:].sum())] for kept, side in zip(sides, (table.reference, table.current), strict=True)
        ]
    return _picture((*labels, "missing"), np.array([*sides[0], gone[0]]), np.array([*sides[1], gone[1]]))


def _picture(labels: Iterable[str], reference: Counts, current: Counts) -> Picture:
    shares = [tuple((side / max(1, side.sum())).tolist()) for side in (reference, current)]
    return Picture(tuple(labels), shares[0], shares[1])


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "…"
