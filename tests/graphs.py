"""Small ONNX models of one input `x` of any type, which give one number a row."""

from collections.abc import Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper


def graph(kind: int, shape: Sequence[int | None], nodes: list[Any], constants: Sequence[Any] = ()) -> bytes:
    """A model of the input `x` that gives one number a row."""
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, [None, *shape])],
        [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, [None, 1])],
        list(constants),
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def numbers(kind: int, *shape: int | None) -> bytes:
    """Sums what it is given."""
    nodes = [
        helper.make_node("Cast", ["x"], ["doubles"], to=TensorProto.DOUBLE),
        helper.make_node("Flatten", ["doubles"], ["flat"]),
        helper.make_node("ReduceSum", ["flat", "axis"], ["prediction"], keepdims=1),
    ]
    return graph(kind, shape, nodes, [helper.make_tensor("axis", TensorProto.INT64, [1], [1])])


def texts() -> bytes:
    """Knows two texts."""
    known = {"keys_strings": ["red", "2026-03-01"], "values_floats": [1.0, 2.0], "default_float": 0.0}
    nodes = [
        helper.make_node("LabelEncoder", ["x"], ["number"], domain="ai.onnx.ml", **known),
        helper.make_node("Cast", ["number"], ["prediction"], to=TensorProto.DOUBLE),
    ]
    return graph(TensorProto.STRING, [1], nodes)
