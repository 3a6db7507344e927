"""Snapshots of one online learner, which share a runner process: a new one is loaded in a moment, beside those before.

Called by gateways, which may get a new snapshot every second: a process for each would cost more than all answers. What
a snapshot costs while it is loaded is one turn of the process; requests wait for it as they wait for each other. Any
other version is loaded as always.
"""

import asyncio
import contextlib
import threading
from pathlib import Path

from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, Runtime
from interlock.runtimes import wire
from interlock.runtimes.isolated import STARTUP_SECONDS, IsolatedRuntime
from interlock.runtimes.load import load_runtime
from interlock.runtimes.one_thread import Outputs
from interlock.runtimes.runner_process import RunnerProcess

LEARNER = "learner"
"""In a version's lineage: the learner whose snapshot it is."""

_DROP_SECONDS = 5.0


class SnapshotLoader:
    """Loads versions for a gateway, whose snapshots share processes.

    Args:
        artifacts: Folder of artifacts.
    """

    def __init__(self, artifacts: Path) -> None:
        self._artifacts = artifacts
        self._lock = threading.Lock()
        self._processes: dict[str, SnapshotProcess] = {}

    def load(self, version: ModelVersion) -> Runtime:
        """As `load_runtime`; blocks.

        Raises:
            UnloadableModelError: As there.
        """
        learner = version.lineage.get(LEARNER)
        if version.placement != "isolated" or not isinstance(learner, str):
            return load_runtime(version, self._artifacts)
        with self._lock:
            process = self._processes.get(learner)
            if process is None:
                process = self._processes[learner] = SnapshotProcess(version, self._artifacts)
            else:
                process.add(version)
        return SnapshotRuntime(process, version.ref, self)

    async def let_go(self, process: "SnapshotProcess", ref: str) -> None:
        """Forget a snapshot, and end its process if it was the last one in it."""
        if await asyncio.to_thread(self._drop, process, ref):
            await process.close()

    def _drop(self, process: "SnapshotProcess", ref: str) -> bool:
        with self._lock:
            if not process.drop(ref):
                return False
            self._processes = {name: each for name, each in self._processes.items() if each is not process}
            return True


class SnapshotProcess(IsolatedRuntime):
    """A runner process with several versions. Started again, it loads all of them."""

    def __init__(self, version: ModelVersion, artifacts: Path, *, startup_seconds: float = STARTUP_SECONDS) -> None:
        self._models: dict[str, ModelVersion] = {version.ref: version}
        super().__init__(version, artifacts, startup_seconds=startup_seconds)

    def add(self, version: ModelVersion) -> None:
        """Load another version. Blocks.

        Raises:
            UnloadableModelError: It cannot be loaded.
        """
        try:
            self._thread.call(lambda: self._add(version), self._startup_seconds)
        except TimeoutError:
            raise UnloadableModelError(f"{version.ref} was not loaded within {self._startup_seconds:g} s") from None

    def drop(self, ref: str) -> bool:
        """Forget a version; whether none is left. Blocks."""
        self._models.pop(ref, None)
        if not self._models:
            return True
        with contextlib.suppress(TimeoutError):  # it is stuck, and will be started again without
            self._thread.call(lambda: self._drop(ref), _DROP_SECONDS)
        return False

    # In the thread.

    def _start(self) -> RunnerProcess:
        if not (models := list(self._models.values())):
            raise UnloadableModelError(f"no snapshot beside {self._version.ref} is wanted any more")
        runner = RunnerProcess.empty(models[0], self._artifacts, startup_seconds=self._startup_seconds)
        try:
            for version in models:
                runner.add(version.ref, version)
        except wire.ClosedError:
            raise UnloadableModelError(runner.why_dead()) from None
        except TimeoutError:
            runner.kill()
            raise UnloadableModelError(f"the runner of {self._version.ref} was not ready in time") from None
        except BaseException:
            runner.kill()
            raise
        return runner

    def _add(self, version: ModelVersion) -> None:
        if self._runner is not None:
            try:
                self._runner.add(version.ref, version)
            except (wire.ClosedError, TimeoutError) as error:
                self._lost("died")
                raise UnloadableModelError(f"the runner died while it loaded {version.ref}") from error
        self._models[version.ref] = version  # where there is none just now, the next one loads it

    def _drop(self, ref: str) -> None:
        if self._runner is not None:
            try:
                self._runner.drop(ref, _DROP_SECONDS)
            except (wire.ClosedError, TimeoutError):
                self._lost("died")


class SnapshotRuntime:
    """One snapshot in a process that it shares."""

    rows_in_loop = 0

    def __init__(self, process: SnapshotProcess, ref: str, loader: SnapshotLoader) -> None:
        self.process, self._ref, self._loader = process, ref, loader

    def predict_now(self, columns: Columns) -> Outputs:
        raise NotImplementedError("a process is never asked within a turn of the event loop")

    async def predict(self, columns: Columns, deadline_seconds: float) -> Outputs:
        return await self.process.predict(columns, deadline_seconds, self._ref)

    async def close(self) -> None:
        await self._loader.let_go(self.process, self._ref)
