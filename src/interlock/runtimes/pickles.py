"""Pickles that a person chose to trust: reading one runs whatever code it holds.

Called by the runtimes of what is saved so, in runner processes and at registration, never in a gateway. Nothing ever
falls back to it.
"""

import pickle
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from interlock.domain.errors import UnloadableModelError


def load_pickle(path: Path, name: str = "the file") -> Any:
    """Read a pickle or joblib file, which messages call `name`. This runs whatever code the file holds.

    Raises:
        UnloadableModelError: It is none, or needs a package that is not installed.
    """
    try:
        return _unpickled(path)
    except ModuleNotFoundError as error:
        raise UnloadableModelError(f"{name} needs the package {error.name!r}, which is not installed here") from error
    except Exception as error:
        why = f"{type(error).__name__}: {str(error)[:200]}"
        raise UnloadableModelError(f"{name} is not a loadable pickle: {why}") from error


def _unpickled(path: Path) -> Any:
    # joblib reads plain pickles too, and an interpreter without it needs no more.
    if find_spec("joblib") is not None:
        return import_module("joblib").load(path)
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301 (a person said that it is trusted)
