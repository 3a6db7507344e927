"""Tests a version in a process of its own, with a time limit.

Handed to `registry.application_tests` by `bootstrap`.
"""

import logging
import os
import subprocess
import sys

import msgspec

from interlock.domain.application_tests import Findings
from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry.application_tests import Job
from interlock.registry.registration import Refusal
from interlock.runtimes.interpreter import environment
from interlock.runtimes.memory import memory_bytes
from interlock.settings import RUNNER_MEMORY

log = logging.getLogger(__name__)

# Each phase has a budget of its own (`run`); together with loading two models they end well before this.
TIME_LIMIT_SECONDS = 420.0

_REMOTE = "INTERLOCK_REMOTE_"
"""Variables with the tokens of other servers, whose models are asked here too."""


class _Said(msgspec.Struct, kw_only=True):
    findings: Findings | None = None
    refusal: Refusal | None = None


def run_apart(job: Job, time_limit_seconds: float = TIME_LIMIT_SECONDS) -> Findings:
    """Test in a process of its own.

    Raises:
        InvalidInputError: The held-out file does not fit the version.
        UnloadableModelError: It cannot be loaded; also when the process dies, or takes longer than the limit.
    """
    seconds = time_limit_seconds + 2 * (job.candidate.runner.startup_seconds or 0)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "interlock.application_test.job", str(os.getpid())],
            input=msgspec.json.encode(job),
            capture_output=True,
            env=_environment(job),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnloadableModelError(f"testing {job.candidate.ref} took longer than {seconds:g} s") from None
    if done.stderr:
        log.warning("testing %s: %s", job.candidate.ref, done.stderr.decode(errors="replace")[-4000:])
    if done.returncode != 0 or not done.stdout:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise UnloadableModelError(
            f"the process that tested {job.candidate.ref} ended ({how}); see the output of `interlock up`"
        )
    return _findings(msgspec.json.decode(done.stdout, type=_Said))


def _findings(said: _Said) -> Findings:
    if said.findings is not None:
        return said.findings
    faults = said.refusal.faults if said.refusal is not None else ("it said nothing",)
    if said.refusal is not None and said.refusal.error == "InvalidInputError":
        raise InvalidInputError(*faults)
    raise UnloadableModelError(*faults)


def _environment(job: Job) -> dict[str, str]:
    """What the testing process and its gateway may see: no keys and passwords but those of remote models."""
    versions = (job.candidate, job.champion) if job.champion is not None else (job.candidate,)
    is_remote = any(version.placement == "remote" for version in versions)
    given = {name: value for name, value in os.environ.items() if is_remote and name.startswith(_REMOTE)}
    return {**environment(None), RUNNER_MEMORY: str(memory_bytes(job.candidate.runner)), **given}
