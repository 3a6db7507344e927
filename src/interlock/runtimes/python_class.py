"""A Python class of the user's own: for whatever no other runtime can open.

Called by `predictors` inside runner processes only: it is code, and is imported nowhere else. The class, named
`python:module.Class` at registration, needs one method:

    class Churn:
        classes = ("leaves", "stays")           # of a classifier, in the order of its probabilities
        inputs = {"amount": "FP64"}             # optional: columns and datatypes; else those of the reference
        as_frame = False                        # optional: True for a pandas data frame in place of columns

        def load(self, path): ...               # optional: the folder uploaded with it, None if there is none
        def predict(self, columns): ...         # columns: {"amount": array([9.5, nan]), ...}, one element a row
        def learn(self, x, y): ...              # optional, to learn online: one row {"amount": 9.5}, and its label
        def save(self, path): ...               # with `learn`: write into the folder what `load` reads

`predict` answers with an array: of numbers, of labels, or of rows of probabilities; or with a dict of `label` and
`probabilities`. Missing numbers are nan, missing texts None. An exception fails the request and nothing else.
"""

import importlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Datatype, Field, Scalar
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, take
from interlock.runtimes.artifact import unpack
from interlock.runtimes.checked import first_line
from interlock.runtimes.facts import Facts, scalars
from interlock.runtimes.frameworks import framework, installed, used_by
from interlock.runtimes.learning import LEARNT, Lesson
from interlock.runtimes.raw_answers import outputs_of


def load(path: Path, version: ModelVersion) -> "PythonClassPredictor":
    """Import and load the class that a version names, from the code stored with it."""
    scratch = tempfile.TemporaryDirectory(prefix="interlock-model-")
    return PythonClassPredictor(_instance(path, version.entry, Path(scratch.name)), version.contract, scratch)


def describe(path: Path, version: ModelVersion) -> Facts:
    """Import and load a class, and say what it declares.

    Raises:
        UnloadableModelError: It cannot be imported, made or loaded, or declares what cannot be.
    """
    # Its modules stay imported, and may import others later: their folder goes with the process.
    model = _instance(path, version.entry, Path(tempfile.mkdtemp(prefix="interlock-model-")))
    classes = getattr(model, "classes", None)
    return Facts(
        kind=version.entry,
        inputs=_inputs(getattr(model, "inputs", None)),
        classes=scalars(classes) if classes is not None else (),
        frameworks=installed(("numpy", *used_by([model, *vars(model).values()]))),
    )


class PythonClassPredictor:
    """An instance of the class. `scratch` is its unpacked folder, which it may read as long as it lives."""

    def __init__(self, model: Any, contract: Contract, scratch: tempfile.TemporaryDirectory[str]) -> None:
        self._model, self._contract, self._scratch = model, contract, scratch
        self._names = [field.name for field in contract.inputs]
        self._pandas = framework("pandas", "sklearn") if getattr(model, "as_frame", False) else None

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        given: Any = {name: columns[name] for name in self._names}
        if self._pandas is not None:
            given = self._pandas.DataFrame({name: _one_cell_a_row(values) for name, values in given.items()})
        return outputs_of(self._model.predict(given), self._contract)

    @property
    def learn(self) -> Callable[[Columns, Sequence[Scalar]], Lesson]:
        """Answers each row, then learns from it. Not there unless the class has `learn`."""
        if not callable(getattr(self._model, "learn", None)):
            raise AttributeError("learn")
        return self._learn

    def _learn(self, columns: Columns, labels: Sequence[Scalar]) -> Lesson:
        found = [self._learn_one(columns, at, label) for at, label in enumerate(labels)]
        known = next((said for said, _ in found if said is not None), None)
        names = known if known is not None else {}
        outputs = {
            name: np.concatenate([(said or names)[name] for said, _ in found]) if found else values
            for name, values in names.items()
        }
        return Lesson(outputs, [status for _, status in found])

    def _learn_one(self, columns: Columns, at: int, label: Scalar) -> tuple[dict[str, NDArray[Any]] | None, str]:
        row = take(columns, slice(at, at + 1))
        try:
            said = self.predict(row)
            self._model.learn({name: _plain(row[name][0]) for name in self._names}, label)
        except Exception as error:  # whatever a model raises on a row, the next one may be well
            return None, first_line(error)
        return said, LEARNT

    @property
    def save(self) -> Callable[[Path], None]:
        """Writes code and state as a folder. Not there unless the class has `save`."""
        if not callable(getattr(self._model, "save", None)):
            raise AttributeError("save")
        return self._save

    def _save(self, path: Path) -> None:
        shutil.copytree(self._scratch.name, path, ignore=shutil.ignore_patterns("__pycache__"))
        self._model.save(str(path))

    def close(self) -> None:
        self._scratch.cleanup()


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _one_cell_a_row(values: NDArray[Any]) -> Any:
    return values if values.ndim == 1 else list(values)


def _instance(archive: Path, entry: str, folder: Path) -> Any:
    unpack(archive, folder)
    has_code = any(folder.iterdir())
    if has_code:
        # First, so that the code which was registered is what runs; this process holds no other model.
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
    model = _make(_named(entry))
    if hasattr(model, "load"):
        try:
            model.load(str(folder) if has_code else None)
        except Exception as error:
            raise UnloadableModelError(f"{entry}.load raised {type(error).__name__}: {str(error)[:200]}") from error
    return model


def _named(entry: str) -> Any:
    module, _, name = entry.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise UnloadableModelError(
            f"{entry}: the module {error.name!r} is not there; upload it with --code, or install it in the interpreter "
            f"that runs it ({sys.executable})"
        ) from error
    except Exception as error:
        raise UnloadableModelError(f"importing {module} raised {type(error).__name__}: {str(error)[:200]}") from error
    if not isinstance(found, type):
        raise UnloadableModelError(f"{entry}: the module {module!r} has no class {name!r}")
    if not callable(getattr(found, "predict", None)):
        raise UnloadableModelError(f"{entry} has no method `predict(columns)`")
    return found


def _make(kind: Any) -> Any:
    try:
        return kind()
    except Exception as error:
        raise UnloadableModelError(
            f"{kind.__qualname__}() raised {type(error).__name__}: {str(error)[:200]}; it is made without arguments"
        ) from error


def _inputs(declared: Any) -> tuple[Field, ...]:
    if declared is None:
        return ()
    known = get_args(Datatype)
    if not isinstance(declared, Mapping) or any(datatype not in known for datatype in declared.values()):
        raise UnloadableModelError(f"inputs == {declared!r}, must map each column to one of {', '.join(known)}")
    return tuple(Field(name=str(name), datatype=datatype) for name, datatype in declared.items())
