"""Odd inputs, one field at a time: missing, absent, extreme, never seen, of the wrong type; and malformed requests.

Each is a good row with one thing changed. An answer inside the contract is good, and so is a refusal that says why;
what is not good is a model that breaks on something its contract lets through.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.application_test.caller import Caller, Reply
from interlock.application_test.held_out import HeldOut
from interlock.domain.application_tests import RobustnessCase
from interlock.domain.contract import INTEGER_RANGES, Field
from interlock.registry.learnt_fields import evenly

_MOST_FIELDS = 200

# Far beyond anything seen, and yet a number that a sensor or a slip of the pen can give.
_TIMES_THE_RANGE = 1000.0
_FP32_MAX = 3.4e38
_LONG_TEXT = "x" * 10_000


@dataclass(frozen=True, slots=True)
class _Odd:
    """A request with something odd in it."""

    field: str
    given: str
    tensors: list[dict[str, Any]]


def robustness_of(caller: Caller, rows: HeldOut, good_row: int, *, seconds: float) -> tuple[RobustnessCase, ...]:
    """Try every odd input once; stop after `seconds`.

    Args:
        good_row: A row that was answered.
    """
    found: list[RobustnessCase] = []
    ends = time.monotonic() + seconds
    caller.stand.last_error()
    for odd in _odd(caller, rows, good_row):
        if time.monotonic() > ends:
            break
        found.append(_case(odd, caller.send(odd.tensors), caller))
    return tuple(found)


def _case(odd: _Odd, reply: Reply, caller: Caller) -> RobustnessCase:
    said = reply.said
    if reply.handling == "failed" and (why := caller.stand.last_error()):
        said = f"{said}: {why}"
    return RobustnessCase(field=odd.field, given=odd.given, outcome=reply.handling, said=said[:300])


def _odd(caller: Caller, rows: HeldOut, good_row: int) -> Iterator[_Odd]:
    row = rows.take([good_row])
    inputs = [one for one in caller.contract.inputs if one.name in row]
    for at in evenly(len(inputs), _MOST_FIELDS):
        field = inputs[at]
        absent = {name: values for name, values in row.items() if name != field.name}
        if absent:
            yield _Odd(field.name, "absent", caller.encode(absent))
        if field.is_parameter:
            continue
        yield _Odd(field.name, "missing", _with(caller, row, field, None))
        for given, value in _values(field, rows.columns[field.name]):
            yield _Odd(field.name, given, _with(caller, row, field, value))
    yield _Odd("", "unknown column", [*caller.encode(row), _tensor("no such column", "FP64", 1.0)])
    yield _Odd("", "a column twice", [*caller.encode(row), caller.encode(row)[0]])
    yield _Odd(
        "", "no rows", [{**tensor, "shape": [0, *tensor["shape"][1:]], "data": []} for tensor in caller.encode(row)]
    )


def _with(caller: Caller, row: Mapping[str, list[Any]], field: Field, value: Any) -> list[dict[str, Any]]:
    """The row's tensors, that of one field with another value, whatever its datatype says."""
    tensors = caller.encode(row)
    return [{**tensor, "data": [value]} if tensor["name"] == field.name else tensor for tensor in tensors]


def _tensor(name: str, datatype: str, value: Any) -> dict[str, Any]:
    return {"name": name, "shape": [1], "datatype": datatype, "data": [value]}


def _values(field: Field, seen: list[Any]) -> Iterator[tuple[str, Any]]:
    if field.image is not None or field.shape:
        yield "wrong type", "no image" if field.image is not None else "a text"
    elif field.time is not None:
        zone = "Z" if field.time.zone is not None else ""
        for given, year in (("extreme low", "0001"), ("extreme high", "9999")):
            yield given, f"{year}-01-01" if field.time.is_date else f"{year}-01-01T00:00:00{zone}"
        yield "wrong type", True
    elif field.is_text:
        yield from (("unseen", "never seen before"), ("empty", ""), ("extreme", _LONG_TEXT), ("wrong type", 12345))
    elif field.datatype == "BOOL":
        yield "wrong type", "a text"
    else:
        low, high = _extremes(field, seen)
        yield from (("extreme low", low), ("extreme high", high), ("wrong type", "a text"))


def _extremes(field: Field, seen: list[Any]) -> tuple[float, float]:
    """A thousand times the range that was seen, to both sides; what the datatype holds, where that is less."""
    numbers = [float(value) for value in seen if isinstance(value, int | float)]
    numbers += [bound for bound in (field.minimum, field.maximum) if bound is not None]
    least, most = min(numbers, default=0.0), max(numbers, default=1.0)
    reach = _TIMES_THE_RANGE * max(most - least, abs(most), 1.0)
    if field.is_integer:
        low, high = INTEGER_RANGES[field.datatype]
        return max(low, int(least - reach)), min(high, int(most + reach))
    return max(-_FP32_MAX, least - reach), min(_FP32_MAX, most + reach)
