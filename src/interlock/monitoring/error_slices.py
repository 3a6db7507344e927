"""Slices in which errors concentrate, found on one half of a sample and proven on the other.

Called by `error_analysis`. What looks worst of thousands of parts looks bad by chance, so nothing is said of the rows
on which it was found: effect, interval and p-value come from rows that the search never saw, corrected for how many
parts are judged. The work is bounded by the sample, whatever the length of the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.row_condition import Condition
from interlock.monitoring.slice_bins import BinnedColumn, binned
from interlock.predictions.mistakes import AS_ERROR, AS_UNIT
from interlock.stats import slice_effect
from interlock.stats.slice_effect import SliceEffect
from interlock.stats.slice_search import Part, search

ALPHA = 0.05
"""Chance that anything is proposed where errors are everywhere alike."""

LEAST_ROWS = 30
"""Of a slice, in each half."""

FEWEST = 8 * LEAST_ROWS
"""Labelled rows without which nothing is looked for."""

MOST = 12
"""Parts that are judged. More would cost each of them evidence."""

ERROR, UNIT = AS_ERROR, AS_UNIT


@dataclass(frozen=True, slots=True)
class Slice:
    """A proposal: its rows have larger errors, and chance does not explain it.

    Args:
        conditions: What its rows have in common.
        effect: On the half that proves, with an interval that holds for all slices at once.
        p_adjusted: By Holm, over all parts that were judged.
        share: Of all errors of that half, 0 to 1.
        gain: By how much the mean error (of a classifier: the share of wrong answers) would fall if it were mended.
    """

    conditions: tuple[Condition, ...]
    effect: SliceEffect
    p_adjusted: float
    share: float
    gain: float


@dataclass(frozen=True, slots=True)
class Slices:
    """What was found.

    Args:
        found: The worst first.
        rows, judged_on: Of the sample, and of the half that proves.
        columns: How many could be sliced by.
        judged: Parts that were worth a judgement.
        reason: Why nothing was looked for; empty if it was.
    """

    found: tuple[Slice, ...]
    rows: int
    judged_on: int = 0
    columns: int = 0
    judged: int = 0
    reason: str = ""


def find(rows: pa.Table, *, rng: np.random.Generator) -> Slices:
    """Look for slices.

    Args:
        rows: `ERROR` (0 or 1, or a distance), `UNIT` (rows of one may depend on each other), and columns to slice by.
        rng: Halves the rows, all of a unit together.
    """
    if rows.num_rows < FEWEST:
        return Slices((), rows.num_rows, reason=f"{rows.num_rows} labelled rows, needs {FEWEST}")
    errors = rows[ERROR].to_numpy().astype(np.float64)
    units = np.unique(rows[UNIT].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    finds = (rng.permutation(units.max() + 1) % 2 == 0)[units]
    columns = _columns(rows, finds)
    codes = [each.codes[finds] for each in columns]
    parts = search(codes, errors[finds], least_rows=LEAST_ROWS, most=MOST)
    judged = _judge(parts, columns, errors, units, ~finds)
    return Slices(_proven(judged), rows.num_rows, int((~finds).sum()), len(columns), len(judged))


def _columns(rows: pa.Table, learnt_on: NDArray[np.bool_]) -> list[BinnedColumn]:
    found = (binned(name, rows[name], learnt_on) for name in rows.column_names if name not in (ERROR, UNIT))
    return [each for each in found if each is not None]


def _judge(
    parts: Sequence[Part],
    columns: Sequence[BinnedColumn],
    errors: NDArray[np.float64],
    units: NDArray[np.int64],
    proves: NDArray[np.bool_],
) -> list[Slice]:
    codes, errors, units = [each.codes[proves] for each in columns], errors[proves], units[proves]
    total, found = errors.sum(), list[Slice]()
    for part in parts:
        inside = part.rows(codes)
        if min(_units(units, inside), _units(units, ~inside)) < 2 or inside.sum() < LEAST_ROWS:
            continue
        effect = slice_effect.analyze(errors, inside, units, alpha=ALPHA / len(parts))
        conditions = tuple(chain.from_iterable(columns[column].conditions[code] for column, code in part.bins))
        share = float(errors[inside].sum() / total) if total else 0.0
        found.append(Slice(conditions, effect, effect.p_value, share, float(errors[inside].sum() / len(errors))))
    return found


def _units(units: NDArray[np.int64], rows: NDArray[np.bool_]) -> int:
    return len(np.unique(units[rows]))


def _proven(judged: Sequence[Slice]) -> tuple[Slice, ...]:
    """Those that pass, by Holm."""
    found, worst = list[Slice](), 0.0
    for rank, each in enumerate(sorted(judged, key=lambda one: one.effect.p_value)):
        worst = max(worst, min(1.0, each.effect.p_value * (len(judged) - rank)))
        if worst > ALPHA:
            break
        found.append(Slice(each.conditions, each.effect, worst, each.share, each.gain))
    # Holm's test sees a little more than the intervals, which hold for all at once: what is proposed passes both.
    return tuple(sorted((one for one in found if one.effect.lower > 0), key=lambda one: -one.gain))
