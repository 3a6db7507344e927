"""Work in a process of its own: real ones, which answer, refuse, die, hang and lose their starter."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.predictions import job_process

JOB = """
import json, os, sys, time
from interlock.domain.errors import InvalidInputError
from interlock.predictions import job_process

def refuse(*faults):
    raise InvalidInputError(*faults)

task = json.loads(sys.stdin.buffer.readline())
job_process.end_with_starter()
work = {
    "double": lambda: print("noise of a library") or 2 * task["number"],
    "refuse": lambda: refuse("a == 1", "b == 2"),
    "die": lambda: os._exit(7),
    "hang": lambda: time.sleep(600),
}
job_process.answer(work[task["do"]])
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "a_job.py").write_text(JOB)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "a_job"


def test_what_it_finds_is_handed_back(job: str) -> None:
    assert job_process.ask(job, {"do": "double", "number": 21}, int, seconds=30) == 42


def test_every_fault_comes_through(job: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        job_process.ask(job, {"do": "refuse"}, int, seconds=30)
    assert caught.value.faults == ("a == 1", "b == 2")


def test_one_that_dies_is_a_conflict_that_says_so(job: str) -> None:
    with pytest.raises(ConflictError, match=r"ended \(code 7\)"):
        job_process.ask(job, {"do": "die"}, int, seconds=30)


def test_one_that_hangs_is_ended(job: str) -> None:
    began = time.monotonic()
    with pytest.raises(ConflictError, match="longer than 2 s"):
        job_process.ask(job, {"do": "hang"}, int, seconds=2)
    assert time.monotonic() - began < 30


def test_it_ends_with_its_starter(job: str) -> None:
    process = subprocess.Popen([sys.executable, "-m", job], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(b'{"do": "hang"}\n')
    process.stdin.flush()
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(30) == 1
