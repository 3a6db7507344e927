"""What a user's file or folder is, and the model in it.

Called by the examining process. A pickle, and an MLflow folder that runs code, is opened only with `trust_pickle`; a
file that is no model is refused in one sentence.
"""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelFormat
from interlock.runtimes.artifact import unpack
from interlock.runtimes.mlflow import flavor_of, load_pyfunc, read_mlmodel
from interlock.runtimes.onnx import open_session
from interlock.runtimes.sklearn import framework, load_pickle, load_skops

_PICKLES = (".pkl", ".pickle", ".joblib")


@dataclass(frozen=True)
class LoadedSource:
    """A loaded source: exactly one of `estimator`, `graph` and `pyfunc` is there.

    Args:
        model_format: As it is stored.
        estimator: A fitted scikit-learn estimator.
        graph: Path of an ONNX file.
        pyfunc: An MLflow model of another flavour.
        mlmodel: The folder's `MLmodel`, if it is one.
    """

    model_format: ModelFormat
    estimator: Any = None
    graph: Path | None = None
    pyfunc: Any = None
    mlmodel: dict[str, Any] = field(default_factory=dict)


def load(stored: Path, source_name: str, scratch: Path, *, trust_pickle: bool) -> LoadedSource:
    """Load an artifact.

    Args:
        stored: The artifact: a file, or a tar of a folder.
        source_name: What the user called it; its ending says what it is. Ends in `/` for a folder.
        scratch: Empty folder to unpack into.
        trust_pickle: Whether loading may run code.

    Raises:
        UnloadableModelError: It is not a model that can be served, and why.
    """
    if source_name.endswith("/"):
        return _folder(stored, source_name, scratch, trust_pickle=trust_pickle)
    suffix = Path(source_name).suffix.lower()
    if suffix == ".onnx":
        open_session(stored, source_name)
        return LoadedSource("onnx", graph=stored)
    if suffix == ".skops" or _is_skops(stored):
        return LoadedSource("skops", estimator=_fitted(load_skops(stored, source_name)))
    if suffix in _PICKLES:
        if not trust_pickle:
            raise UnloadableModelError(
                f"{source_name} is a pickle, and loading it would run any code it holds; save the model with "
                "skops.io.dump(model, 'model.skops') instead, or use --trust-pickle if you made the file yourself"
            )
        return LoadedSource("pickle", estimator=_fitted(load_pickle(stored, source_name)))
    return _unknown(stored, source_name)


def _unknown(stored: Path, source_name: str) -> LoadedSource:
    try:
        open_session(stored)
    except UnloadableModelError as error:
        raise UnloadableModelError(
            f"{source_name} is not a model file; give .onnx, .skops, .pkl/.joblib (with --trust-pickle) "
            "or an MLflow model folder"
        ) from error
    return LoadedSource("onnx", graph=stored)


def _is_skops(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "schema.json" in archive.namelist()


def _folder(stored: Path, source_name: str, scratch: Path, *, trust_pickle: bool) -> LoadedSource:
    unpack(stored, scratch)
    if not (scratch / "MLmodel").is_file():
        raise UnloadableModelError(f"{source_name} has no MLmodel file; a folder must be an MLflow model")
    flavor = flavor_of(scratch)
    if flavor.runs_code and not trust_pickle:
        raise UnloadableModelError(
            f"{source_name} holds a {flavor.kind} model, and loading it would run code from the folder; log it with "
            "serialization_format='skops' or as ONNX instead, or use --trust-pickle if you made it yourself"
        )
    mlmodel = read_mlmodel(scratch)
    if flavor.file is None:
        return LoadedSource("mlflow", pyfunc=load_pyfunc(scratch), mlmodel=mlmodel)
    file_name = f"{source_name}{flavor.file.relative_to(scratch.resolve())}"
    if flavor.kind == "onnx":
        open_session(flavor.file, file_name)
        return LoadedSource("mlflow", graph=flavor.file, mlmodel=mlmodel)
    load_model = load_pickle if flavor.runs_code else load_skops
    model = load_model(flavor.file, file_name)
    return LoadedSource("mlflow", estimator=_fitted(model), mlmodel=mlmodel)


def _fitted(model: Any) -> Any:
    kind = type(model).__name__
    if not hasattr(model, "predict"):
        raise UnloadableModelError(f"the file holds a {kind}, which cannot predict")
    validation = framework("sklearn.utils.validation", "sklearn")
    exceptions = framework("sklearn.exceptions", "sklearn")
    try:
        validation.check_is_fitted(model)
    except exceptions.NotFittedError:
        raise UnloadableModelError(f"the {kind} is not fitted; call fit() before saving it") from None
    except TypeError:
        pass  # not an estimator of scikit-learn; whether it predicts is tried next
    return model
