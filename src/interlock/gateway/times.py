"""Dates and times of one column: from ISO 8601 text, or integers in the unit that the contract states.

Called by `columns` in the place of a `FieldReader`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain import times
from interlock.domain.contract import Field, Time
from interlock.gateway import datatypes
from interlock.gateway.faults import Faults, shown
from interlock.gateway.shapes import place_of, shape_fault
from interlock.gateway.tensors import Tensor

_NAT = np.iinfo(np.int64).min


class TimeReader:
    """Reads one field of dates or times.

    Args:
        field: With a `time`.
    """

    __slots__ = ("_accepted", "_bounds_us", "_time", "field")

    def __init__(self, field: Field) -> None:
        self.field, self._time = field, field.time or Time()
        self._accepted = {"BYTES"} | (datatypes.INTEGERS if self._time.unit is not None else set())
        low, high = (field.minimum, field.maximum) if field.declared else (None, None)
        self._bounds_us = (
            times.FIRST_US if low is None else round(low * 1e6),
            times.LAST_US if high is None else round(high * 1e6),
        )

    @property
    def may_be_absent(self) -> bool:
        """Whether the field may be missing."""
        return self.field.nullable

    def read(self, tensor: Tensor, faults: Faults) -> NDArray[Any] | None:
        """The values as microseconds, or None and one or more faults."""
        field = self.field
        if tensor.datatype is not None and tensor.datatype not in self._accepted:
            wanted = " or ".join(sorted({"BYTES", field.datatype}))
            faults.add(f"{field.name}: datatype == {shown(tensor.datatype)}, must be {wanted}", "datatype", field.name)
            return None
        if (fault := shape_fault(field, tensor.shape)) is not None:
            faults.add(fault, "shape", field.name)
            return None
        values = tensor.values.tolist() if isinstance(tensor.values, np.ndarray) else tensor.values
        found = np.empty(len(values), dtype=np.int64)
        before = faults.count
        for at, value in enumerate(values):
            microseconds = self._microseconds(value)
            if microseconds is None:
                kind, rule = self._broken_rule(value)
                where = place_of(at, tensor.shape)
                faults.add(f"{field.name}{where} == {shown(value)}, {rule}", kind, field.name)
                if faults.is_full:
                    break
            else:
                found[at] = microseconds
        if faults.count > before:
            return None
        shape = tensor.shape if field.shape else tensor.shape[:1]
        return found.view("datetime64[us]").reshape(tuple(shape))

    def missing(self, rows: int) -> NDArray[Any]:
        """Values of which every one is missing."""
        shape = (rows, *(max(size, 0) for size in self.field.shape))
        return np.full(shape, np.datetime64("NaT"), dtype="datetime64[us]")

    def join(self, given: Sequence[Any]) -> NDArray[Any]:
        """The column of a batch, from the values of its requests. Those of one shape only."""
        joined: NDArray[Any] = given[0] if len(given) == 1 else np.concatenate(given)
        return joined

    def _microseconds(self, value: Any) -> int | None:
        """The value that is kept for what a caller sent; None if it breaks a rule."""
        kind = type(value)
        if kind is str:
            found = times.parse(value, self._time)
        elif kind is int or (
            kind is float and value.is_integer()
        ):  # pandas writes integers as floats beside a missing one
            found = times.from_integer(int(value), self._time)
        elif self.field.nullable and (value is None or value != value):  # noqa: PLR0124 (NaN is how pandas says missing)
            return _NAT
        else:
            return None
        low, high = self._bounds_us
        is_good = found is not None and low <= found <= high and times.is_in_range(found, self._time)
        return found if is_good else None

    def _broken_rule(self, value: Any) -> tuple[str, str]:
        """Which kind of rule a value breaks, as `BrokenRule` names it, and the rule."""
        if value is None:
            return "missing", "must not be missing"
        field = self.field
        found = times.parse(value, self._time) if isinstance(value, str) else None
        if found is None or not times.is_in_range(found, self._time):
            return "value", times.rule_of(self._time)
        low = "any" if field.minimum is None else times.at_seconds(field.minimum, self._time)
        high = "any" if field.maximum is None else times.at_seconds(field.maximum, self._time)
        return "declared", f"must be between {low} and {high}"
