"""A fitted scikit-learn estimator as an ONNX graph; with XGBoost's and LightGBM's among its steps, too.

Called by the examining process, which keeps a graph only if `parity` proves it equal. Several ways of typing the inputs
are tried: which one is right depends on the model.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

from interlock.domain.contract import Contract, Field
from interlock.registry import compile_boosters, compile_missing, double_steps
from interlock.registry.conversion import (
    MATRIX,
    OPSETS,
    SECONDS,
    Twin,
    Typing,
    quiet,
    with_first_of_ties,
    with_missing_text,
)
from interlock.registry.time_limit import time_limit
from interlock.runtimes.checked import first_line
from interlock.runtimes.frameworks import framework
from interlock.runtimes.sklearn import parts_of


def twins(estimator: Any, contract: Contract, refusals: list[str]) -> Iterator[Twin]:
    """Convert in every way that works, the most promising first.

    Nothing for a model that cannot be converted: then `refusals` says why. The contract must be one that
    `is_convertible`.
    """
    if lacking := compile_boosters.lacking(estimator):
        refusals.append(lacking)
        return
    for typing in _typings(estimator):
        for as_matrix in _shapes(estimator, contract):
            graph = _converted(estimator, contract, typing, refusals, as_matrix=as_matrix)
            if graph is None:
                continue
            for missing_text in _missing_texts(estimator, contract):
                yield _twin(graph, typing, missing_text, contract)


def _twin(graph: Any, typing: Typing, missing_text: str, contract: Contract) -> Twin:
    def first_of_ties() -> bytes:
        return with_missing_text(with_first_of_ties(graph, contract), missing_text)

    has_both = contract.is_classifier and len(graph.graph.output) == 2
    return Twin(with_missing_text(graph, missing_text), typing, first_of_ties if has_both else None)


def is_convertible(contract: Contract) -> bool:
    """Whether converters know such inputs: they know no dates, and tensors only of one shape and alone."""
    tensors = [field for field in contract.inputs if field.shape]
    if any(-1 in field.shape for field in tensors) or (tensors and len(contract.inputs) > 1):
        return False
    return all(field.time is None for field in contract.inputs)


def _typings(estimator: Any) -> tuple[Typing, ...]:
    """Double is the more exact one, except for trees: their graphs have float thresholds.

    A scikit-learn tree casts its input to float itself, so float before it is exact, and double up to it where a step
    computes: a value that is exactly on a threshold must be so in the twin too.
    """
    if any(_is_of_trees(part) for part in parts_of(estimator)):
        pipeline = ("double, float trees",) if hasattr(estimator, "steps") else ()
        return ("float", *pipeline, "float and int64")
    return ("double", "float", "float and int64")


def _is_of_trees(part: Any) -> bool:
    return hasattr(part, "tree_") or hasattr(part, "_predictors") or compile_boosters.is_booster(part)


def _shapes(estimator: Any, contract: Contract) -> tuple[bool, ...]:
    """Whether to feed one matrix: most estimators want that; those that pick columns by name want the columns."""
    if any(field.is_text for field in contract.inputs):
        return (False,)
    return (True, False) if hasattr(estimator, "feature_names_in_") else (True,)


def _missing_texts(estimator: Any, contract: Contract) -> tuple[str, ...]:
    """What stands for a missing text: converters keep an empty one, or the name of numpy's nan; ours mark it."""
    if not any(field.is_text and field.nullable for field in contract.inputs):
        return ("",)
    marked = any(compile_missing.marks_missing_texts(part) for part in parts_of(estimator))
    return (*((compile_missing.MISSING_TEXT,) if marked else ()), "", "nan", "None")


def _converted(estimator: Any, contract: Contract, typing: Typing, refusals: list[str], *, as_matrix: bool) -> Any:
    skl2onnx = framework("skl2onnx", "sklearn")
    compile_boosters.register_converters(estimator)
    if typing == "double, float trees":
        estimator = double_steps.with_float_last(estimator)
    # Converters of classifiers without probabilities do not know the option.
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    with quiet(), time_limit(SECONDS):
        try:
            return skl2onnx.convert_sklearn(
                estimator,
                initial_types=_types(contract, typing, as_matrix=as_matrix),
                options=options,
                target_opset=OPSETS,
                **compile_missing.converters(),
            )
        except Exception as error:  # a converter fails in as many ways as there are models
            refusals.append(f"skl2onnx cannot convert {type(estimator).__name__}: {first_line(error)}")
            return None


def _types(contract: Contract, typing: Typing, *, as_matrix: bool) -> list[tuple[str, Any]]:
    types = framework("skl2onnx.common.data_types", "sklearn")
    if as_matrix:
        tensor = types.DoubleTensorType if typing.startswith("double") else types.FloatTensorType
        return [(MATRIX, tensor([None, _width(contract)]))]
    return [(field.name, _tensor(types, field, typing)([None, 1])) for field in contract.inputs]


def _width(contract: Contract) -> int:
    first = contract.inputs[0]
    return prod(first.shape) if first.shape else len(contract.inputs)


def _tensor(types: Any, field: Field, typing: Typing) -> Any:
    if field.is_text:
        return types.StringTensorType
    if typing.startswith("double"):
        return types.DoubleTensorType
    if typing == "float and int64" and field.is_integer:
        return types.Int64TensorType
    return types.FloatTensorType
