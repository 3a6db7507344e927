"""One field of the contract: from what a request gives to the values a model takes, or a sentence on what is wrong.

Called by `columns` for every column of every request, which is why the good case is a set of types and one comparison,
and only the bad case looks at values one by one. Values become an array once a batch, not once a request.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from math import isfinite, nan
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import INTEGER_RANGES, Field
from interlock.domain.ports import default_column, element_type, missing_value
from interlock.gateway import datatypes
from interlock.gateway.faults import Faults, shown
from interlock.gateway.shapes import place_of, shape_fault
from interlock.gateway.tensors import Tensor

Values: TypeAlias = list[Any] | NDArray[Any]
"""A request's values of one field: a list from JSON, an array from binary data and for every field that has a shape.
Missing is NaN, or None for text.
"""

_FP32_MAX = float(np.finfo(np.float32).max)
_FP64_MAX = float(np.finfo(np.float64).max)
_NUMBERS = frozenset({float, int})
_ONLY_FLOATS = frozenset({float})
_INTS = frozenset({int})
_BOOLS = frozenset({bool})
_TEXTS = frozenset({str})

_RULES = {
    "FP32": "must be a number that fits FP32",
    "FP64": "must be a number",
    "BOOL": "must be true or false",
    "BYTES": "must be a text",
    **{datatype: f"must be a whole number that fits {datatype}" for datatype in INTEGER_RANGES},
}
_INEXACT = "must be a number that a double holds exactly; whole numbers beyond 2 ** 53 mostly are none"
_EXACT = 2**53


def is_exact(values: Values) -> bool:
    """Whether doubles hold all whole numbers among the values exactly: beyond 2 ** 53 they hold only some."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "iu" or values.size == 0 or -_EXACT <= values.min() <= values.max() <= _EXACT:
            return True
        values = values.ravel().tolist()
    return all(type(value) is not int or -_EXACT <= value <= _EXACT or int(float(value)) == value for value in values)


class FieldReader:
    """Reads one field.

    Args:
        field: What the contract says.
    """

    __slots__ = ("_accepted", "_convert", "_declared", "_declared_rule", "_dtype", "_is_scalar", "_limit", "field")

    def __init__(self, field: Field) -> None:
        self.field = field
        self._accepted = datatypes.accepted(field)
        self._is_scalar = not field.shape
        self._limit = _FP32_MAX if field.datatype == "FP32" else _FP64_MAX
        self._dtype = element_type(field)
        self._declared, self._declared_rule = _declared(field), _declared_rule(field)
        self._convert = self._converter()

    def _converter(self) -> Callable[[Tensor], Values | None]:
        if self.field.is_float:
            return self._floats
        if self.field.is_integer:
            return self._integers
        return self._booleans if self.field.datatype == "BOOL" else self._texts

    def read(self, tensor: Tensor, faults: Faults) -> Values | None:
        """The values, or None and one or more faults."""
        if not self._is_acceptable(tensor, faults):
            return None
        values = self._convert(tensor)
        if values is None:
            self._explain(tensor.values, tensor.shape, faults)
        elif self._declared is not None and not self._declared(values):
            self._explain(values, tensor.shape, faults)
            return None
        if values is None or self._is_scalar:
            return values
        return np.asarray(values, dtype=self._dtype).reshape(tuple(tensor.shape))

    def missing(self, rows: int) -> NDArray[Any]:
        """Values of which every one is missing; of a parameter, its default."""
        if self.field.is_parameter:
            return default_column(self.field, rows)
        shape = (rows, *(max(size, 0) for size in self.field.shape))
        return np.full(shape, missing_value(self.field), dtype=self._dtype)

    def join(self, given: Sequence[Values]) -> NDArray[Any]:
        """The column of a batch, from the values of its requests. Those of one shape only."""
        if len(given) == 1:
            return np.asarray(given[0], dtype=self._dtype)
        if all(type(values) is list for values in given):
            return np.array(list(chain.from_iterable(given)), dtype=self._dtype)
        return np.concatenate([np.asarray(values, dtype=self._dtype) for values in given])

    @property
    def may_be_absent(self) -> bool:
        """Whether missing values have a place in this field's arrays, or there is a default."""
        return self.field.is_parameter or self._may_be_null

    @property
    def _may_be_null(self) -> bool:
        return self.field.nullable and (self.field.is_float or self.field.is_text)

    def _is_acceptable(self, tensor: Tensor, faults: Faults) -> bool:
        field, shape = self.field, tensor.shape
        if tensor.datatype is not None and tensor.datatype not in self._accepted:
            wanted = f"{field.datatype} or another number type" if field.is_numeric else field.datatype
            faults.add(f"{field.name}: datatype == {shown(tensor.datatype)}, must be {wanted}", "datatype", field.name)
            return False
        if len(shape) == 1 and self._is_scalar:
            return True
        fault = shape_fault(field, shape)
        if fault is not None:
            faults.add(fault, "shape", field.name)
        return fault is None

    def _floats(self, tensor: Tensor) -> Values | None:
        values = tensor.values
        if isinstance(values, np.ndarray):
            return self._finite(values.astype(np.float64)) if is_exact(values) else None
        kinds = set(map(type, values))
        if kinds == _ONLY_FLOATS and tensor.datatype not in datatypes.INTEGERS and self._are_small(values):
            return values  # by far the most frequent case
        if type(None) in kinds and self.field.nullable:
            kinds.discard(type(None))
            values = [nan if value is None else value for value in values]
        if not kinds <= (_INTS if tensor.datatype in datatypes.INTEGERS else _NUMBERS) and not self._only_whole(
            kinds, values
        ):
            return None
        try:
            array = np.array(values, dtype=np.float64)
        except OverflowError:  # an integer beyond every float
            return None
        return self._finite(array) if int not in kinds or is_exact(values) else None

    def _are_small(self, values: list[float]) -> bool:
        # A sum is finite only if every part of it is.
        return isfinite(sum(values)) and (self._limit is _FP64_MAX or max(map(abs, values), default=0.0) <= self._limit)

    def _only_whole(self, kinds: set[type], values: list[Any]) -> bool:
        return kinds <= _NUMBERS and all(_is_missing(value) or float(value).is_integer() for value in values)

    def _finite(self, array: NDArray[np.float64]) -> NDArray[np.float64] | None:
        # One comparison finds NaN, infinities and what does not fit.
        if np.abs(array).max(initial=0.0) <= self._limit:
            return array
        return None if not self.field.nullable or (np.abs(array) > self._limit).any() else array

    def _integers(self, tensor: Tensor) -> Values | None:
        low, high = INTEGER_RANGES[self.field.datatype]
        if isinstance(tensor.values, np.ndarray) and tensor.values.dtype.kind in "iu":
            array = tensor.values
            fits = array.size == 0 or (low <= int(array.min()) and int(array.max()) <= high)
            return array.astype(self._dtype) if fits else None
        values = tensor.values.tolist() if isinstance(tensor.values, np.ndarray) else tensor.values
        kinds = set(map(type, values))
        if not kinds <= _INTS:
            if not kinds <= _NUMBERS or not all(float(value).is_integer() for value in values):
                return None
            values = [int(value) for value in values]
        return values if all(low <= value <= high for value in values) else None

    def _booleans(self, tensor: Tensor) -> Values | None:
        values = tensor.values
        if isinstance(values, np.ndarray):
            return values.astype(np.bool_)
        return values if set(map(type, values)) <= _BOOLS else None

    def _texts(self, tensor: Tensor) -> Values | None:
        values = list(tensor.values)
        kinds = set(map(type, values))
        if self.field.nullable and not kinds <= _TEXTS:
            values = [None if _is_missing(value) else value for value in values]  # NaN is how pandas says missing
            kinds = set(map(type, values)) - {type(None)}
        return values if kinds <= _TEXTS else None

    def _explain(self, values: Values, shape: Sequence[int], faults: Faults) -> None:
        """Name each value that breaks a rule, by trying it alone."""
        plain = values.ravel().tolist() if isinstance(values, np.ndarray) else list(values)
        before = faults.count
        for at, value in enumerate(plain):
            if faults.is_full:
                return
            rule = self._broken_rule(value)
            if rule:
                kind = "missing" if _is_missing(value) else "declared" if rule == self._declared_rule else "value"
                faults.add(f"{self.field.name}{place_of(at, shape)} == {shown(value)}, {rule}", kind, self.field.name)
        if faults.count == before:  # together they break what none breaks alone: the claimed datatype
            faults.add(
                f"{self.field.name}: values do not have the datatype that the request claims", "value", self.field.name
            )

    def _broken_rule(self, value: Any) -> str | None:
        field = self.field
        if value is None:
            return None if self._may_be_null else "must not be missing"
        values = self._convert(Tensor(field.name, (1,), [value]))
        if values is None:
            return _INEXACT if type(value) is int and field.datatype == "FP64" else _RULES[field.datatype]
        if self._declared is not None and not self._declared(values):
            return self._declared_rule
        return None


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 (NaN, also numpy's)


def _declared(field: Field) -> Callable[[Values], bool] | None:
    """A check of what a person declared; None if nothing was."""
    if not field.declared:
        return None
    if field.categories is not None:
        known = frozenset(field.categories)
        return lambda values: all(_is_missing(value) or str(value) in known for value in values)
    low = -_FP64_MAX if field.minimum is None else field.minimum
    high = _FP64_MAX if field.maximum is None else field.maximum
    return partial(_is_within, low=low, high=high) if field.is_numeric else None


def _is_within(values: Values, low: float, high: float) -> bool:
    if isinstance(values, np.ndarray):
        return not ((values < low) | (values > high)).any()
    return all(_is_missing(value) or low <= value <= high for value in values)


def _declared_rule(field: Field) -> str:
    if field.categories is not None:
        return f"must be one of {', '.join(field.categories[:20])}"
    low = "any" if field.minimum is None else f"{field.minimum:g}"
    high = "any" if field.maximum is None else f"{field.maximum:g}"
    return f"must be between {low} and {high}"
