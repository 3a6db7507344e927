import asyncio
import threading
from datetime import UTC, datetime

from interlock.domain.contract import Contract
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.gateway.versions import Versions


class Closable:
    """A runtime that knows whether it was closed."""

    is_closed = False

    async def predict(self, columns: Columns, deadline_seconds: float) -> dict[str, object]:
        raise NotImplementedError

    async def close(self) -> None:
        self.is_closed = True


def version(number: int) -> ModelVersion:
    return ModelVersion(
        name="m", version=number, digest="d", model_format="onnx", serving_digest="d", serving_format="onnx",
        placement="inline", contract=Contract(inputs=(), outputs=()), created_at=datetime.now(UTC), created_by="test",
    )  # fmt: skip


def test_versions_are_loaded_once_off_the_loop_and_closed_after_the_grace() -> None:
    loads: list[tuple[str, bool]] = []
    runtime = Closable()

    def load(found: ModelVersion) -> Closable:
        loads.append((found.ref, threading.current_thread() is threading.main_thread()))
        return runtime

    async def run() -> None:
        versions = Versions(load, grace_seconds=0.02)  # type: ignore[arg-type]  # as above
        await asyncio.gather(versions.ensure([version(1)]), versions.ensure([version(1)]))
        await versions.ensure([version(1)])
        assert loads == [("m:1", False)]
        await versions.retire([])
        assert not runtime.is_closed
        await versions.retire(["m:1"])  # named again: the grace begins anew
        await asyncio.sleep(0.03)
        await versions.retire([])
        assert not runtime.is_closed
        await asyncio.sleep(0.03)
        await versions.retire([])
        assert runtime.is_closed
        assert versions.loaded == {}

    asyncio.run(run())


def test_version_that_cannot_be_loaded_is_left_alone_for_a_while_and_tried_again() -> None:
    outcomes: list[Exception | Closable] = [UnloadableModelError("damaged"), Closable()]

    def load(found: ModelVersion) -> Closable:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def run() -> None:
        versions = Versions(load, retry_seconds=0.05)  # type: ignore[arg-type]  # as above
        await versions.ensure([version(1)])
        assert versions.errors == {"m:1": "damaged"}
        await versions.ensure([version(1)])
        assert len(outcomes) == 1
        await asyncio.sleep(0.06)
        await versions.ensure([version(1)])
        assert versions.errors == {}
        assert list(versions.loaded) == ["m:1"]

    asyncio.run(run())
