"""Whether the rows of two files or frames differ, column by column, more than chance explains.

Called by `interlock drift` and `interlock.drift`. A column has drifted if the tests of `stats.homogeneity` reject,
corrected by Holm over all columns, and at least two rows in a hundred would have to be others. It refuses columns that
cannot be compared by name and with the reason, and never calls them fine.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyarrow as pa

from interlock.comparison.columns import LEAST_CHANGE, ColumnPair, compare_column
from interlock.comparison.drift_result import ColumnDrift, DriftResult, Kind
from interlock.comparison.levels import NotComparableError
from interlock.comparison.measures import choose
from interlock.comparison.rows import Rows, open_rows
from interlock.comparison.texts import looks_like_text
from interlock.domain.errors import InvalidInputError

ALPHA = 0.01
"""Probability that any column is called drifted when none has: with one look a day, once in a hundred days."""

# Rows of a column that are held at once; a larger one is read alone.
_ROWS_IN_PARALLEL = 1 << 24

Progress = Callable[[int, int], None]


def drift(
    reference: Any,
    current: Any,
    columns: Sequence[str] | None = None,
    *,
    measures: Sequence[str] | str | None = None,
    categorical: Sequence[str] = (),
    approximate: bool = False,
    alpha: float = ALPHA,
    progress: Progress | None = None,
) -> DriftResult:
    """Compare the rows of two files or frames.

    Args:
        reference: Rows that things should look like: a path (CSV, Parquet, folder of Parquet, Delta), a pandas or
            Polars frame, an Arrow table or reader, a NumPy array, or a mapping of columns.
        current: Rows to be judged, in any of these forms.
        columns: Which to compare. Default: all that both have and that can be.
        measures: Names of measures, or "all". Default: those that one pass gives.
        categorical: Numeric columns whose numbers are names.
        approximate: Compute measures that need all values from two thousand narrow bins instead.
        alpha: Probability that any column is called drifted when none has.
        progress: Called with columns done and columns in all.

    Returns:
        `result.drifted`, `result.columns["age"].severity`, `result.to_dict()`.

    Raises:
        InvalidInputError: A side cannot be read, a named column is not there or cannot be compared, or an option is
            wrong.

    Examples:
        >>> import numpy as np
        >>> rng = np.random.default_rng(1)
        >>> before = {"age": rng.normal(40, 10, 5000), "plan": rng.choice(["free", "pro"], 5000)}
        >>> now = {"age": rng.normal(44, 10, 1000), "plan": rng.choice(["free", "pro"], 1000)}
        >>> result = drift(before, now)
        >>> {name: column.drifted for name, column in result.columns.items()}
        {'age': True, 'plan': False}
        >>> result.columns["age"].reason
        'mean 39.86 → 43.69 (+0.4 σ)'
    """
    if not 0 < alpha < 1:
        raise InvalidInputError(f"alpha == {alpha}, must be between 0 and 1, both excluded")
    chosen = choose(measures)
    with open_rows(reference, "reference") as before, open_rows(current, "current") as now:
        pairs, skipped = _pair(before, now, columns, frozenset(categorical))
        if not pairs:
            raise InvalidInputError("reference and current have no column that can be compared", *skipped.values())
        found = _compare_all(pairs, before, now, chosen, approximate, progress, skipped, named=columns is not None)
        return _judge(found, before, now, alpha, skipped)


def _compare_all(
    pairs: list[ColumnPair],
    before: Rows,
    now: Rows,
    measures: tuple[str, ...],
    approximate: bool,
    progress: Progress | None,
    skipped: dict[str, str],
    *,
    named: bool,
) -> dict[str, ColumnDrift]:
    def compare(pair: ColumnPair) -> ColumnDrift | NotComparableError:
        try:
            return compare_column(pair, before, now, measures, approximate=approximate)
        except NotComparableError as error:
            return error

    found: dict[str, ColumnDrift] = {}
    with ThreadPoolExecutor(_workers(max(before.rows, now.rows))) as pool:
        for done, (pair, result) in enumerate(zip(pairs, pool.map(compare, pairs), strict=True), start=1):
            if isinstance(result, ColumnDrift):
                found[pair.name] = result
            elif named:
                raise InvalidInputError(f"column {pair.name!r} has {result}; leave it out")
            else:
                skipped[pair.name] = str(result)
            if progress:
                progress(done, len(pairs))
    return found


def _workers(rows: int) -> int:
    at_once = max(1, _ROWS_IN_PARALLEL // max(1, rows))
    return min(at_once, os.cpu_count() or 1, 8)


def _judge(
    found: dict[str, ColumnDrift], before: Rows, now: Rows, alpha: float, skipped: dict[str, str]
) -> DriftResult:
    significant = holm({name: column.p_value for name, column in found.items()}, alpha)
    columns = {name: replace(column, drifted=column.drifted and name in significant) for name, column in found.items()}
    return DriftResult(
        drifted=any(column.drifted for column in columns.values()),
        rows={"reference": before.rows, "current": now.rows},
        columns=columns,
        alpha=alpha,
        least_change=LEAST_CHANGE,
        skipped=skipped,
    )


def holm(p_values: dict[str, float], alpha: float) -> set[str]:
    """Names whose hypothesis is rejected when any false rejection may have probability `alpha`.

    Examples:
        >>> sorted(holm({"a": 0.004, "b": 0.9, "c": 0.006}, 0.013))
        ['a', 'c']

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6(2).
    """
    rejected: set[str] = set()
    for left, name in zip(range(len(p_values), 0, -1), sorted(p_values, key=lambda name: p_values[name]), strict=True):
        if p_values[name] > alpha / left:
            break
        rejected.add(name)
    return rejected


def _pair(
    before: Rows, now: Rows, columns: Sequence[str] | None, categorical: frozenset[str]
) -> tuple[list[ColumnPair], dict[str, str]]:
    """Which columns are compared, as what; and why others are not."""
    _check_names(before, now, [*(columns or ()), *categorical])
    skipped: dict[str, str] = {}
    if columns is None:
        skipped |= {name: "only in the reference" for name in before.types if name not in now.types}
        skipped |= {name: "only in the current rows" for name in now.types if name not in before.types}
    pairs, faults = [], []
    for name in columns if columns is not None else [name for name in before.types if name in now.types]:
        kind, why_not = _kind(name, before, now, as_levels=name in categorical, named=columns is not None)
        if kind is not None:
            pairs.append(ColumnPair(name, kind))
        elif columns is None:
            skipped[name] = why_not
        else:
            faults.append(f"column {name!r} cannot be compared: {why_not}")
    if faults:
        raise InvalidInputError(*faults)
    return pairs, skipped


def _check_names(before: Rows, now: Rows, names: Iterable[str]) -> None:
    faults = [
        f"column {name!r} is not in {side}; there is: {', '.join(list(rows.types)[:20])}"
        for name in names
        for side, rows in (("reference", before), ("current", now))
        if name not in rows.types
    ]
    if faults:
        raise InvalidInputError(*faults)


def _kind(name: str, before: Rows, now: Rows, *, as_levels: bool, named: bool) -> tuple[Kind | None, str]:
    kinds = [_kind_of(rows.types[name]) for rows in (before, now)]
    # A column without a single value has no type of its own.
    known = [kind for kind in kinds if kind != "nothing"] or ["numeric"]
    if "image" in known:
        return None, "it holds bytes; images are not compared yet: write brightness, width, ... as columns"
    if "nested" in known or known == ["vector"]:
        return None, f"type {before.types[name]} holds several values a row; write them as columns"
    if len(set(known)) > 1:
        return None, f"it is {before.types[name]} in the reference and {now.types[name]} now; write it alike"
    if known[0] == "time":
        return ("numeric", "") if named else (None, "times always move on; name it to compare it")
    if known[0] in ("numeric", "vector"):
        return ("embedding" if known[0] == "vector" else "categorical" if as_levels else "numeric"), ""
    is_text = known[0] == "string" and not as_levels and _is_text(name, before if kinds[0] == "string" else now)
    return ("text" if is_text else "categorical"), ""


def _is_text(name: str, rows: Rows) -> bool:
    return any(looks_like_text(chunk) for chunk in _first(rows.chunks(name)))


def _first(chunks: Iterable[pa.Array]) -> list[pa.Array]:
    for chunk in chunks:
        if len(chunk):
            return [chunk]
    return []


def _kind_of(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return "category" if _kind_of(kind.value_type) != "string" else "string"
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return "vector" if _kind_of(kind.value_type) == "numeric" else "nested"
    for name, tests in _KINDS.items():
        if any(test(kind) for test in tests):
            return name
    return "nested"


_KINDS: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "nothing": (pa.types.is_null,),
    "numeric": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    "time": (pa.types.is_temporal,),
    "string": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    "category": (pa.types.is_boolean,),
    "image": (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary),
}
