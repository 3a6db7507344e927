"""The folder of an endpoint's advice: one file that says how far it is and what came of it.

Written by its process, and by the API where that process died; read by whoever asks.
"""

import shutil
from pathlib import Path

import msgspec

from interlock.domain.advice import Advice
from interlock.domain.errors import NotFoundError
from interlock.learning import workspace

_NAME = "advice.json"


def folder_of(runs: Path, endpoint: str) -> Path:
    """Where an endpoint's advice is, among the folders of its runs."""
    return runs / f"{endpoint}-advice"


def read(folder: Path) -> Advice:
    """The newest advice.

    Raises:
        NotFoundError: Nobody has asked yet, or on another machine.
    """
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=Advice)
    except FileNotFoundError:
        raise NotFoundError("advice", folder.name) from None


def write(folder: Path, advice: Advice) -> None:
    """Put it in the place of what was there."""
    workspace.write(folder / _NAME, advice)


def clean(folder: Path) -> None:
    """Remove the rows and the models of a measurement; what was found stays."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in (_NAME, workspace.LOG):
            path.unlink(missing_ok=True)
