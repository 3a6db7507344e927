"""What every runtime must do, whatever the format and wherever the model runs."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.checks.runtimes.conftest import Served, frame_of

from interlock.domain.contract import Contract
from interlock.domain.errors import DeadlineExceededError, ModelFailedError, UnloadableModelError
from interlock.domain.ports import Columns, Runtime, rows_of, take
from interlock.runtimes.load import load_runtime

Running = Callable[[Served], Runtime]
Ask = Callable[[Columns], dict[str, NDArray[Any]]]


@pytest.fixture
def ask(case: Served, running: Running, loop: asyncio.Runner) -> Ask:
    runtime = running(case)
    return lambda columns: loop.run(runtime.predict(columns, 10.0))


def row(case: Served, at: int = 0, **changes: object) -> Columns:
    changed = {name: np.array([value], dtype=object) for name, value in changes.items()}
    return {**take(case.columns, slice(at, at + 1)), **changed}


def test_answers_equal_the_model_it_came_from_also_where_values_are_missing(case: Served, ask: Ask) -> None:
    assert any(np.isnan(case.columns["amount"]))
    outputs = ask(case.columns)
    np.testing.assert_allclose(outputs[case.output], case.answers, atol=1e-5)


def test_labels_are_the_classes_as_in_training(case: Served, ask: Ask) -> None:
    if case.made.classes is None:
        pytest.skip("it has no classes")
    classes = case.made.classes
    assert ask(case.columns)["label"].tolist() == [classes[at] for at in case.answers.argmax(axis=1)]
    assert case.version.contract.classes == case.made.classes
    assert type(ask(row(case))["label"].tolist()[0]) is type(case.made.classes[0])


def test_any_batch_answers_as_its_rows_alone(case: Served, ask: Ask) -> None:
    alone = [ask(row(case, at)) for at in range(30)]

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.integers(0, 29), min_size=1, max_size=60))
    def check(index: list[int]) -> None:
        together = ask(take(case.columns, np.array(index)))
        assert together.keys() == alone[0].keys()
        for name, values in together.items():
            expected = np.concatenate([alone[at][name] for at in index])
            if values.dtype.kind == "f":
                np.testing.assert_allclose(values, expected, atol=1e-6)
            else:
                assert values.tolist() == expected.tolist()

    check()


def test_an_unseen_category_is_answered_as_by_the_model(case: Served, ask: Ask) -> None:
    if not case.takes_text:
        pytest.skip("it takes numbers only")
    given_row = row(case, plan="enterprise")
    expected = case.made.answer(frame_of(case, given_row))
    np.testing.assert_allclose(ask(given_row)[case.output], expected, atol=1e-5)


def test_a_missing_text_is_answered_as_by_the_model(case: Served, ask: Ask) -> None:
    if not case.takes_text:
        pytest.skip("it takes numbers only")
    given_row = row(case, plan=None)
    expected = case.made.answer(frame_of(case, given_row))
    np.testing.assert_allclose(ask(given_row)[case.output], expected, atol=1e-5)


def test_requests_at_once_get_their_own_answers(case: Served, running: Running, loop: asyncio.Runner) -> None:
    async def run() -> list[NDArray[Any]]:
        runtime = running(case)
        answers = await asyncio.gather(*[runtime.predict(row(case, at), 10.0) for at in range(30)])
        return [answer[case.output] for answer in answers]

    np.testing.assert_allclose(np.concatenate(loop.run(run())), case.answers[:30], atol=1e-5)


def test_a_column_of_the_wrong_type_fails_that_request_and_no_other(case: Served, ask: Ask) -> None:
    with pytest.raises(ModelFailedError) as failed:
        ask(row(case, amount="many"))
    assert failed.value.status == "model_error"
    assert "Traceback" not in str(failed.value)
    np.testing.assert_allclose(ask(row(case))[case.output], case.answers[:1], atol=1e-5)


def test_what_is_not_in_the_contract_is_left_alone(case: Served, ask: Ask) -> None:
    more = {**row(case), "no column of the model": np.array([1.0])}
    np.testing.assert_allclose(ask(more)[case.output], case.answers[:1], atol=1e-5)


def test_a_contract_that_the_model_does_not_keep_is_an_invalid_output(case: Served, loop: asyncio.Runner) -> None:
    contract = broken_promise(case)
    broken = replace(case, version=msgspec.structs.replace(case.version, contract=contract))

    async def run(runtime: Runtime) -> str:
        try:
            with pytest.raises(ModelFailedError) as failed:
                await runtime.predict(row(broken), 10.0)
            return failed.value.status
        finally:
            await runtime.close()

    assert loop.run(run(load_runtime(broken.version, broken.artifacts))) == "invalid_output"


def broken_promise(case: Served) -> Contract:
    """River is asked for each class by its name, so a class more is no fault there, and a wrong one is."""
    contract = case.version.contract
    if case.made.classes is None:
        (output,) = contract.outputs
        return msgspec.structs.replace(contract, outputs=(msgspec.structs.replace(output, shape=(2,)),))
    wrong = ("no", "yes") if case.version.serving_format == "river" else (*case.made.classes, "third")
    return msgspec.structs.replace(contract, classes=wrong)


def test_a_damaged_artifact_is_refused_by_name(case: Served, tmp_path: Path) -> None:
    digest = case.version.serving_digest
    content = bytearray((case.artifacts / digest).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / digest).write_bytes(content)
    with pytest.raises(UnloadableModelError, match="damaged"):
        load_runtime(case.version, tmp_path)


def test_a_missing_artifact_is_refused_by_name(case: Served, tmp_path: Path) -> None:
    with pytest.raises(UnloadableModelError, match=f"{case.version.serving_digest} is missing"):
        load_runtime(case.version, tmp_path)


def test_after_close_it_refuses_and_closing_twice_is_allowed(case: Served, loop: asyncio.Runner) -> None:
    async def run(runtime: Runtime) -> None:
        assert rows_of(await runtime.predict(row(case), 10.0)) == 1
        await runtime.close()
        await runtime.close()
        with pytest.raises(ModelFailedError):
            await runtime.predict(row(case), 10.0)

    loop.run(run(load_runtime(case.version, case.artifacts)))


def test_a_passed_deadline_is_a_timeout_off_the_loop(case: Served, running: Running, loop: asyncio.Runner) -> None:
    if case.version.placement == "inline":
        pytest.skip("in the loop nothing can interrupt it; that is why its time was measured")
    with pytest.raises(DeadlineExceededError):
        loop.run(running(case).predict(case.columns, 1e-6))


def test_its_process_works_on_one_thread(case: Served, ask: Ask, running: Running) -> None:
    """The threads of one model would make the latency of all others noise."""
    if case.version.placement != "isolated":
        pytest.skip("it has no process of its own")
    pid = running(case).pid  # type: ignore[attr-defined]  # of isolated ones
    before = ticks(pid)
    for _ in range(10):
        ask(take(case.columns, np.arange(1000) % 200))
    busy = [thread for thread, spent in ticks(pid).items() if spent - before.get(thread, 0) > 1]
    assert busy in ([], [pid])


def ticks(pid: int) -> dict[int, int]:
    """Processor time of each thread of a process, in hundredths of a second."""
    stats = {int(path.parent.name): path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")}
    return {thread: sum(map(int, stat.rpartition(")")[2].split()[11:13])) for thread, stat in stats.items()}


def test_frameworks_are_written_down(case: Served) -> None:
    """So that a later load can name what has changed."""
    frameworks = case.version.frameworks
    expected = {
        "skops": "scikit-learn", "pickle": "scikit-learn", "mlflow": "scikit-learn", "onnx": "onnxruntime",
        "xgboost": "xgboost", "lightgbm": "lightgbm", "river": "river", "python": "numpy", "torch_export": "torch",
        "torchscript": "torch",
    }  # fmt: skip
    if case.version.serving_format == "remote":
        assert frameworks == {}
    elif case.made.classes is None:
        assert {"python", "mlflow"} <= frameworks.keys()
    else:
        assert {"python", expected[case.version.serving_format]} <= frameworks.keys()
