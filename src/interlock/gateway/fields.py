"""One field of the contract: from what a request gives to the values a model takes, or a sentence on what is wrong.

Called by `columns` for every column of every request, which is why the good case is a set of types and one comparison,
and only the bad case looks at values one by one. Values become an array once a batch, not once a request.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from math import isfinite, isnan, nan, prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Field
from interlock.gateway import datatypes
from interlock.gateway.faults import Faults, shown
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

_DTYPES: dict[str, Any] = {
    "FP32": np.float64,
    "FP64": np.float64,
    "INT32": np.int64,
    "INT64": np.int64,
    "BOOL": np.bool_,
    "BYTES": np.object_,
}

_RULES = {
    "FP32": "must be a number that fits FP32",
    "FP64": "must be a number",
    "INT32": "must be a whole number that fits INT32",
    "INT64": "must be a whole number that fits INT64",
    "BOOL": "must be true or false",
    "BYTES": "must be a text",
}


class FieldReader:
    """Reads one field.

    Args:
        field: What the contract says.
    """

    __slots__ = ("_accepted", "_convert", "_declared", "_dtype", "_is_scalar", "_limit", "_rule", "field")

    def __init__(self, field: Field) -> None:
        self.field = field
        self._accepted = datatypes.accepted(field)
        self._is_scalar = not field.shape
        self._limit = _FP32_MAX if field.datatype == "FP32" else _FP64_MAX
        self._dtype = _DTYPES[field.datatype]
        self._declared, self._rule = _declared(field), _RULES[field.datatype]
        converters: dict[str, Callable[[Tensor], Values | None]] = {
            "FP32": self._floats,
            "FP64": self._floats,
            "INT32": self._integers,
            "INT64": self._integers,
            "BOOL": self._booleans,
            "BYTES": self._texts,
        }
        self._convert = converters[field.datatype]

    def read(self, tensor: Tensor, faults: Faults) -> Values | None:
        """The values, or None and one or more faults."""
        if not self._is_acceptable(tensor, faults):
            return None
        values = self._convert(tensor)
        if values is None:
            self._explain(tensor.values, faults)
        elif self._declared is not None and not self._declared(values):
            self._explain(values, faults)
            return None
        if values is None or self._is_scalar:
            return values
        return np.asarray(values, dtype=self._dtype).reshape(tuple(tensor.shape))

    def missing(self, rows: int) -> NDArray[Any]:
        """Values of which every one is missing."""
        shape = (rows, *(max(size, 0) for size in self.field.shape))
        return np.full(shape, None if self.field.datatype == "BYTES" else nan, dtype=self._dtype)

    def join(self, given: Sequence[Values]) -> NDArray[Any]:
        """The column of a batch, from the values of its requests. Those of one shape only."""
        if len(given) == 1:
            return np.asarray(given[0], dtype=self._dtype)
        if all(type(values) is list for values in given):
            return np.array(list(chain.from_iterable(given)), dtype=self._dtype)
        return np.concatenate([np.asarray(values, dtype=self._dtype) for values in given])

    @property
    def may_be_absent(self) -> bool:
        """Whether missing values have a place in this field's arrays."""
        return self.field.nullable and self.field.datatype in ("FP32", "FP64", "BYTES")

    def _is_acceptable(self, tensor: Tensor, faults: Faults) -> bool:
        field, shape = self.field, tensor.shape
        if tensor.datatype is not None and tensor.datatype not in self._accepted:
            wanted = f"{field.datatype} or another number type" if field.is_numeric else field.datatype
            faults.add(f"{field.name}: datatype == {shown(tensor.datatype)}, must be {wanted}", "datatype", field.name)
            return False
        if len(shape) == 1 and self._is_scalar:
            return True
        if _fits(tuple(shape[1:]), field.shape) or (self._is_scalar and list(shape[1:]) == [1]):
            return True
        wanted = "[rows] or [rows, 1]" if self._is_scalar else str(["rows", *field.shape]).replace("'", "")
        faults.add(f"{field.name}: shape == {list(shape)}, must be {wanted}", "shape", field.name)
        return False

    def _floats(self, tensor: Tensor) -> Values | None:
        values = tensor.values
        if isinstance(values, np.ndarray):
            return self._finite(values.astype(np.float64))
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
        return self._finite(array)

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
        values = tensor.values.tolist() if isinstance(tensor.values, np.ndarray) else tensor.values
        kinds = set(map(type, values))
        if not kinds <= _INTS:
            if not kinds <= _NUMBERS or not all(float(value).is_integer() for value in values):
                return None
            values = [int(value) for value in values]
        low, high = _range(self.field)
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

    def _explain(self, values: Values, faults: Faults) -> None:
        """Name each value that breaks a rule, by trying it alone."""
        plain = values.tolist() if isinstance(values, np.ndarray) else list(values)
        width = max(1, len(plain) // max(1, self._rows(plain)))
        before = faults.count
        for at, value in enumerate(plain):
            if faults.is_full:
                return
            rule = self._broken_rule(value)
            if rule:
                where = f"[{at}]" if self._is_scalar else f"[{at // width}][{at % width}]"
                kind = "missing" if _is_missing(value) else "value" if rule == self._rule else "declared"
                faults.add(f"{self.field.name}{where} == {shown(value)}, {rule}", kind, self.field.name)
        if faults.count == before:  # together they break what none breaks alone: the claimed datatype
            faults.add(
                f"{self.field.name}: values do not have the datatype that the request claims", "value", self.field.name
            )

    def _rows(self, plain: list[Any]) -> int:
        width = abs(prod(self.field.shape)) if self.field.shape else 1
        return len(plain) // width if width else len(plain)

    def _broken_rule(self, value: Any) -> str | None:
        field = self.field
        if value is None:
            return None if self.may_be_absent else "must not be missing"
        values = self._convert(Tensor(field.name, (1,), [value]))
        if values is None:
            return self._rule
        if self._declared is not None and not self._declared(values):
            return _declared_rule(field)
        return None


def _is_missing(value: Any) -> bool:
    return value is None or (type(value) is float and isnan(value))


def _fits(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(given) == len(wanted) and all(want in (-1, have) for have, want in zip(given, wanted, strict=True))


def _range(field: Field) -> tuple[int, int]:
    bits = 31 if field.datatype == "INT32" else 63
    return -(1 << bits), (1 << bits) - 1


def _declared(field: Field) -> Callable[[Values], bool] | None:
    """A check of what a person declared; None if nothing was."""
    if not field.declared:
        return None
    if field.categories is not None:
        known = frozenset(field.categories)
        return lambda values: all(_is_missing(value) or str(value) in known for value in values)
    low = -_FP64_MAX if field.minimum is None else field.minimum
    high = _FP64_MAX if field.maximum is None else field.maximum
    if field.is_numeric:
        return lambda values: all(_is_missing(value) or low <= value <= high for value in values)
    return None


def _declared_rule(field: Field) -> str:
    if field.categories is not None:
        return f"must be one of {', '.join(field.categories[:20])}"
    low = "any" if field.minimum is None else f"{field.minimum:g}"
    high = "any" if field.maximum is None else f"{field.maximum:g}"
    return f"must be between {low} and {high}"
