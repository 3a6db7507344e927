"""The contract as a gate: tensors in, columns out, or every fault at once.

Called once a request. Compiled once for each loaded version, so that a request costs a dictionary lookup and one
conversion per column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.gateway import datatypes
from interlock.gateway.faults import Faults, shown
from interlock.gateway.fields import FieldReader
from interlock.gateway.tensors import Tensor

MAX_ROWS = 10_000
"""Rows in one request: what takes longer belongs in batch scoring."""

_ONLY_FLOATS = {float}


@dataclass(slots=True)
class Rows:
    """Valid input: `columns` as models take them, `plain` as records keep them."""

    count: int
    columns: dict[str, NDArray[Any]]
    plain: dict[str, list[Any]]


class ColumnReader:
    """Reads the inputs of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._readers = {field.name: FieldReader(field) for field in contract.inputs}
        self._names = tuple(self._readers)
        fields = contract.inputs
        self._takes_matrix = bool(fields) and all(field.is_numeric and not field.shape for field in fields)
        # Then a whole matrix is checked by one comparison.
        self._is_plain_matrix = self._takes_matrix and all(
            field.datatype == "FP64" and not field.declared for field in fields
        )

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
        return self._names[0] if len(self._names) == 1 and not self._takes_matrix else None

    def missing(self, name: str, rows: int) -> NDArray[Any]:
        """A column of the input `name` in which every value is missing."""
        return self._readers[name].missing(rows).array

    def read(self, tensors: Sequence[Tensor], faults: Faults) -> Rows:
        """Check and convert.

        Args:
            faults: What was found wrong before; grows.

        Raises:
            InvalidInputError: Anything is wrong.
        """
        if not tensors:
            faults.add(f"no inputs, must have {self._listed()}")
            faults.raise_now()
        rows = self._count(tensors, faults)
        if self._is_matrix(tensors):
            return self._matrix(tensors[0], rows, faults)
        columns: dict[str, NDArray[Any]] = {}
        plain: dict[str, list[Any]] = {}
        seen: set[str] = set()
        for tensor in tensors:
            name = tensor.name
            reader = self._readers.get(name)
            if reader is None:
                faults.add(f"input {shown(name)} is not known; the inputs are {self._listed()}")
            elif name in seen:
                faults.add(f"input {shown(name)} is given twice")
            elif (column := reader.read(tensor, faults)) is not None:
                columns[name], plain[name] = column
            seen.add(name)
        if len(seen) < len(self._names) or faults:
            self._complete(seen, rows, columns, plain, faults)
        return Rows(rows, columns, plain)

    def _count(self, tensors: Sequence[Tensor], faults: Faults) -> int:
        rows = tensors[0].shape[0]
        for tensor in tensors:
            if tensor.shape[0] != rows:
                first = tensors[0].name
                faults.add(f"input {shown(tensor.name)} has {tensor.shape[0]} rows, and {shown(first)} has {rows}")
        if rows == 0:
            faults.add(f"{tensors[0].name}: 0 rows, must be at least 1")
        elif rows > MAX_ROWS:
            faults.add(f"{rows} rows, must be at most {MAX_ROWS} in one request")
        if rows == 0 or rows > MAX_ROWS:
            faults.raise_now()
        return rows

    def _is_matrix(self, tensors: Sequence[Tensor]) -> bool:
        if not self._takes_matrix or len(tensors) != 1 or len(tensors[0].shape) != 2:
            return False
        return tensors[0].name not in self._readers or tensors[0].shape[1] > 1

    def _matrix(self, tensor: Tensor, rows: int, faults: Faults) -> Rows:
        width = len(self._names)
        if tensor.shape[1] != width:
            wanted = f"[rows, {width}] with the columns {self._listed()}"
            faults.add(f"{tensor.name}: shape == {list(tensor.shape)}, must be {wanted}")
        if tensor.datatype is not None and tensor.datatype not in datatypes.NUMBERS:
            faults.add(f"{tensor.name}: datatype == {shown(tensor.datatype)}, must be a number type")
        faults.raise_if_any()
        return self._quick_matrix(tensor, rows, width) or self._slow_matrix(tensor, rows, width, faults)

    def _quick_matrix(self, tensor: Tensor, rows: int, width: int) -> Rows | None:
        """The whole matrix at once, if nothing in it needs a second look."""
        values = tensor.values
        if not self._is_plain_matrix:
            return None
        if isinstance(values, np.ndarray):
            matrix = values.astype(np.float64).reshape(rows, width)
        elif set(map(type, values)) == _ONLY_FLOATS:
            matrix = np.array(values).reshape(rows, width)
        else:
            return None
        if not np.isfinite(matrix).all():
            return None
        by_column = matrix.reshape(width, 1) if rows == 1 else np.ascontiguousarray(matrix.T)
        columns = dict(zip(self._names, by_column, strict=True))
        return Rows(rows, columns, dict(zip(self._names, by_column.tolist(), strict=True)))

    def _slow_matrix(self, tensor: Tensor, rows: int, width: int, faults: Faults) -> Rows:
        split = [
            Tensor(name, (rows,), tensor.values[at::width], tensor.datatype) for at, name in enumerate(self._names)
        ]
        return self.read(split, faults)

    def _complete(
        self,
        seen: set[str],
        rows: int,
        columns: dict[str, NDArray[Any]],
        plain: dict[str, list[Any]],
        faults: Faults,
    ) -> None:
        for name, reader in self._readers.items():
            if name in seen:
                continue
            if reader.may_be_absent:
                columns[name], plain[name] = reader.missing(rows)
            else:
                faults.add(f"input {shown(name)} is missing")
        faults.raise_if_any()

    def _listed(self) -> str:
        more = f" and {len(self._names) - 40} more" if len(self._names) > 40 else ""
        return ", ".join(self._names[:40]) + more
