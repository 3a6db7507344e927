"""The process in which a trainer runs: `python -m interlock.learning.trainer_process FOLDER PARENT_PID`.

Started by the run's process, with a time limit there and a memory limit here, in an environment without secrets.
Whatever a user's code does, it does it here: a crash, a hang or a leak ends this process and nothing else. It is no
security sandbox. What it prints is the run's log.
"""

import logging
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from interlock.domain.errors import InterlockError, InvalidInputError
from interlock.learning import workspace
from interlock.learning.context import Task, TrainingContext
from interlock.learning.saving import save
from interlock.runtimes.runner import die_with_parent, limit_memory


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: the path of a model, or why there is none."""

    model: str = ""
    error: str = ""


def main(argv: list[str]) -> int:
    """Train as the folder's task says, and write its result."""
    folder = Path(argv[0])
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    if not die_with_parent(int(argv[1])):
        return 1
    task = msgspec.json.decode((folder / workspace.TASK).read_bytes(), type=Task)
    limit_memory(str(task.memory_bytes) if task.memory_bytes else None)
    workspace.write(folder / workspace.RESULT, run(task))
    return 0


def run(task: Task) -> Result:
    """Train, and say what came of it. The trainer's own traceback goes to the log."""
    try:
        made = trainer_of(task)(TrainingContext(task))
        path = save(made, Path(task.folder) / workspace.MODEL, trust_pickle=task.trust_pickle)
    except MemoryError:
        traceback.print_exc()
        limit = f" than {task.memory_bytes / 2**20:.0f} MiB" if task.memory_bytes else ""
        return Result(error=f"the trainer needs more memory{limit}; give it more (memory_bytes), or a shorter window")
    except InterlockError as error:
        return Result(error=str(error))
    except Exception as error:  # whatever a user's code raises
        traceback.print_exc()
        return Result(error=f"the trainer raised {type(error).__name__}: {str(error)[:500]}")
    return Result(model=str(path.absolute()))


def trainer_of(task: Task) -> Callable[[TrainingContext], Any]:
    """The function that trains.

    Raises:
        InvalidInputError: There is no such function.
    """
    if task.trainer == "sklearn":
        from interlock.learning.estimators import train

        return train
    module, _, function = task.trainer.partition(":")[2].rpartition(".")
    if task.code is not None:
        sys.path.insert(0, task.code)
    try:
        found = getattr(import_module(module), function, None)
    except ModuleNotFoundError as error:
        raise InvalidInputError(f"trainer == {task.trainer!r}: {error}; code == {task.code!r}") from error
    if not callable(found):
        raise InvalidInputError(f"trainer == {task.trainer!r}, and module {module} has no function {function!r}")
    trainer: Callable[[TrainingContext], Any] = found
    return trainer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
