"""Examines a model in a process of its own, and stores what serves it.

Called by `service`. The artifact is stored first and examined as stored, so that what was proven is what will be
served.
"""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry.artifacts import ArtifactStore
from interlock.registry.registration import Examination, Job, Refusal, Registration
from interlock.runtimes.interpreter import environment
from interlock.runtimes.memory import memory_bytes
from interlock.settings import RUNNER_MEMORY

log = logging.getLogger(__name__)

TIME_LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Registered:
    """What was found out, and where artifact and serving file are stored."""

    examination: Examination
    digest: str
    serving_digest: str


Examiner = Callable[[Job], Examination]
"""Finds out about a stored model: `examine_apart`, or in this process where the model is trusted."""


def register(request: Registration, artifacts: ArtifactStore, examiner: Examiner) -> Registered:
    """Store and examine a source. Takes seconds; call it off the event loop.

    Raises:
        InvalidInputError: The source or the reference is not there, or they do not fit each other.
        UnloadableModelError: The source is not a model that can be served, and why.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-register-") as made:
        source = _source(request, Path(made))
        digest, is_new = _put(source, artifacts)
    try:
        with tempfile.TemporaryDirectory(prefix=".staging-", dir=artifacts.root) as staging:
            (Path(staging) / "folder").mkdir()
            found = examiner(_job(request, source, artifacts.path(digest), Path(staging)))
            serving_digest = artifacts.put(Path(found.serving_file)) if found.serving_file else digest
    except BaseException:
        if is_new:
            artifacts.discard(digest)
        raise
    return Registered(found, digest, serving_digest)


def _source(request: Registration, made: Path) -> Path:
    """What is stored: the user's file or folder, or what stands for a server, or for a class without code."""
    if request.remote is not None:
        file = made / "remote.json"
        file.write_bytes(msgspec.json.encode(request.remote))
        return file
    if request.source is None:
        if not request.entry:
            raise InvalidInputError("source is missing; give a file, a folder, a class or the address of a server")
        (made / "code").mkdir()
        return made / "code"
    if not request.source.exists():
        raise InvalidInputError(f"source == {str(request.source)!r}, there is no such file or folder")
    if request.entry and not request.source.is_dir():
        folder = made / "code"
        folder.mkdir()
        shutil.copyfile(request.source, folder / request.source.name)
        return folder
    return request.source


def _job(request: Registration, source: Path, stored: Path, staging: Path) -> Job:
    return Job(
        stored=str(stored.absolute()),
        source_name=_called(request, source),
        staging=str(staging.absolute()),
        reference=str(request.reference.absolute()) if request.reference else None,
        label=request.label,
        trust_pickle=request.trust_pickle,
        compile=request.compile,
        contract=request.contract,
        entry=request.entry,
        remote=request.remote,
        runner=request.runner,
    )


def _called(request: Registration, source: Path) -> str:
    """What messages call it."""
    if request.remote is not None:
        return request.remote.url
    if request.entry:
        return f"python:{request.entry}"
    return source.name + ("/" if source.is_dir() else "")


def _put(source: Path, artifacts: ArtifactStore) -> tuple[str, bool]:
    before = {path.name for path in artifacts.root.iterdir()} if artifacts.root.exists() else set()
    try:
        digest = artifacts.put(source)
    except OSError as error:
        raise InvalidInputError(f"source == {str(source)!r} cannot be read: {error.strerror}") from error
    return digest, digest not in before


def examine_apart(job: Job, time_limit_seconds: float = TIME_LIMIT_SECONDS) -> Examination:
    """Examine in a process of its own.

    Raises:
        InvalidInputError: As `examine.examine`.
        UnloadableModelError: As there; also when the process dies, or takes longer than `time_limit_seconds`.
    """
    command = [sys.executable, "-m", "interlock.registry.job", str(os.getpid())]
    seconds = time_limit_seconds + 2 * (job.runner.startup_seconds or 0)
    try:
        done = subprocess.run(
            command,
            input=msgspec.json.encode(job),
            capture_output=True,
            env=_environment(job),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnloadableModelError(
            f"examining {job.source_name} took longer than {seconds:g} s; it hangs, or give fewer reference rows, "
            "or a smaller model"
        ) from None
    if done.stderr:
        log.warning("examining %s: %s", job.source_name, done.stderr.decode(errors="replace")[-4000:])
    if done.returncode != 0 or not done.stdout:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise UnloadableModelError(
            f"{job.source_name} ended the process that examined it ({how}); see the output of `interlock up`"
        )
    found = msgspec.json.decode(done.stdout, type=Examination | Refusal)
    if isinstance(found, Examination):
        return found
    if found.error == "InvalidInputError":
        raise InvalidInputError(*found.faults)
    raise UnloadableModelError(*found.faults)


def _environment(job: Job) -> dict[str, str]:
    """What the examining process may see: of secrets only the one that a remote model is asked with."""
    token = job.remote.token_env if job.remote is not None else None
    given = {token: os.environ[token]} if token is not None and token in os.environ else {}
    return {**environment(None), RUNNER_MEMORY: str(memory_bytes(job.runner)), **given}
