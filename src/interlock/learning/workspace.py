"""The folder of one run: what its processes tell each other, its log, and what the trainer keeps.

Called by the run's processes and by whoever shows a run. Rows and models are removed when a run has ended; its log,
its figures and its artifacts stay.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

from interlock.learning.dataset import HELD_OUT, TRAINING

LOG, METRICS, ARTIFACTS = "log.txt", "metrics.jsonl", "artifacts"
TASK, RESULT, PROGRESS = "task.json", "result.json", "progress.json"
REFERENCE, MODEL = "reference.parquet", "model"

KEPT = (LOG, METRICS, ARTIFACTS)
"""What stays when a run has ended; all else is its work, and may be gone at any moment."""

_NOT_KEPT = (TRAINING, HELD_OUT, "labelled.parquet", REFERENCE, TASK, RESULT, PROGRESS)
_NOT_KEPT_FOLDERS = (MODEL, "spill", "parent", "scratch")


def write(path: Path, value: Any) -> None:
    """Write a value as JSON, so that a reader sees all of it or what was there before."""
    half = path.with_suffix(".new")
    half.write_bytes(msgspec.json.encode(value))
    half.replace(path)


def clean(folder: Path) -> None:
    """Remove what an ended run needs no more."""
    for name in _NOT_KEPT:
        (folder / name).unlink(missing_ok=True)
    for name in _NOT_KEPT_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)


def prepare(folder: Path) -> None:
    """Make the folder, without what an earlier attempt left."""
    folder.mkdir(parents=True, exist_ok=True)
    clean(folder)
    (folder / METRICS).unlink(missing_ok=True)
    for name in (MODEL, ARTIFACTS, "spill", "scratch"):
        (folder / name).mkdir(exist_ok=True)


def tail(folder: Path, most_bytes: int) -> str:
    """The last part of a run's log, from the beginning of a line; empty where there is none."""
    try:
        with (folder / LOG).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most_bytes))
            said = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return said if size <= most_bytes else said.partition("\n")[2]
