"""What models give, in the contract's words: `label` and `probabilities`, or `prediction`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from interlock.domain.contract import Contract, Datatype, Field, Scalar
from interlock.domain.errors import UnloadableModelError
from interlock.runtimes.sklearn import framework


def classifier(inputs: tuple[Field, ...], classes: Sequence[Scalar], *, with_probabilities: bool) -> Contract:
    """Contract of a classifier.

    Raises:
        UnloadableModelError: The classes are fewer than two, or of several types.
    """
    if len(classes) < 2:
        raise UnloadableModelError(f"the classifier knows {len(classes)} class(es), must be at least 2")
    kinds = {type(one) for one in classes}
    if len(kinds) > 1:
        raise UnloadableModelError(f"the classes {list(classes)[:10]} are of several types, must be of one")
    datatypes: dict[type, Datatype] = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
    label = Field(name="label", datatype=datatypes[kinds.pop()])
    probabilities = Field(name="probabilities", datatype="FP64", shape=(len(classes),))
    return Contract(
        inputs=inputs,
        outputs=(label, probabilities) if with_probabilities else (label,),
        task="binary" if len(classes) == 2 else "multiclass",
        classes=tuple(classes),
    )


def numbers(inputs: tuple[Field, ...], *, shape: tuple[int, ...] = (), is_regression: bool = True) -> Contract:
    """Contract of a model that gives one number a row, or a vector of them."""
    prediction = Field(name="prediction", datatype="FP64", shape=shape)
    return Contract(inputs=inputs, outputs=(prediction,), task="regression" if is_regression else "other")


def estimator_outputs(estimator: Any, inputs: tuple[Field, ...]) -> Contract:
    """Contract of a fitted scikit-learn estimator."""
    base = framework("sklearn.base", "sklearn")
    if not base.is_classifier(estimator):
        return numbers(inputs, is_regression=bool(base.is_regressor(estimator)))
    classes = estimator.classes_
    if isinstance(classes, list) or np.asarray(classes).ndim != 1:
        raise UnloadableModelError("the classifier has several outputs; register one classifier for each")
    return classifier(inputs, scalars(classes), with_probabilities=hasattr(estimator, "predict_proba"))


def scalars(values: Any) -> tuple[Scalar, ...]:
    """Values as JSON has them: whole floats stay floats, numpy's own types become Python's."""
    return tuple(value.item() if isinstance(value, np.generic) else value for value in values)
