"""A fitted scikit-learn estimator as an ONNX graph.

Called by the examining process, which keeps a graph only if `parity` proves it equal. Several ways of typing the inputs
are tried: which one is right depends on the model. Converters are noisy; what they say is not shown, because the proof
says it better.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from interlock.domain.contract import Contract, Field
from interlock.registry import double_steps
from interlock.registry.time_limit import time_limit
from interlock.runtimes.onnx import MISSING_TEXT_KEY
from interlock.runtimes.sklearn import framework, parts_of

# onnxruntime 1.20, the oldest we allow, knows these; tree ensembles of ai.onnx.ml 5 are not faster.
_OPSETS = {"": 18, "ai.onnx.ml": 3}

# The name of a matrix input: no one's column.
_MATRIX = "interlock.matrix"

# A hundred deep trees convert in some ten seconds. All ways together must stay within the limit of the examination.
_SECONDS = 30.0

Typing = Literal["double", "float", "float and int64", "double, float trees"]


@dataclass(frozen=True, slots=True)
class Twin:
    """A converted graph, and how its inputs are typed."""

    graph: bytes
    typing: Typing


def twins(estimator: Any, contract: Contract) -> Iterator[Twin]:
    """Convert in every way that works, the most promising first. Nothing for a model that cannot be converted.

    The contract must be one that `is_convertible`.
    """
    for typing in _typings(estimator):
        for as_matrix in _shapes(estimator, contract):
            graph = _converted(estimator, contract, typing, as_matrix=as_matrix)
            if graph is None:
                continue
            for missing_text in _missing_texts(contract):
                yield Twin(_with_missing_text(graph, missing_text), typing)


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
    if any(hasattr(part, "tree_") or hasattr(part, "_predictors") for part in parts_of(estimator)):
        pipeline = ("double, float trees",) if hasattr(estimator, "steps") else ()
        return ("float", *pipeline, "float and int64")
    return ("double", "float", "float and int64")


def _shapes(estimator: Any, contract: Contract) -> tuple[bool, ...]:
    """Whether to feed one matrix: most estimators want that; those that pick columns by name want the columns."""
    if any(field.is_text for field in contract.inputs):
        return (False,)
    return (True, False) if hasattr(estimator, "feature_names_in_") else (True,)


def _missing_texts(contract: Contract) -> tuple[str, ...]:
    """What stands for a missing text: converters keep it as an empty one or as the name of numpy's nan."""
    some = any(field.is_text and field.nullable for field in contract.inputs)
    return ("", "nan", "None") if some else ("",)


def _converted(estimator: Any, contract: Contract, typing: Typing, *, as_matrix: bool) -> Any:
    skl2onnx = framework("skl2onnx", "sklearn")
    custom: dict[str, Any] = {}
    if typing == "double, float trees":
        estimator, custom = double_steps.with_float_last(estimator), double_steps.converters()
    # Converters of classifiers without probabilities do not know the option.
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    with _quiet(), time_limit(_SECONDS):
        try:
            return skl2onnx.convert_sklearn(
                estimator,
                initial_types=_types(contract, typing, as_matrix=as_matrix),
                options=options,
                target_opset=_OPSETS,
                **custom,
            )
        except Exception:  # a converter fails in as many ways as there are models
            return None


def _types(contract: Contract, typing: Typing, *, as_matrix: bool) -> list[tuple[str, Any]]:
    types = framework("skl2onnx.common.data_types", "sklearn")
    if as_matrix:
        tensor = types.DoubleTensorType if typing.startswith("double") else types.FloatTensorType
        return [(_MATRIX, tensor([None, _width(contract)]))]
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


def _with_missing_text(graph: Any, missing_text: str) -> bytes:
    onnx = framework("onnx", "sklearn")
    onnx.helper.set_model_props(graph, {MISSING_TEXT_KEY: missing_text})
    content: bytes = graph.SerializeToString()
    return content


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(before)


def why_not(estimator: Any) -> str:
    """The sentence for a model of which no graph could be made."""
    return f"{type(estimator).__name__} cannot be converted to ONNX by the installed skl2onnx within {_SECONDS:g} s"
