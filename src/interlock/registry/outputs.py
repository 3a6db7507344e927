"""What models give, in the contract's words: `label` and `probabilities`, or `prediction`.

Called by `derive`. What a model does not say itself is learnt from the label of the reference, or from its answers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Datatype, Field, Scalar
from interlock.domain.errors import UnloadableModelError
from interlock.runtimes.facts import Facts, scalars
from interlock.runtimes.raw_answers import ANSWER

# A label of more distinct whole numbers is a number, and not a class.
MOST_CLASSES = 100

# float32 sums over a thousand classes miss 1 by some 1e-4.
_SUM_TOLERANCE = 1e-3

_ASK_FOR_LABEL = "give --reference data with --label COLUMN"


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


def of_facts(facts: Facts, inputs: tuple[Field, ...], truth: Sequence[Any] | None, warnings: list[str]) -> Contract:
    """Contract of a model that knows its task.

    Args:
        truth: Distinct values of the reference's label, sorted, if there is one.

    Raises:
        UnloadableModelError: It is a classifier whose classes cannot be found.
    """
    if facts.task == "classifier":
        classes = classes_of(facts, truth, warnings)
        return classifier(inputs, classes, with_probabilities=facts.with_probabilities)
    return numbers(inputs, shape=facts.shape, is_regression=facts.task == "regression")


def of_answers(
    answers: Mapping[str, NDArray[Any]],
    facts: Facts,
    inputs: tuple[Field, ...],
    truth: Sequence[Any] | None,
    warnings: list[str],
) -> Contract:
    """Contract of a model that says nothing of what it gives, learnt from its answers to some rows.

    Args:
        answers: Its own outputs by name, or one array called `ANSWER`.
        truth: As in `of_facts`.

    Raises:
        UnloadableModelError: The answers are nothing that can be served, and what would be.
    """
    if {"label", "probabilities"} & answers.keys():
        classes = classes_of(facts, truth, warnings)
        return classifier(inputs, classes, with_probabilities="probabilities" in answers)
    values = answers.get(ANSWER, answers.get("prediction"))
    if values is None:
        raise UnloadableModelError(
            f"the model answers with {', '.join(sorted(answers))}; must be one array, or `label` and `probabilities`"
        )
    if values.ndim == 0:
        raise UnloadableModelError("the model answers with one value; must be one for each row")
    if _are_labels(values, facts, truth):
        return classifier(inputs, classes_of(facts, truth, warnings), with_probabilities=False)
    return _of_numbers(values, facts, inputs, truth, warnings)


def classes_of(facts: Facts, truth: Sequence[Any] | None, warnings: list[str]) -> tuple[Scalar, ...]:
    """Classes of a classifier: its own, or those of the label.

    Raises:
        UnloadableModelError: Neither says.
    """
    if facts.classes:
        return facts.classes
    count, known = facts.class_count, scalars(truth or ())
    if known and count in (0, len(known)):
        if isinstance(known[0], str) or known != tuple(range(len(known))):
            shown = ", ".join(map(str, known[:5]))
            warnings.append(
                f"the model does not name its classes; they are taken for those of the label, sorted: {shown}"
            )
        return known
    if count > 1 and set(known) <= set(range(count)):
        if not known:
            warnings.append(f"the model does not name its classes; they are taken for 0 to {count - 1}")
        return tuple(range(count))
    if count:
        raise UnloadableModelError(f"the model knows {count} classes, and the label has {len(known)} values")
    raise UnloadableModelError(f"the model does not name its classes; {_ASK_FOR_LABEL}")


def are_classes(truth: Sequence[Any] | None) -> bool:
    """Whether the values of a label are classes, and not numbers."""
    return bool(truth) and len(truth or ()) < MOST_CLASSES and not any(isinstance(one, float) for one in truth or ())


def _are_labels(values: NDArray[Any], facts: Facts, truth: Sequence[Any] | None) -> bool:
    if values.dtype.kind in "OUSb":
        return True
    is_one_a_row = values.ndim == 1 or values.shape[1:] == (1,)
    return values.dtype.kind in "iu" and is_one_a_row and (bool(facts.classes) or are_classes(truth))


def _of_numbers(
    values: NDArray[Any], facts: Facts, inputs: tuple[Field, ...], truth: Sequence[Any] | None, warnings: list[str]
) -> Contract:
    width = int(np.prod(values.shape[1:])) if values.ndim > 1 else 1
    count = len(facts.classes) or (len(truth or ()) if are_classes(truth) else 0)
    if count and (width == count or (width == 1 and count == 2)):
        if are_probabilities(values.reshape(len(values), width)):
            return classifier(inputs, classes_of(facts, truth, warnings), with_probabilities=True)
        warnings.append(
            f"the model answers with {width} number(s) a row, which are no probabilities and are served as numbers; "
            "end it with a softmax (or a sigmoid) to serve a classifier"
        )
    elif facts.classes:
        raise UnloadableModelError(
            f"the model declares {len(facts.classes)} classes, and answers with {width} numbers a row; "
            "must be a label, or a probability for each class"
        )
    shape = values.shape[1:] if width > 1 else ()
    return numbers(inputs, shape=tuple(int(size) for size in shape))


def are_probabilities(values: NDArray[Any]) -> bool:
    """Whether rows of numbers are probabilities of all classes, or of one."""
    in_range = bool(((values >= 0) & (values <= 1)).all())
    return in_range and (values.shape[1] == 1 or bool((np.abs(values.sum(axis=1) - 1) <= _SUM_TOLERANCE).all()))
