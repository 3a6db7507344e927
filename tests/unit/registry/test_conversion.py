import numpy as np
import pytest
from onnx import TensorProto, helper

from interlock.registry.conversion import with_first_of_ties, with_missing_text
from interlock.registry.outputs import classifier
from interlock.runtimes.onnx import MISSING_TEXT_KEY, open_session


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE], ids=["float", "double"])
@pytest.mark.parametrize("classes", [(0, 1, 2), ("a", "b", "c"), (5, 7, 9)])
def test_among_equally_probable_classes_the_first_is_the_label(kind: int, classes: tuple[int | str, ...]) -> None:
    is_text = isinstance(classes[0], str)
    label = helper.make_tensor_value_info("label", TensorProto.STRING if is_text else TensorProto.INT64, [None])
    graph = helper.make_graph(
        [
            helper.make_node("ArgMax", ["x"], ["at"], axis=1, keepdims=0),
            helper.make_node("Gather", ["known", "at"], ["label"]),
            helper.make_node("Identity", ["x"], ["probabilities"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", kind, [None, 3])],
        [label, helper.make_tensor_value_info("probabilities", kind, [None, 3])],
        [helper.make_tensor("known", TensorProto.STRING if is_text else TensorProto.INT64, [3], classes)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    dtype = np.float32 if kind == TensorProto.FLOAT else np.float64
    rows = np.array([[0.4999999, 0.5000001, 0.0], [0.2, 0.3, 0.5], [0.1, 0.45, 0.45]], dtype=dtype)

    def labels(changed: object) -> list[int | str]:
        session = open_session(changed.SerializeToString())  # type: ignore[attr-defined]  # a graph of onnx
        found: list[int | str] = session.run(["label"], {"x": rows})[0].tolist()
        np.testing.assert_array_equal(session.run(["probabilities"], {"x": rows})[0], rows)
        return found

    assert labels(model) == [classes[1], classes[2], classes[1]]
    contract = classifier((), classes, with_probabilities=True)
    assert labels(with_first_of_ties(model, contract)) == [classes[0], classes[2], classes[1]]
    assert labels(model) == [classes[1], classes[2], classes[1]]  # the given one is as it was


def test_the_text_that_stands_for_a_missing_one_travels_with_the_graph() -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    session = open_session(with_missing_text(model, "nan"))
    assert session.get_modelmeta().custom_metadata_map[MISSING_TEXT_KEY] == "nan"
