"""The contract as a gate: tensors in, columns out, or every fault at once.

Called once a request. Compiled once for each loaded version, so that a request costs a dictionary lookup and one
conversion per column.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.block import Block
from interlock.domain.contract import Contract, Field
from interlock.domain.ports import Columns
from interlock.gateway import datatypes
from interlock.gateway.faults import Faults, shown
from interlock.gateway.fields import FieldReader, Values, is_exact
from interlock.gateway.images import Given, ImageReader, Undecoded
from interlock.gateway.tensors import Tensor
from interlock.gateway.times import TimeReader

MAX_ROWS = 10_000
"""Rows in one request: what takes longer belongs in batch scoring."""

MOST_REPEATED = 1_000_000
"""Numbers or characters of a parameter, times the rows that it is given for."""

_ONLY_FLOATS = {float}
_FLOATS_OR_MISSING = {float, type(None)}


@dataclass(slots=True, weakref_slot=True)
class Rows:
    """Valid input of one request: a whole matrix, row by row, where it came as one; else values by column.

    Args:
        count: Rows.
        matrix: Numbers, flat.
        columns: Empty if there is a matrix.
        shapes: Of columns whose shape may vary: only rows of equal shapes can be answered together.
        undecoded: Images that wait to be decoded (`images.ImageDecoding`), by column.
        images: The images as they were sent, once they are decoded.
    """

    count: int
    matrix: Values | None = None
    columns: dict[str, Values] = field(default_factory=dict)
    shapes: tuple[tuple[int, ...], ...] = ()
    undecoded: dict[str, Undecoded] | None = None
    images: dict[str, list[Given]] | None = None


class ColumnReader:
    """Reads the inputs of one contract.

    Attributes:
        parameters: Names of those that belong to the call and not to the data.
    """

    def __init__(self, contract: Contract) -> None:
        self._readers = {field.name: _reader(field) for field in contract.inputs}
        self._images = {name: reader for name, reader in self._readers.items() if isinstance(reader, ImageReader)}
        self._names = tuple(self._readers)
        self.parameters = tuple(field.name for field in contract.inputs if field.is_parameter)
        fields = [field for field in contract.inputs if not field.is_parameter]
        self._data_names = tuple(field.name for field in fields)
        self._takes_matrix = bool(fields) and all(field.is_numeric and not field.shape for field in fields)
        # Then a whole matrix is checked by one comparison.
        self._is_plain_matrix = (
            self._takes_matrix
            and not self.parameters
            and all(field.datatype == "FP64" and not field.declared for field in fields)
        )
        self._may_lack_all = all(reader.may_be_absent for reader in self._readers.values())
        self._varying = tuple(field.name for field in contract.inputs if -1 in field.shape)

    def field(self, name: str) -> Field | None:
        """The input `name` of the contract."""
        reader = self._readers.get(name)
        return None if reader is None else reader.field

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    @property
    def single_vector(self) -> str | None:
        """The input's name if the contract has one input only, and that is a vector or tensor."""
        return self._data_names[0] if len(self._data_names) == 1 and not self._takes_matrix else None

    def takes_images(self, name: str) -> bool:
        """Whether the input `name` is one of images, whose bytes are no text."""
        return name in self._images

    def missing(self, name: str, rows: int) -> NDArray[Any]:
        """A column of the input `name` in which every value is missing."""
        return self._readers[name].missing(rows)

    def join(self, given: Sequence[Rows]) -> Columns:
        """Rows of several requests as one batch of columns, in order. Those of equal shapes only."""
        matrices = [rows.matrix for rows in given if rows.matrix is not None]
        if len(matrices) == len(given):
            return self._join_matrices(matrices)
        split = [self._by_column(rows) for rows in given]
        return {name: reader.join([columns[name] for columns in split]) for name, reader in self._readers.items()}

    def _join_matrices(self, given: Sequence[Values]) -> Block:
        if len(given) == 1:
            flat = np.array(given[0], dtype=np.float64)
        elif all(type(values) is list for values in given):
            flat = np.array(list(chain.from_iterable(given)), dtype=np.float64)
        else:
            flat = np.concatenate([np.asarray(values, dtype=np.float64) for values in given])
        return Block(self._names, flat.reshape(-1, len(self._names)))

    def _by_column(self, rows: Rows) -> dict[str, Values]:
        if rows.matrix is None:
            return rows.columns
        block = self._join_matrices([rows.matrix])
        return {name: block[name] for name in self._names}

    def read(self, tensors: Sequence[Tensor], faults: Faults, for_all: Sequence[Tensor] = ()) -> Rows:
        """Check and convert.

        Args:
            faults: What was found wrong before; grows.
            for_all: Parameters of one row that are given for every row.

        Raises:
            InvalidInputError: Anything is wrong.
        """
        if not tensors:
            faults.add(f"no inputs, must have {_listed(self._names)}", "missing")
            faults.raise_now()
        rows = self._count(tensors, faults)
        data = [one for one in tensors if one.name not in self.parameters] if self.parameters else tensors
        if self._is_matrix(data):
            return self._matrix(data[0], [one for one in tensors if one is not data[0]], for_all, rows, faults)
        columns: dict[str, Any] = {}
        seen: set[str] = set()
        for tensor in tensors:
            self._add(tensor, columns, seen, faults)
        for tensor in for_all:
            self._add(tensor, columns, seen, faults)
            if tensor.name in columns:
                columns[tensor.name] = _repeated(tensor.name, columns[tensor.name], rows, faults)
        if len(seen) < len(self._names) or faults:
            self._complete(seen, rows, columns, faults)
        if self._images:
            undecoded = {name: columns.pop(name) for name in self._images}
            return Rows(rows, columns=columns, undecoded=undecoded)
        return Rows(rows, columns=columns, shapes=self._shapes(columns))

    def _add(self, tensor: Tensor, columns: dict[str, Any], seen: set[str], faults: Faults) -> None:
        name = tensor.name
        reader = self._readers.get(name)
        if reader is None:
            faults.add(f"input {shown(name)} is not known; the inputs are {_listed(self._names)}", "unknown")
        elif name in seen:
            faults.add(f"input {shown(name)} is given twice", "twice", name)
        elif (values := reader.read(tensor, faults)) is not None:
            columns[name] = values
        seen.add(name)

    def decode(self, rows: Rows) -> None:
        """Decode the images of rows, in place. Takes milliseconds: `images.ImageDecoding` calls it where that is well.

        Raises:
            InvalidInputError: An image is damaged, or has the wrong size.
        """
        faults, undecoded, sent = Faults(), rows.undecoded or {}, {}
        for name, given in undecoded.items():
            pixels = self._images[name].decode(given.images, faults)
            if pixels is not None:
                rows.columns[name], sent[name] = pixels, given.images
        faults.raise_if_any()
        rows.undecoded, rows.images, rows.shapes = None, sent, self._shapes(rows.columns)

    def _shapes(self, columns: dict[str, Values]) -> tuple[tuple[int, ...], ...]:
        return tuple(np.shape(columns[name])[1:] for name in self._varying)

    def _count(self, tensors: Sequence[Tensor], faults: Faults) -> int:
        rows = tensors[0].shape[0]
        for tensor in tensors:
            if tensor.shape[0] != rows:
                first = tensors[0].name
                many = f"has {tensor.shape[0]} rows, and {shown(first)} has {rows}"
                faults.add(f"input {shown(tensor.name)} {many}", "rows")
        if rows == 0:
            faults.add(f"{tensors[0].name}: 0 rows, must be at least 1", "rows")
        elif rows > MAX_ROWS:
            faults.add(f"{rows} rows, must be at most {MAX_ROWS} in one request", "rows")
        if rows == 0 or rows > MAX_ROWS:
            faults.raise_now()
        return rows

    def _is_matrix(self, tensors: Sequence[Tensor]) -> bool:
        if not self._takes_matrix or len(tensors) != 1 or len(tensors[0].shape) != 2:
            return False
        return tensors[0].name not in self._readers or tensors[0].shape[1] > 1

    def _matrix(
        self, tensor: Tensor, more: Sequence[Tensor], for_all: Sequence[Tensor], rows: int, faults: Faults
    ) -> Rows:
        width = len(self._data_names)
        if tensor.shape[1] != width:
            wanted = f"[rows, {width}] with the columns {_listed(self._data_names)}"
            faults.add(f"{tensor.name}: shape == {list(tensor.shape)}, must be {wanted}", "shape")
        if tensor.datatype is not None and tensor.datatype not in datatypes.NUMBERS:
            faults.add(f"{tensor.name}: datatype == {shown(tensor.datatype)}, must be a number type", "datatype")
        faults.raise_if_any()
        if self._is_plain_matrix and (values := self._plain_matrix(tensor.values)) is not None:
            return Rows(rows, matrix=values)
        split = [
            Tensor(name, (rows,), tensor.values[at::width], tensor.datatype) for at, name in enumerate(self._data_names)
        ]
        return self.read([*split, *more], faults, for_all)

    def _plain_matrix(self, values: Values) -> Values | None:
        """The values of a whole matrix, if nothing in it needs a second look."""
        if isinstance(values, list):
            kinds = set(map(type, values))
            if kinds == _ONLY_FLOATS and isfinite(sum(values)):  # a sum is finite only if every part of it is
                return values
            if not kinds <= _FLOATS_OR_MISSING:
                return None
            values = np.array(values, dtype=np.float64)
        if not is_exact(values):
            return None
        with_missing = np.isnan(values).any()
        return None if np.isinf(values).any() or (with_missing and not self._may_lack_all) else values

    def _complete(self, seen: set[str], rows: int, columns: dict[str, Values], faults: Faults) -> None:
        for name, reader in self._readers.items():
            if name in seen:
                continue
            if reader.may_be_absent:
                columns[name] = reader.missing(rows)
            else:
                faults.add(f"input {shown(name)} is missing", "missing", name)
        faults.raise_if_any()


def _repeated(name: str, values: Values, rows: int, faults: Faults) -> Values:
    """A parameter's value as a column. It must be small: models and the log get it with every row."""
    value = np.asarray(values)
    size = sum(map(len, value.ravel().tolist())) if value.dtype.kind in "OU" else value.size
    if size * rows > MOST_REPEATED:
        faults.add(
            f"params: {shown(name)} has {size} numbers or characters and is for {rows} rows; together at most "
            f"{MOST_REPEATED} are taken",
            "value",
            name,
        )
    if isinstance(values, list):
        return values * rows
    return np.broadcast_to(values, (rows, *values.shape[1:]))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 40} more" if len(names) > 40 else ""
    return ", ".join(names[:40]) + more


def _reader(field: Field) -> FieldReader | TimeReader | ImageReader:
    if field.image is not None:
        return ImageReader(field)
    return FieldReader(field) if field.time is None else TimeReader(field)
