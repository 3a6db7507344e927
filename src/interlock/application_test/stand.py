"""A gateway for one test: its own process, its own folder, store, spool and key, on a port that the system chooses.

It is the code that serves production, with the same contract, validation, runner processes and deadline, and none of
its state. Called by `run`. It ends with the test, however that ends.
"""

import contextlib
import hashlib
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server

from interlock.client.transport import Transport
from interlock.domain.access import Key
from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import InterlockError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.traffic import TrafficPlan
from interlock.settings import Settings
from interlock.store.database import Store

STARTUP_SECONDS = 120.0
_LOOK_SECONDS = 0.05
_STOP_SECONDS = 10.0
_ERROR = re.compile(rb"^(?:\w+\.)*\w*(?:Error|Exception|Warning|Interrupt)\b.*$", re.MULTILINE)


@dataclass
class Stand:
    """A running gateway.

    Args:
        url: Of its HTTP port.
        key: What its callers show.
        pid: Its process; those of models are below it.
    """

    url: str
    key: str
    pid: int
    said: Path
    _read: int = 0

    def last_error(self) -> str:
        """The last error that its log names since this was asked before; empty if there is none."""
        with self.said.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        found = _ERROR.findall(new)
        return found[-1].decode(errors="replace").strip()[:300] if found else ""


@contextlib.contextmanager
def standing(versions: Mapping[str, ModelVersion], artifacts: Path, deadline_ms: float) -> Iterator[Stand]:
    """Serve versions, each at an endpoint of a name.

    Args:
        versions: By the name of the endpoint.
        artifacts: Folder of artifacts; only read.
        deadline_ms: Of each attempt.

    Raises:
        UnloadableModelError: A version cannot be loaded, or was not within its time.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-test-", ignore_cleanup_errors=True) as folder:
        settings, key = Settings(home=Path(folder)), secrets.token_urlsafe(32)
        store = _furnished(settings, versions, artifacts, deadline_ms, key)
        try:
            with _process(settings) as (process, port):
                stand = Stand(f"http://127.0.0.1:{port}", key, process.pid, Path(folder) / "said")
                _wait(stand, process, store, versions)
                yield stand
        finally:
            store.close()


def _furnished(
    settings: Settings, versions: Mapping[str, ModelVersion], artifacts: Path, deadline_ms: float, key: str
) -> Store:
    now = datetime.now(UTC)
    for folder in (settings.spools, settings.gateway_state, settings.log, settings.run):
        folder.mkdir()
    settings.artifacts.symlink_to(artifacts.absolute(), target_is_directory=True)
    store = Store.open(settings.database_url)
    digest = hashlib.sha256(key.encode()).hexdigest()
    with store.transaction() as tx:
        tx.keys.add(Key(name="test", role="scorer", digest=digest, created_at=now))
        for name, version in versions.items():
            tx.models.add(version)
            tx.endpoints.add(Endpoint(name=name, created_at=now, created_by="test", deadline_ms=deadline_ms))
            tx.plans.append(
                TrafficPlan(endpoint=name, generation=1, champion=version.ref, deadline_ms=deadline_ms, image_share=0.0)
            )
    return store


@contextlib.contextmanager
def _process(settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    command = [sys.executable, "-m", "interlock.application_test.stand_process"]
    with (settings.home / "said").open("wb") as said, create_server(("127.0.0.1", 0), backlog=128) as listener:
        process = subprocess.Popen(
            [*command, str(listener.fileno()), str(settings.home), str(os.getpid())],
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            yield process, listener.getsockname()[1]
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(stand: Stand, process: subprocess.Popen[bytes], store: Store, versions: Mapping[str, ModelVersion]) -> None:
    """Until every version is loaded, or one cannot be."""
    transport = Transport(stand.url, stand.key, STARTUP_SECONDS)
    seconds = sum(version.runner.startup_seconds or STARTUP_SECONDS for version in versions.values())
    ends = time.monotonic() + seconds
    waiting = list(versions)
    while waiting:
        if process.poll() is not None:
            raise UnloadableModelError(f"the gateway of the test ended ({process.returncode}): {stand.last_error()}")
        with store.read() as tx:
            errors = {ref: why for state in tx.gateways.live(_EVER) for ref, why in state.load_errors.items()}
        for version in versions.values():
            if version.ref in errors:
                raise UnloadableModelError(errors[version.ref])
        if time.monotonic() > ends:
            raise UnloadableModelError(f"{versions[waiting[0]].ref} was not loaded within {seconds:g} s")
        waiting = [name for name in waiting if not _is_served(transport, name)]
        time.sleep(_LOOK_SECONDS if waiting else 0)
    transport.close()


_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def _is_served(transport: Transport, name: str) -> bool:
    try:
        transport.call("GET", f"/v2/models/{name}/ready")
    except InterlockError:
        return False
    return True
