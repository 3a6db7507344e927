"""The process in which a policy is evaluated: `python -m interlock.releases.evaluation_job`, its task on stdin.

Started by `evaluate_apart`. It reads a week of the log and fits a model to it: memory that goes back, and a processor
that it leaves to whoever serves.
"""

import logging
import os
import sys
from pathlib import Path

import msgspec

from interlock.predictions import job_process
from interlock.releases.evaluation import Evaluation, Evaluations, Question
from interlock.store.database import Store

_NICE = 5


class Task(msgspec.Struct, frozen=True):
    """What is asked, of which store (its URL) and log (its root)."""

    store: str
    log: str
    asked: Question


def main() -> None:
    """Evaluate one policy."""
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    job_process.end_with_starter()
    os.nice(_NICE)
    logging.basicConfig(level=logging.ERROR, format="evaluation %(levelname)s %(name)s: %(message)s")
    job_process.answer(lambda: _evaluate(task))


def _evaluate(task: Task) -> Evaluation:
    store = Store(task.store)
    try:
        return Evaluations(store, Path(task.log)).evaluate(task.asked)
    finally:
        store.close()


if __name__ == "__main__":
    main()
