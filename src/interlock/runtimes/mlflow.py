"""MLflow model folders: any flavour through pyfunc, scikit-learn and ONNX by their own files.

Called by `load` inside runner processes, and at registration. Loading a pyfunc model runs code from its folder, so
registration asks for `--trust-pickle`; a folder of data (ONNX, or scikit-learn saved with skops) does not need it.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, Predictor, take
from interlock.runtimes.artifact import unpack
from interlock.runtimes.facts import Facts
from interlock.runtimes.frameworks import framework, installed, used_by
from interlock.runtimes.pickles import load_pickle
from interlock.runtimes.sklearn import (
    EstimatorInput,
    SklearnPredictor,
    facts_of,
    fitted,
    load_skops,
    noticing_other_version,
)


@dataclass(frozen=True, slots=True)
class Flavor:
    """What an MLflow folder holds: `file` is the model's own file where we know how to read it.

    `runs_code`: whether loading it runs code from the folder.
    """

    kind: str
    file: Path | None
    runs_code: bool


def flavor_of(folder: Path) -> Flavor:
    """Read a folder's `MLmodel`.

    Raises:
        UnloadableModelError: It has no readable `MLmodel`, or no flavour that can predict.
    """
    described = read_mlmodel(folder)
    flavors = described.get("flavors") or {}
    if "onnx" in flavors:
        return Flavor("onnx", _inside(folder, flavors["onnx"].get("data", "model.onnx")), runs_code=False)
    if "sklearn" in flavors:
        # MLflow 3 can save with skops; everything else it calls a serialization format is a pickle.
        pickled = flavors["sklearn"].get("serialization_format") != "skops"
        name = flavors["sklearn"].get("pickled_model") or flavors["sklearn"].get("model_path") or "model.pkl"
        return Flavor("sklearn", _inside(folder, name), runs_code=pickled)
    if "python_function" in flavors:
        return Flavor("pyfunc", None, runs_code=True)
    raise UnloadableModelError(f"the MLflow folder has the flavours {sorted(flavors)}, none of which can predict here")


def read_mlmodel(folder: Path) -> dict[str, Any]:
    """Parse a folder's `MLmodel` file.

    Raises:
        UnloadableModelError: It is not there, or no YAML.
    """
    yaml = framework("yaml", "mlflow")
    try:
        parsed = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UnloadableModelError(f"{folder.name}/MLmodel cannot be read: {error}") from error
    if not isinstance(parsed, dict):
        raise UnloadableModelError(f"{folder.name}/MLmodel is no MLflow model description")
    return parsed


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UnloadableModelError(f"MLmodel names {name!r}, which lies outside its folder")
    return path


def load(path: Path, version: ModelVersion) -> Predictor:
    """Load a stored folder."""
    scratch = tempfile.TemporaryDirectory(prefix="interlock-model-")
    model, is_pyfunc = _open(path, Path(scratch.name))
    if is_pyfunc:
        return PyfuncPredictor(model, version.contract, scratch)
    scratch.cleanup()
    return SklearnPredictor(model, version.contract)


def describe(path: Path, version: ModelVersion) -> Facts:  # noqa: ARG001 (every runtime is called so)
    """Open a stored folder, and say what it is. The signature of a pyfunc model says the rest."""
    with tempfile.TemporaryDirectory(prefix="interlock-model-") as scratch:
        with noticing_other_version() as said:
            model, is_pyfunc = _open(path, Path(scratch))
        if not is_pyfunc:
            return facts_of(fitted(model), tuple(said))
        return Facts(kind="pyfunc", frameworks=installed(("mlflow", *used_by([model]), "numpy", "pandas")))


def _open(path: Path, folder: Path) -> tuple[Any, bool]:
    """A model, and whether it is a pyfunc model, which may go on reading from the folder."""
    unpack(path, folder)
    flavor = flavor_of(folder)
    if flavor.kind == "sklearn" and flavor.file is not None:
        return load_pickle(flavor.file) if flavor.runs_code else load_skops(flavor.file), False
    return load_pyfunc(folder), True


def load_pyfunc(folder: Path) -> Any:
    """Load a folder through MLflow. This runs code from it.

    Raises:
        UnloadableModelError: MLflow is not installed, or cannot load it.
    """
    pyfunc = framework("mlflow.pyfunc", "mlflow")
    try:
        return pyfunc.load_model(str(folder))
    except Exception as error:
        raise UnloadableModelError(f"MLflow cannot load it: {type(error).__name__}: {str(error)[:200]}") from error


def by_parameters(
    ask: Callable[[Columns, dict[str, Any]], dict[str, NDArray[Any]]], columns: Columns, parameters: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Ask once for all rows that have the same values of the parameters: a batch is of several callers.

    Args:
        ask: Answers rows with one value for each parameter.
        parameters: Names of columns.
    """
    data = {name: values for name, values in columns.items() if name not in parameters}
    values = list(zip(*(columns[name].tolist() for name in parameters), strict=True))
    groups: dict[str, list[int]] = {}
    for at, given in enumerate(values):
        groups.setdefault(repr(given), []).append(at)  # lists are no keys
    params = [dict(zip(parameters, values[index[0]], strict=True)) for index in groups.values()]
    if len(groups) == 1:
        return ask(data, params[0])
    parts = [ask(take(data, np.array(index)), given) for index, given in zip(groups.values(), params, strict=True)]
    order = np.argsort(np.concatenate(list(groups.values())))
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


class PyfuncPredictor:
    """A pyfunc model. `scratch` is its unpacked folder, kept while the model may read from it."""

    def __init__(self, model: Any, contract: Contract, scratch: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self._model, self._scratch = model, scratch
        data = tuple(field for field in contract.inputs if not field.is_parameter)
        self._parameters = [field.name for field in contract.inputs if field.is_parameter]
        self._input = EstimatorInput(
            None, msgspec.structs.replace(contract, inputs=data), as_frame=any(not field.shape for field in data)
        )
        self._output = contract.outputs[0]

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        if not self._parameters:
            return self._answers(columns, None)
        return by_parameters(self._answers, columns, self._parameters)

    def _answers(self, columns: Columns, params: dict[str, Any] | None) -> dict[str, NDArray[Any]]:
        given = self._input(columns)
        answer = self._model.predict(given) if params is None else self._model.predict(given, params=params)
        values = np.asarray(answer.to_numpy() if hasattr(answer, "to_numpy") else answer)
        if not self._output.shape:
            values = values.reshape(-1)
        dtype = object if self._output.datatype == "BYTES" else None
        if self._output.datatype in ("FP32", "FP64"):
            values = values.astype(np.float64)
        return {self._output.name: np.asarray(values, dtype=dtype)}

    def close(self) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None
