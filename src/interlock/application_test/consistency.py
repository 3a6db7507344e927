"""The same row, the same answer: asked again, inside a batch, and with its columns in another order."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from interlock.application_test.asking import AskedRows
from interlock.application_test.caller import Caller, Reply
from interlock.domain.application_tests import Consistency
from interlock.registry.learnt_fields import evenly

_MOST_ROWS = 200

# As for twins (`registry.parity`): numerics of a batch may differ in the last digits, answers may not.
_TOLERANCE = 1e-5


def consistency_of(caller: Caller, asked: AskedRows, *, batch_rows: int, seconds: float) -> Consistency:
    """Ask for rows that were answered, each four times; stop after `seconds`.

    Args:
        batch_rows: Of the batches that are compared with single rows.
    """
    index = asked.index
    sample = [index[at] for at in evenly(len(index), _MOST_ROWS)] if index else []
    ends = time.monotonic() + seconds
    found = Consistency()
    for start in range(0, len(sample), max(2, batch_rows)):
        if time.monotonic() > ends:
            break
        found = _added(found, _compared(caller, asked, sample[start : start + max(2, batch_rows)]))
    return found


def _compared(caller: Caller, asked: AskedRows, part: Sequence[int]) -> Consistency:
    singles = [caller.ask(asked.rows.take([at])) for at in part]
    again = [caller.ask(asked.rows.take([at])) for at in part]
    backwards = [_backwards(caller, asked, at) for at in part]
    batch = caller.ask(asked.rows.take(part))
    return Consistency(
        rows=len(part),
        repeated=_count(part, lambda place: differ(singles[place], 0, again[place], 0)),
        batched=_count(part, lambda place: differ(singles[place], 0, batch, place)),
        permuted=_count(part, lambda place: differ(singles[place], 0, backwards[place], 0)),
    )


def _backwards(caller: Caller, asked: AskedRows, at: int) -> Reply:
    row = asked.rows.take([at])
    return caller.ask({name: row[name] for name in reversed(row)})


def _count(part: Sequence[int], differs: Callable[[int], bool]) -> int:
    return sum(differs(place) for place in range(len(part)))


def differ(one: Reply, at: int, other: Reply, place: int) -> bool:
    """Whether a row of one reply has another answer than a row of another."""
    if one.handling != "answered" or other.handling != "answered":
        return True
    return any(not _same(values[at], _value(other.outputs, name, place)) for name, values in one.outputs.items())


def _value(outputs: Mapping[str, list[Any]], name: str, place: int) -> Any:
    return outputs[name][place] if name in outputs else None


def _same(one: Any, other: Any) -> bool:
    try:
        left, right = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    except (TypeError, ValueError):
        return bool(one == other)
    return left.shape == right.shape and bool(np.allclose(left, right, rtol=_TOLERANCE, atol=_TOLERANCE))


def _added(one: Consistency, other: Consistency) -> Consistency:
    return Consistency(
        rows=one.rows + other.rows,
        repeated=one.repeated + other.repeated,
        batched=one.batched + other.batched,
        permuted=one.permuted + other.permuted,
    )
