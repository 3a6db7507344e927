"""Opening and asking a model in the process that will serve it, while it is registered.

Called by `source` and `serving` for every format that this process must not or cannot open: code of users, frameworks
of another interpreter, and graphs that nobody has bounded yet.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import ModelFailedError, UnloadableModelError
from interlock.domain.model import ModelFormat, ModelVersion
from interlock.domain.ports import Columns
from interlock.registry.registration import Job
from interlock.runtimes import wire
from interlock.runtimes.facts import Facts
from interlock.runtimes.runner_process import RunnerProcess

STARTUP_SECONDS = 60.0

# An answer at registration may be the first of a cold model, to many rows.
ANSWER_SECONDS = 30.0

_NOTHING = Contract(inputs=(), outputs=())


class ApartModel:
    """A stored model in one process, which is kept from the first look to the last question: frameworks load slowly.

    Args:
        job: What is registered.
        model_format: How it is opened.
        stored: Its file, called by its SHA-256; default: the artifact.
    """

    def __init__(self, job: Job, model_format: ModelFormat, stored: Path | None = None) -> None:
        self._job, self._format, self._stored = job, model_format, stored or Path(job.stored)
        self._process: RunnerProcess | None = None

    def facts(self) -> Facts:
        """What it is.

        Raises:
            UnloadableModelError: It is not a model that can be served.
        """
        version = self._version(_NOTHING)
        with self._or_close():
            facts = self._running(version).describe(version)
        self._format = facts.model_format or self._format
        return facts

    def predictor(self, contract: Contract, *, answer_seconds: float = ANSWER_SECONDS) -> "ApartPredictor":
        """Load it to be asked under a contract; without outputs, it answers as it likes.

        Args:
            answer_seconds: How long it may think.

        Raises:
            UnloadableModelError: It cannot be loaded.
        """
        return ApartPredictor(self, contract, self._job.source_name, answer_seconds)

    def load(self, contract: Contract) -> RunnerProcess:
        """Its process, with the model loaded under a contract. For `ApartPredictor`."""
        version = self._version(contract)
        with self._or_close():
            process = self._running(version)
            process.load(version)
        return process

    def close(self) -> int | None:
        """End its process, if there is one. Returns its exit code."""
        process, self._process = self._process, None
        return process.kill() if process is not None else None

    def _running(self, version: ModelVersion) -> RunnerProcess:
        if self._process is None:
            self._process = RunnerProcess.empty(version, self._stored.parent, startup_seconds=STARTUP_SECONDS)
        return self._process

    @contextlib.contextmanager
    def _or_close(self) -> Iterator[None]:
        """On a refusal the process has ended; the message calls the model as its user does."""
        try:
            yield
        except UnloadableModelError as error:
            self.close()
            name = self._job.source_name
            raise UnloadableModelError(str(error).replace(f"{name}:0", name)) from error

    def _version(self, contract: Contract) -> ModelVersion:
        """The version that is being registered, as far as a runner process looks at it."""
        digest = self._stored.name
        return ModelVersion(
            name=self._job.source_name,
            version=0,
            digest=digest,
            model_format=self._format,
            serving_digest=digest,
            serving_format=self._format,
            placement="isolated",
            contract=contract,
            created_at=datetime.fromtimestamp(0, UTC),
            created_by="registration",
            entry=self._job.entry,
            runner=self._job.runner,
        )


class ApartPredictor:
    """A model asked in its own process. After a death or a hang it is started again for the next question."""

    def __init__(self, model: ApartModel, contract: Contract, name: str, answer_seconds: float) -> None:
        self._model, self._contract, self._name, self._seconds = model, contract, name, answer_seconds
        self._process: RunnerProcess | None = model.load(contract)

    @property
    def pid(self) -> int | None:
        """Its process; None after it died or hung."""
        return self._process.pid if self._process is not None else None

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        process = self._process = self._process or self._model.load(self._contract)
        try:
            return process.ask(columns, self._seconds)
        except ModelFailedError as error:
            raise ModelFailedError(self._name, error.status, error.reason) from None
        except TimeoutError:
            self._lost()
            raise ModelFailedError(self._name, "timeout", f"no answer within {self._seconds:g} s") from None
        except wire.ClosedError:
            code = self._lost() or 0
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise ModelFailedError(self._name, "model_error", f"its process died ({how})") from None

    def close(self) -> None:
        self._lost()

    def _lost(self) -> int | None:
        self._process = None
        return self._model.close()
