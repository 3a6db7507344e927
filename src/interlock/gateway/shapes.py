"""Shapes of tensors: whether one fits its field, and how a message names one of its values."""

from collections.abc import Sequence
from math import prod

from interlock.domain.contract import Field, spell_shape


def shape_fault(field: Field, shape: Sequence[int]) -> str | None:
    """What is wrong with a tensor's shape, the rows first; None if it fits. A number may come as `[rows, 1]`."""
    given = tuple(shape[1:])
    if _fits(given, field.shape) or (not field.shape and given == (1,)):
        return None
    wanted = "[rows] or [rows, 1]" if not field.shape else spell_shape(("rows", *field.shape))
    return f"{field.name}: shape == {list(shape)}, must be {wanted}"


def place_of(at: int, shape: Sequence[int]) -> str:
    """Where value number `at` stands in a tensor: `[3]`, or `[3][0][7]`; `[rows, 1]` counts as `[rows]`.

    Examples:
        >>> place_of(5, [2, 4]), place_of(1, [2, 1]), place_of(1, [2])
        ('[1][1]', '[1]', '[1]')
    """
    if len(shape) == 2 and shape[1] == 1:
        shape = shape[:1]
    said = ""
    for depth in range(len(shape)):
        inner = prod(shape[depth + 1 :])
        said += f"[{at // inner}]"
        at %= inner
    return said


def _fits(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(given) == len(wanted) and all(want in (-1, have) for have, want in zip(given, wanted, strict=True))
