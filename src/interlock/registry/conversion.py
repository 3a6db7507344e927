"""What every conversion to ONNX shares: its limits, its silence, and how its result is written.

Called by `compile` and `compile_boosters`.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from interlock.domain.contract import Contract
from interlock.runtimes.frameworks import framework
from interlock.runtimes.onnx import MISSING_TEXT_KEY

OPSETS = {"": 18, "ai.onnx.ml": 3}
"""onnxruntime 1.20, the oldest we allow, knows these; tree ensembles of ai.onnx.ml 5 are not faster."""

MATRIX = "interlock.matrix"
"""The name of a matrix input: no one's column."""

SECONDS = 30.0
"""A hundred deep trees convert in some ten seconds. All ways together must stay within the limit of the examination."""

# Probabilities nearer than this are taken to be equal: a tenth of what a proof allows.
_TIE = 1e-6

Typing = Literal["double", "float", "float and int64", "double, float trees"]


@dataclass(frozen=True, slots=True)
class Twin:
    """A converted graph, and how its inputs are typed.

    `first_of_ties` makes the same graph with the first of equally probable classes as its label, where it has both.
    """

    graph: bytes
    typing: Typing
    first_of_ties: Callable[[], bytes] | None = None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what converters print, warn and log to themselves: the proof says it better."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(before)


def with_first_of_ties(graph: Any, contract: Contract) -> Any:
    """The same graph with the label that scikit-learn's `predict` gives where classes are equally probable: the first.

    Forests meet that often, and a sum in single precision breaks the tie by its last digit.
    """
    onnx = framework("onnx", "sklearn")
    helper, arrays = onnx.helper, onnx.numpy_helper
    changed = onnx.ModelProto()
    changed.CopyFrom(graph)
    label, probabilities = changed.graph.output
    kind, (name, own) = label.type.tensor_type.elem_type, (label.name, probabilities.name)
    for node in changed.graph.node:
        node.output[:] = [f"{name}.before" if output == name else output for output in node.output]
        node.input[:] = [f"{name}.before" if given == name else given for given in node.input]
    is_text = kind == onnx.TensorProto.STRING
    classes = [str(one) if is_text else int(one) for one in contract.classes]
    tie = np.array(_TIE, dtype=helper.tensor_dtype_to_np_dtype(probabilities.type.tensor_type.elem_type))
    changed.graph.initializer.extend(
        [
            arrays.from_array(np.array(classes, dtype=object if is_text else None), "interlock.classes"),
            arrays.from_array(tie, "interlock.tie"),
        ]
    )
    changed.graph.node.extend(
        [
            helper.make_node("Div", [own, "interlock.tie"], ["interlock.scaled"]),
            helper.make_node("Round", ["interlock.scaled"], ["interlock.rounded"]),
            helper.make_node("ArgMax", ["interlock.rounded"], ["interlock.first"], axis=1, keepdims=0),
            helper.make_node("Gather", ["interlock.classes", "interlock.first"], [name]),
        ]
    )
    return changed


def with_missing_text(graph: Any, missing_text: str) -> bytes:
    """A graph that says which text stands for a missing one."""
    onnx = framework("onnx", "sklearn")
    onnx.helper.set_model_props(graph, {MISSING_TEXT_KEY: missing_text})
    content: bytes = graph.SerializeToString()
    return content
