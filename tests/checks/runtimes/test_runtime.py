"""What every runtime must do, whatever the format and wherever the model runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from interlock.domain.errors import DeadlineExceededError, ModelFailedError, UnloadableModelError
from interlock.domain.ports import Runtime, take
from interlock.runtimes.load import load_runtime

PLACEMENTS = ("inline onnx", "thread onnx", "isolated onnx", "isolated skops", "isolated pickle", "isolated mlflow")

Get = Callable[[str], Any]


@pytest.fixture(params=PLACEMENTS)
def case(request: pytest.FixtureRequest, served: Get) -> Any:
    return served(request.param)


@asynccontextmanager
async def running(case: Any) -> AsyncIterator[Runtime]:
    runtime = await asyncio.to_thread(load_runtime, case.version, case.artifacts)
    try:
        yield runtime
    finally:
        await runtime.close()


def predict(case: Any, *batches: Any) -> list[dict[str, NDArray[Any]]]:
    async def run() -> list[dict[str, NDArray[Any]]]:
        async with running(case) as runtime:
            return [await runtime.predict(batch, 10.0) for batch in batches]

    return asyncio.run(run())


def test_answers_equal_the_pipeline_it_came_from_also_where_values_are_missing(case: Any) -> None:
    (outputs,) = predict(case, case.columns)
    np.testing.assert_allclose(outputs["probabilities"], case.probabilities, atol=1e-5)
    expected = [case.version.contract.classes[at] for at in case.probabilities.argmax(axis=1)]
    assert outputs["label"].tolist() == expected


def test_a_batch_and_single_rows_answer_the_same(case: Any) -> None:
    count = 20
    together, *alone = predict(
        case, take(case.columns, slice(0, count)), *[take(case.columns, slice(at, at + 1)) for at in range(count)]
    )
    for name in ("label", "probabilities"):
        joined = np.concatenate([one[name] for one in alone])
        if name == "label":
            assert joined.tolist() == together[name].tolist()
        else:
            np.testing.assert_allclose(joined, together[name], atol=1e-7)


def test_an_unseen_category_is_answered_as_by_the_pipeline(case: Any, pipeline: Any) -> None:
    import pandas as pd

    row = {**take(case.columns, slice(0, 1)), "plan": np.array(["enterprise"], dtype=object)}
    (outputs,) = predict(case, row)
    np.testing.assert_allclose(outputs["probabilities"], pipeline.predict_proba(pd.DataFrame(row)), atol=1e-5)


def test_requests_at_once_get_their_own_answers(case: Any) -> None:
    async def run() -> list[NDArray[Any]]:
        async with running(case) as runtime:
            rows = [take(case.columns, slice(at, at + 1)) for at in range(30)]
            answers = await asyncio.gather(*[runtime.predict(row, 10.0) for row in rows])
            return [answer["probabilities"] for answer in answers]

    np.testing.assert_allclose(np.concatenate(asyncio.run(run())), case.probabilities[:30], atol=1e-5)


def test_a_column_of_the_wrong_type_fails_that_request_and_no_other(case: Any) -> None:
    async def run() -> NDArray[Any]:
        async with running(case) as runtime:
            bad = {**take(case.columns, slice(0, 1)), "amount": np.array(["many"], dtype=object)}
            with pytest.raises(ModelFailedError) as failed:
                await runtime.predict(bad, 10.0)
            assert failed.value.status == "model_error"
            assert "Traceback" not in str(failed.value)
            good = await runtime.predict(take(case.columns, slice(0, 1)), 10.0)
            return good["probabilities"]

    np.testing.assert_allclose(asyncio.run(run()), case.probabilities[:1], atol=1e-5)


def test_a_contract_that_the_model_does_not_keep_is_an_invalid_output(case: Any) -> None:
    contract = msgspec.structs.replace(case.version.contract, classes=("bleibt", "geht"))
    broken = replace(case, version=msgspec.structs.replace(case.version, contract=contract))
    with pytest.raises(ModelFailedError, match=r"label\[0\] == ") as failed:
        predict(broken, take(case.columns, slice(0, 1)))
    assert failed.value.status == "invalid_output"


def test_a_damaged_artifact_is_refused_by_name(case: Any, tmp_path: Path) -> None:
    digest = case.version.serving_digest
    content = bytearray((case.artifacts / digest).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / digest).write_bytes(content)
    with pytest.raises(UnloadableModelError, match="damaged"):
        load_runtime(case.version, tmp_path)


def test_a_missing_artifact_is_refused_by_name(case: Any, tmp_path: Path) -> None:
    with pytest.raises(UnloadableModelError, match=f"{case.version.serving_digest} is missing"):
        load_runtime(case.version, tmp_path)


def test_after_close_it_refuses_and_closing_twice_is_allowed(case: Any) -> None:
    async def run() -> None:
        async with running(case) as runtime:
            await runtime.close()
            with pytest.raises(ModelFailedError):
                await runtime.predict(take(case.columns, slice(0, 1)), 10.0)

    asyncio.run(run())


def test_a_passed_deadline_is_a_timeout_off_the_loop(case: Any) -> None:
    if case.version.placement == "inline":
        pytest.skip("in the loop nothing can interrupt it; that is why its time was measured")

    async def run() -> None:
        async with running(case) as runtime:
            with pytest.raises(DeadlineExceededError):
                await runtime.predict(case.columns, 1e-6)

    asyncio.run(run())
