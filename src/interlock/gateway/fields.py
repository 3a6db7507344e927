"""One field of the contract: from what a request gives to the array a model takes, or a sentence on what is wrong.

Called by `columns` for every column of every request, which is why the good case is a set of types and one comparison,
and only the bad case looks at values one by one.
"""

from collections.abc import Callable, Sequence
from math import isnan, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Field
from interlock.gateway import datatypes
from interlock.gateway.faults import Faults, shown
from interlock.gateway.tensors import Tensor

_FP32_MAX = float(np.finfo(np.float32).max)
_FP64_MAX = float(np.finfo(np.float64).max)
_FLOATS = frozenset({None, *datatypes.FLOATS})
_NUMBERS = frozenset({float, int})
_INTS = frozenset({int})
_BOOLS = frozenset({bool})
_TEXTS = frozenset({str})

_RULES = {
    "FP32": "must be a number that fits FP32",
    "FP64": "must be a number",
    "INT32": "must be a whole number that fits INT32",
    "INT64": "must be a whole number that fits INT64",
    "BOOL": "must be true or false",
    "BYTES": "must be a text",
}


class Column(NamedTuple):
    """A column twice: as models take it, and as plain values for the record (None is missing)."""

    array: NDArray[Any]
    plain: list[Any]


class FieldReader:
    """Reads one field.

    Args:
        field: What the contract says.
    """

    __slots__ = ("_accepted", "_convert", "_declared", "_is_scalar", "_limit", "field")

    def __init__(self, field: Field) -> None:
        self.field = field
        self._accepted = datatypes.accepted(field)
        self._is_scalar = not field.shape
        self._limit = _FP32_MAX if field.datatype == "FP32" else _FP64_MAX
        self._declared = _declared(field)
        converters: dict[str, Callable[[Tensor], Column | None]] = {
            "FP32": self._floats,
            "FP64": self._floats,
            "INT32": self._integers,
            "INT64": self._integers,
            "BOOL": self._booleans,
            "BYTES": self._texts,
        }
        self._convert = converters[field.datatype]

    def read(self, tensor: Tensor, faults: Faults) -> Column | None:
        """The column, or None and one or more faults."""
        if not self._is_acceptable(tensor, faults):
            return None
        column = self._convert(tensor)
        if column is None:
            self._explain(tensor.values, faults)
            return None
        if self._declared is not None and not self._declared(column):
            self._explain(column.plain, faults)
            return None
        if self._is_scalar:
            return column
        return self._shaped(column, tensor.shape)

    def missing(self, rows: int) -> Column:
        """A column of which every value is missing."""
        shape = (rows, *(max(size, 0) for size in self.field.shape))
        if self.field.datatype == "BYTES":
            return Column(np.full(shape, None, dtype=object), [None] * rows)
        return Column(np.full(shape, np.nan), [None] * rows)

    @property
    def may_be_absent(self) -> bool:
        """Whether missing values have a place in this field's arrays."""
        return self.field.nullable and self.field.datatype in ("FP32", "FP64", "BYTES")

    def _is_acceptable(self, tensor: Tensor, faults: Faults) -> bool:
        name, field = self.field.name, self.field
        if tensor.datatype is not None and tensor.datatype not in self._accepted:
            wanted = f"{field.datatype} or another number type" if field.is_numeric else field.datatype
            faults.add(f"{name}: datatype == {shown(tensor.datatype)}, must be {wanted}")
            return False
        shape = tensor.shape
        if len(shape) == 1 and self._is_scalar:
            return True
        if _fits(tuple(shape[1:]), field.shape) or (self._is_scalar and list(shape[1:]) == [1]):
            return True
        wanted = "[rows] or [rows, 1]" if self._is_scalar else str(["rows", *field.shape]).replace("'", "")
        faults.add(f"{name}: shape == {list(shape)}, must be {wanted}")
        return False

    def _shaped(self, column: Column, shape: Sequence[int]) -> Column:
        array = column.array.reshape(tuple(shape))
        plain = array.tolist()
        return Column(array, plain)

    def _floats(self, tensor: Tensor) -> Column | None:
        values = tensor.values
        if isinstance(values, np.ndarray):
            return self._finite(values.astype(np.float64), None)
        if (
            len(values) == 1
            and type(values[0]) is float
            and abs(values[0]) <= self._limit
            and tensor.datatype in _FLOATS
        ):
            return Column(np.array(values), values)  # by far the most frequent case
        kinds = set(map(type, values))
        if type(None) in kinds and self.field.nullable:
            kinds.discard(type(None))
            values = [np.nan if value is None else value for value in values]
        if not kinds <= (_INTS if tensor.datatype in datatypes.INTEGERS else _NUMBERS) and not self._only_whole(
            kinds, values
        ):
            return None
        try:
            array = np.array(values, dtype=np.float64)
        except OverflowError:  # an integer beyond every float
            return None
        return self._finite(array, values if int not in kinds else None)

    def _only_whole(self, kinds: set[type], values: list[Any]) -> bool:
        return kinds <= _NUMBERS and all(_is_missing(value) or float(value).is_integer() for value in values)

    def _finite(self, array: NDArray[np.float64], values: list[Any] | None) -> Column | None:
        # One comparison finds NaN, infinities and what does not fit.
        if (abs(array[0]) if len(array) == 1 else np.abs(array).max(initial=0.0)) <= self._limit:
            return Column(array, array.tolist() if values is None else values)
        if not self.field.nullable or (np.abs(array) > self._limit).any():
            return None
        return Column(array, [None if isnan(value) else value for value in array.tolist()])

    def _integers(self, tensor: Tensor) -> Column | None:
        values = tensor.values
        if isinstance(values, np.ndarray):
            return self._whole(values)
        kinds = set(map(type, values))
        if kinds <= _INTS:
            plain = values
        elif kinds <= _NUMBERS and all(float(value).is_integer() for value in values):
            plain = [int(value) for value in values]
        else:
            return None
        low, high = _range(self.field)
        if not all(low <= value <= high for value in plain):
            return None
        return Column(np.array(plain, dtype=np.int64), plain)

    def _whole(self, values: NDArray[Any]) -> Column | None:
        low, high = _range(self.field)
        plain = values.tolist()
        for value in plain:
            if not low <= value <= high or (type(value) is float and not value.is_integer()):
                return None
        array = np.array([int(value) for value in plain], dtype=np.int64)
        return Column(array, array.tolist())

    def _booleans(self, tensor: Tensor) -> Column | None:
        values = tensor.values
        if isinstance(values, np.ndarray):
            return Column(values.astype(np.bool_), values.tolist())
        return Column(np.array(values, dtype=np.bool_), values) if set(map(type, values)) <= _BOOLS else None

    def _texts(self, tensor: Tensor) -> Column | None:
        values = list(tensor.values)
        kinds = set(map(type, values))
        if self.field.nullable and not kinds <= _TEXTS:
            values = [None if _is_missing(value) else value for value in values]  # NaN is how pandas says missing
            kinds = set(map(type, values)) - {type(None)}
        return Column(np.array(values, dtype=object), values) if kinds <= _TEXTS else None

    def _explain(self, values: Sequence[Any] | NDArray[Any], faults: Faults) -> None:
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
                faults.add(f"{self.field.name}{where} == {shown(value)}, {rule}")
        if faults.count == before:  # together they break what none breaks alone: the claimed datatype
            faults.add(f"{self.field.name}: values do not have the datatype that the request claims")

    def _rows(self, plain: list[Any]) -> int:
        width = abs(prod(self.field.shape)) if self.field.shape else 1
        return len(plain) // width if width else len(plain)

    def _broken_rule(self, value: Any) -> str | None:
        field = self.field
        if value is None:
            return None if self.may_be_absent else "must not be missing"
        column = self._convert(Tensor(field.name, (1,), [value]))
        if column is None:
            return _RULES[field.datatype]
        if self._declared is not None and not self._declared(column):
            return _declared_rule(field)
        return None


def _is_missing(value: Any) -> bool:
    return value is None or (type(value) is float and isnan(value))


def _fits(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(given) == len(wanted) and all(want in (-1, have) for have, want in zip(given, wanted, strict=True))


def _range(field: Field) -> tuple[int, int]:
    bits = 31 if field.datatype == "INT32" else 63
    return -(1 << bits), (1 << bits) - 1


def _declared(field: Field) -> Callable[[Column], bool] | None:
    """A check of what a person declared; None if nothing was."""
    if not field.declared:
        return None
    if field.categories is not None:
        known = frozenset(field.categories)
        return lambda column: all(value is None or str(value) in known for value in column.plain)
    low = -_FP64_MAX if field.minimum is None else field.minimum
    high = _FP64_MAX if field.maximum is None else field.maximum
    if field.is_numeric:
        return lambda column: all(value is None or low <= value <= high for value in column.plain)
    return None


def _declared_rule(field: Field) -> str:
    if field.categories is not None:
        return f"must be one of {', '.join(field.categories[:20])}"
    low = "any" if field.minimum is None else f"{field.minimum:g}"
    high = "any" if field.maximum is None else f"{field.maximum:g}"
    return f"must be between {low} and {high}"
