"""What a person names as the source of a model, and what of it is sent to the server.

Called by `Client.register`. Files, folders, code and what MLflow keeps are sent as bytes from this machine: the
server opens no path and no address that a client names. The one exception is a server that answers in place of a file,
which only an administrator may name.
"""

import contextlib
import importlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from interlock.domain.errors import InvalidInputError

_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_MLFLOW = ("models:", "runs:")
_REMOTE = ("http:", "https:")
_PYTHON = "python:"


@dataclass(frozen=True, slots=True)
class Source:
    """A source, ready to be sent.

    Args:
        upload: File or folder to send; None for nothing.
        entry: `module.Class` of a Python class.
        url: Address of a model on another server.
        origin: Where it came from, if that is not a file of the user's.
    """

    upload: Path | None = None
    entry: str = ""
    url: str = ""
    origin: str = ""


def kind_of(source: str) -> str | None:
    """How an address begins, or None for a file or folder. What is there as a file is one, whatever it is called.

    Examples:
        >>> kind_of("models:/wine/3"), kind_of("wine.skops")
        ('models:', None)
    """
    if Path(source).exists():
        return None
    return next((start for start in (*_MLFLOW, _PYTHON, *_REMOTE) if source.startswith(start)), None)


def check_there(source: str) -> None:
    """Tell early that a file or folder is not there; addresses are looked up when they are resolved.

    Raises:
        InvalidInputError: There is no such file or folder.
    """
    if kind_of(source) is None:
        _there(Path(source))


def check_file(source: str | Path) -> None:
    """Tell addresses of models from files, where only a file will do.

    Raises:
        InvalidInputError: It is an address, and no file is called so.
    """
    kind = kind_of(str(source))
    if kind is not None:
        raise InvalidInputError(
            f"source == {_with_slashes(str(source))!r}, must be a file or folder here; sources that begin with {kind} "
            "are for `interlock model register`"
        )


def _with_slashes(source: str) -> str:
    return re.sub("^(https?:)/+", r"\1//", source)  # a path makes one slash of two


@contextlib.contextmanager
def resolved(source: str | Path, code: str | Path | None = None) -> Iterator[Source]:
    """Find out what to send; what was fetched for it is removed afterwards.

    Args:
        source: A file or folder, `models:/name/version`, `runs:/run/path`, `python:module.Class`, or
            `http://host/v2/models/x`.
        code: File or folder to send with a Python class. Default: the module, if it lies in the current folder.

    Raises:
        InvalidInputError: There is no such thing, or MLflow cannot find it.
    """
    text = _with_slashes(str(source))
    kind = kind_of(text)
    if code is not None and kind != _PYTHON:
        raise InvalidInputError("code is for sources like python:module.Class only; leave it out")
    if kind is None:
        yield Source(_there(Path(source)))
    elif kind == _PYTHON:
        yield _python(text.removeprefix(_PYTHON), code)
    elif kind in _REMOTE:
        yield Source(url=text)
    else:
        with tempfile.TemporaryDirectory(prefix="interlock-mlflow-") as folder:
            yield Source(_from_mlflow(text, Path(folder)), origin=text)


def _there(path: Path) -> Path:
    if not path.exists():
        raise InvalidInputError(f"{path} does not exist; name a file or folder on this machine")
    return path


def _python(entry: str, code: str | Path | None) -> Source:
    if not _ENTRY.fullmatch(entry):
        raise InvalidInputError(f"source == 'python:{entry}', must look like python:module.Class")
    if code is not None:
        return Source(_there(Path(code)), entry=entry)
    module = Path(entry.partition(".")[0])
    near = next((path for path in (module.with_suffix(".py"), module / "__init__.py") if path.is_file()), None)
    if near is None:
        return Source(entry=entry)  # installed where the server runs it, or refused there
    return Source(near.parent.absolute() if near.name == "__init__.py" else near, entry=entry)


def _from_mlflow(uri: str, folder: Path) -> Path:
    try:
        artifacts = importlib.import_module("mlflow.artifacts")
    except ImportError as error:
        raise InvalidInputError(
            f"source == {uri!r} is fetched by MLflow on this machine, which is not installed; install it with: "
            "pip install 'interlock[mlflow]'"
        ) from error
    try:
        found = artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder))
    except Exception as error:  # MLflow's own, and those of whatever it stores artifacts in
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        raise InvalidInputError(
            f"MLflow cannot fetch {uri!r}: {reason}; is MLFLOW_TRACKING_URI set to where it is?"
        ) from error
    return Path(found)
