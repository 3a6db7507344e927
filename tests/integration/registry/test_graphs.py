"""ONNX graphs that must not run inside a gateway: loops, sizes out of values, memory, fixed numbers of rows."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper

from interlock.domain.errors import DeadlineExceededError, ModelFailedError, UnloadableModelError
from interlock.registry import graph_trial, serving
from interlock.runtimes.inline import InlineRuntime
from interlock.runtimes.load import load_runtime
from interlock.runtimes.predictors import load_predictor

Save = Callable[..., Any]
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


@pytest.fixture
def save(desk: Any) -> Save:
    """Writes a graph from `x` to `y`, opset 18."""

    def write(nodes: list[Any], constants: dict[str, Any] | None = None, shape: tuple[Any, ...] = ("rows", 1)) -> Any:
        given = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
        graph = helper.make_graph(
            nodes, "g",
            [helper.make_tensor_value_info("x", FLOAT, shape)],
            [helper.make_tensor_value_info("y", FLOAT, None)],
            given,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        onnx.save(model, str(desk.folder / "graph.onnx"))
        return desk.folder / "graph.onnx"

    return write


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def spinning() -> tuple[list[Any], dict[str, Any]]:
    """Adds 1 to x as often as the largest x says: the value decides how long it takes."""
    body = helper.make_graph(
        [node("Identity", "going", "still"), node("Add", "now one", "next")],
        "body",
        [
            helper.make_tensor_value_info("at", INT64, []),
            helper.make_tensor_value_info("going", BOOL, []),
            helper.make_tensor_value_info("now", FLOAT, None),
        ],
        [helper.make_tensor_value_info("still", BOOL, []), helper.make_tensor_value_info("next", FLOAT, None)],
        [numpy_helper.from_array(np.float32(1), "one")],
    )
    nodes = [
        node("ReduceMax", "x", "most", keepdims=0),
        node("Cast", "most", "times", to=INT64),
        node("Loop", "times yes x", "y", body=body),
    ]
    return nodes, {"yes": np.array(True)}


def test_a_graph_that_is_bounded_is_served_inline(desk: Any, save: Save) -> None:
    version = desk.register(save([node("Mul", "x two", "y")], {"two": np.float32(2)}))
    assert version.placement == "inline"


def test_a_loop_is_served_in_a_process_of_its_own_and_meets_the_deadline_there(desk: Any, save: Save) -> None:
    reference = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    version = desk.register(save(*spinning()), reference)
    assert (version.serving_format, version.placement) == ("onnx", "isolated")
    assert "the graph has Loop nodes, whose time depends on the values" in " ".join(version.warnings)

    async def run() -> None:
        runtime = await asyncio.to_thread(load_runtime, version, desk.artifacts)
        answers = await runtime.predict({"x": np.array([5.0])}, 10.0)
        assert answers["prediction"].tolist() == [10.0]
        with pytest.raises(DeadlineExceededError):
            await runtime.predict({"x": np.array([1e12])}, 0.3)
        await runtime.close()

    asyncio.run(run())


def test_a_graph_that_hangs_inside_a_gateway_is_stopped_and_moved_to_a_process(desk: Any, save: Save) -> None:
    registered = desk.register(save(*spinning()), pd.DataFrame({"x": [1.0, 2.0, 3.0]}))
    version = msgspec.structs.replace(registered, placement="thread")  # as if nobody had seen its Loop

    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == f"model {version.ref}"]

    async def run() -> None:
        runtime = await asyncio.to_thread(load_runtime, version, desk.artifacts)
        with pytest.raises(DeadlineExceededError):
            await runtime.predict({"x": np.array([1e12])}, 0.3)
        with pytest.raises(ModelFailedError, match="past its deadline"):
            await runtime.predict({"x": np.array([5.0])}, 5.0)
        async with asyncio.timeout(60):
            while True:
                try:
                    answers = await runtime.predict({"x": np.array([5.0])}, 5.0)
                    break
                except ModelFailedError:
                    await asyncio.sleep(0.05)
        assert answers["prediction"].tolist() == [10.0]
        assert isinstance(runtime, InlineRuntime)
        assert runtime.is_moved
        assert runtime.rows_in_loop == 0
        assert len(threads()) == 2  # the stopped one waits for work, the other for its process
        await runtime.close()
        assert threads() == []

    asyncio.run(run())


def test_a_graph_that_hangs_on_its_first_row_is_refused(desk: Any, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_trial, "_ROW_SECONDS", 0.5)
    with pytest.raises(UnloadableModelError, match=r"does not answer the first row: no answer within 0\.5 s"):
        desk.register(save(*spinning()), pd.DataFrame({"x": [1e12, 1.0]}))


def test_a_graph_that_hangs_on_another_row_is_isolated_and_says_on_which(
    desk: Any, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_trial, "_ROW_SECONDS", 0.5)
    monkeypatch.setattr(serving, "_GRAPH_SECONDS", 0.5)
    version = desk.register(save(*spinning()), pd.DataFrame({"x": [1.0, 1e12, 2.0]}))
    assert version.placement == "isolated"
    assert any("tried with row 1 of" in warning for warning in version.warnings)


def test_a_size_out_of_values_is_served_in_a_process_of_its_own(desk: Any, save: Save) -> None:
    nodes = [
        node("Cast", "x", "sizes", to=INT64),
        node("Reshape", "sizes flat", "size"),
        node("ConstantOfShape", "size", "zeros"),
        node("ReduceSum", "zeros", "sum", keepdims=0),
        node("Add", "x sum", "y"),
    ]
    version = desk.register(save(nodes, {"flat": np.array([-1])}), pd.DataFrame({"x": [3.0, 4.0]}))
    assert version.placement == "isolated"
    assert any("ConstantOfShape nodes whose size depends on the values" in warning for warning in version.warnings)


def test_a_size_out_of_the_number_of_rows_is_no_hazard(desk: Any, save: Save) -> None:
    nodes = [node("Shape", "x", "size"), node("ConstantOfShape", "size", "zeros"), node("Add", "x zeros", "y")]
    assert desk.register(save(nodes), pd.DataFrame({"x": [3.0, 4.0]})).placement == "inline"


def test_a_batch_that_takes_too_much_memory_is_isolated(desk: Any, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row is compared with every other: 4096 rows make 64 MiB of differences."""
    monkeypatch.setattr(graph_trial, "_MOST_BYTES", 32 * 2**20)
    nodes = [
        node("Transpose", "x", "across", perm=[1, 0]),
        node("Sub", "x across", "all"),
        node("ReduceMax", "all axis", "y", keepdims=1),
    ]
    version = desk.register(save(nodes, {"axis": np.array([1])}), pd.DataFrame({"x": [3.0, 4.0]}))
    assert version.placement == "isolated"
    assert any("4096 rows at once took" in warning for warning in version.warnings)


def test_a_graph_for_one_row_answers_any_number(desk: Any, save: Save) -> None:
    path = save([node("Mul", "x two", "y")], {"two": np.float32(2)}, shape=(1, 2))
    version = desk.register(path, pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}))
    outputs = load_predictor(version, desk.artifacts).predict({"a": np.array([1.0, 5.0]), "b": np.array([0.5, 6.0])})
    assert outputs["prediction"].tolist() == [[2.0, 1.0], [10.0, 12.0]]


def test_a_graph_for_another_fixed_number_of_rows_is_refused(desk: Any, save: Save) -> None:
    path = save([node("Mul", "x two", "y")], {"two": np.float32(2)}, shape=(8, 2))
    with pytest.raises(UnloadableModelError, match="takes exactly 8 rows at once; export it with a dynamic first axis"):
        desk.register(path)


def test_a_graph_takes_no_interpreter_of_its_own(desk: Any, save: Save) -> None:
    import sys

    from interlock.domain.model import Runner

    with pytest.raises(UnloadableModelError, match="the server's own onnxruntime answers; leave --python out"):
        desk.register(save([node("Identity", "x", "y")]), runner=Runner(python=sys.executable))
