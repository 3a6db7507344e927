"""Rows at the edges of what a contract takes, on which a compiled twin and its original are compared too.

Called by `parity`. Each row is a reference row with one value changed: missing, far outside, zero, never seen.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.ports import missing_value

# No one's category: private-use characters.
UNSEEN = "\ue000unseen"


def edge_rows(contract: Contract, columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """One row per edge, each built on the first reference row; none where there is no edge."""
    changes = [(field.name, value) for field in contract.inputs for value in _edges(field)]
    rows = {name: np.repeat(values[:1], len(changes), axis=0) for name, values in columns.items()}
    for at, (name, value) in enumerate(changes):
        rows[name][at] = value
    return rows


def _edges(field: Field) -> Iterator[Any]:
    if field.nullable:
        yield missing_value(field)
    if field.is_text:
        yield UNSEEN
        yield ""
    elif field.is_numeric:
        yield 0
        for bound in (field.minimum, field.maximum):
            if bound is not None:
                yield bound
                if abs(bound * 10) < 2**53:
                    yield bound * 10
    elif field.time is not None:
        yield np.datetime64(0, "us")
    elif field.datatype == "BOOL":
        yield False
        yield True
