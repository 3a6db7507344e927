"""What a model says about itself when it is opened: enough for registration to write its contract.

Given by each runtime's `describe`, in whichever interpreter can open the model; so it travels, and holds no model.
"""

from typing import Any, Literal

import msgspec
import numpy as np

from interlock.domain.contract import Field, Scalar
from interlock.domain.model import ModelFormat


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of one model. What a model does not say is left out, and learnt from reference rows or asked for.

    Args:
        kind: Name of its class or format, for people.
        inputs: What it takes, where it knows names and types.
        names: What it takes, where it knows names only, in its order.
        width: How many numbers a row has, where it takes a matrix without names; -1 is any number of them.
        task: What it does; None is found out by asking it.
        classes: Of a classifier; empty where the model knows their number at most.
        class_count: Of a classifier that does not know its classes; 0 is unknown.
        with_probabilities: Whether a classifier gives probabilities.
        shape: Shape of one row's number, of anything else.
        frameworks: Versions of what runs it.
        warnings: What a person should know.
        model_format: Where opening showed that it is another format than its name says.
    """

    kind: str
    inputs: tuple[Field, ...] = ()
    names: tuple[str, ...] = ()
    width: int | None = None
    task: Literal["classifier", "regression", "other"] | None = None
    classes: tuple[Scalar, ...] = ()
    class_count: int = 0
    with_probabilities: bool = True
    shape: tuple[int, ...] = ()
    frameworks: dict[str, str] = {}
    warnings: tuple[str, ...] = ()
    model_format: ModelFormat | None = None


def scalars(values: Any) -> tuple[Scalar, ...]:
    """Values as JSON has them: whole floats stay floats, numpy's own types become Python's."""
    return tuple(value.item() if isinstance(value, np.generic) else value for value in values)
