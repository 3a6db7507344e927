"""A tensor as a request gives it, before anything is known about its meaning."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.gateway.faults import Faults


@dataclass(slots=True)
class Tensor:
    """Values of one column or matrix, flat and row-major.

    Args:
        name: As the caller calls it.
        shape: With the rows first.
        values: A list from JSON, an array from binary. As many as the shape says.
        datatype: As the caller claims it, if the protocol has such a claim.
    """

    name: str
    shape: Sequence[int]
    values: list[Any] | NDArray[np.generic]
    datatype: str | None = None


def flatten(name: str, data: list[Any], shape: Sequence[int], faults: Faults) -> list[Any] | None:
    """Flat values of nested or flat data, or None and a fault if they are not as many as `shape` says.

    Examples:
        >>> flatten("x", [[1, 2], [3, 4]], [2, 2], Faults())
        [1, 2, 3, 4]
    """
    if not data or type(data[0]) is not list:
        return _counted(name, data, shape, faults)
    level: list[Any] = data
    for depth, length in enumerate(shape):
        if depth > 0:
            if any(type(part) is not list or len(part) != length for part in level):
                faults.add(f"{name}: data is ragged, must be nested as its shape {list(shape)} says, or flat")
                return None
            level = [value for part in level for value in part]
        elif len(level) != length:
            faults.add(f"{name}: data has {len(level)} rows, must have {length} as its shape {list(shape)} says")
            return None
    return _counted(name, level, shape, faults)


def _counted(name: str, values: list[Any], shape: Sequence[int], faults: Faults) -> list[Any] | None:
    wanted = shape[0] if len(shape) == 1 else prod(shape)
    if len(values) == wanted:
        return values
    faults.add(f"{name}: data has {len(values)} values, must have {wanted} as its shape {list(shape)} says")
    return None
