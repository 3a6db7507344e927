"""Which logged rows a version's contract would refuse: what a gateway would say if they came today.

Called by replays, before the version is asked. It looks at whole columns, as fed to the model, and at single values
only where a rule is broken.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import INTEGER_RANGES, Contract, Field, spell_shape
from interlock.domain.ragged import is_ragged

_FP32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is refused: the rule, and the rule with the value that breaks it."""

    rule: str
    said: str


def refusals(contract: Contract, columns: Mapping[str, NDArray[Any]]) -> dict[int, Refusal]:
    """Look for rows that break a rule.

    Args:
        contract: Of the version that is to be asked.
        columns: Rows as it would be fed with them.

    Returns:
        By row, the first rule that it breaks.
    """
    found: dict[int, Refusal] = {}
    for field in contract.inputs:
        values = columns[field.name]
        for broken, rule in _broken(field, values):
            for at in np.flatnonzero(broken).tolist():
                said = f"{field.name} == {_shown(values[at])}, {rule}"
                found.setdefault(at, Refusal(f"{field.name} {rule}", said))
    return found


def _broken(field: Field, values: NDArray[Any]) -> Iterator[tuple[NDArray[np.bool_], str]]:
    if field.shape:
        if field.image is None:
            yield _misshapen(field, values), f"must have the shape {spell_shape(field.shape)}"
        return
    missing = _missing(values)
    if not field.nullable and not field.is_parameter:
        yield missing, "must not be missing"
    if field.datatype == "FP32":
        yield np.abs(values) > _FP32_MAX, "must be a number that fits FP32"
    if field.is_integer:
        low, high = INTEGER_RANGES[field.datatype]
        yield (values < low) | (values > high), f"must be a whole number that fits {field.datatype}"
    if field.declared:
        yield from _undeclared(field, values, missing)


def _undeclared(
    field: Field, values: NDArray[Any], missing: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[np.bool_], str]]:
    if field.categories is not None:
        known = frozenset(field.categories)
        strange = np.fromiter((str(value) not in known for value in values.tolist()), np.bool_, len(values))
        yield strange & ~missing, f"must be one of {', '.join(field.categories[:20])}"
    elif field.is_numeric:
        low = -np.inf if field.minimum is None else field.minimum
        high = np.inf if field.maximum is None else field.maximum
        yield (values < low) | (values > high), f"must be between {_bound(field.minimum)} and {_bound(field.maximum)}"


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind == "M":
        return np.asarray(np.isnat(values))
    if values.dtype == np.object_:
        return np.fromiter((value is None for value in values.tolist()), np.bool_, len(values))
    return np.zeros(len(values), dtype=np.bool_)


def _misshapen(field: Field, values: NDArray[Any]) -> NDArray[np.bool_]:
    if is_ragged(values):
        return np.array([not _fits(field, value.shape) for value in values], dtype=np.bool_)
    return np.full(len(values), not _fits(field, values.shape[1:]), dtype=np.bool_)


def _fits(field: Field, shape: tuple[int, ...]) -> bool:
    return len(shape) == len(field.shape) and all(
        wanted in (-1, size) for wanted, size in zip(field.shape, shape, strict=True)
    )


def _bound(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"a tensor of shape {spell_shape(value.shape)}"
    plain = value.item() if isinstance(value, np.generic) else value
    text = repr(plain) if isinstance(plain, str) else str(plain)
    return text if len(text) <= 60 else f"{text[:57]}..."
