"""What a user's file, folder or class is, and the model in it.

Called by the examining process. Whatever runs code when it is opened needs `trust_pickle`; a file that is no model is
refused in one sentence. Frameworks that can be compiled are opened here; all else in the process that will serve it.
"""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelFormat
from interlock.registry.apart import ApartModel
from interlock.registry.registration import Job
from interlock.registry.remote_source import RemoteSource
from interlock.runtimes import lightgbm, river, sklearn, xgboost
from interlock.runtimes.artifact import unpack
from interlock.runtimes.facts import Facts
from interlock.runtimes.mlflow import flavor_of, read_mlmodel
from interlock.runtimes.onnx import open_session
from interlock.runtimes.pickles import load_pickle
from interlock.runtimes.remote import ask_metadata

_FORMATS: dict[str, ModelFormat] = {
    ".skops": "skops",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "pickle",
    ".pt2": "torch_export",
    ".pt": "torchscript",
    ".pth": "torchscript",
    ".json": "xgboost",
    ".ubj": "xgboost",
    ".txt": "lightgbm",
}

# Why loading a format is running code, and what to do in place of trusting it.
_RUNS_CODE: dict[str, str] = {
    "pickle": "is a pickle, and loading it would run any code it holds; save the model with "
    "skops.io.dump(model, 'model.skops') instead, or use --trust-pickle if you made the file yourself",
    "torch_export": "is a PyTorch program, and loading it would run what it holds; use --trust-pickle if you made the "
    "file yourself, or register it as ONNX",
    "torchscript": "is a TorchScript program, and loading it would run what it holds; use --trust-pickle if you made "
    "the file yourself, or register it as ONNX",
}

_ACCEPTED = (
    ".onnx, .skops, .json/.ubj (XGBoost), .txt (LightGBM), .pkl/.joblib and .pt2/.pt (with --trust-pickle), "
    "or an MLflow model folder"
)


@dataclass(frozen=True)
class LoadedSource:
    """A loaded source.

    Args:
        model_format: As it is stored.
        graph: Path of an ONNX file; then there are no facts.
        facts: What any other model says about itself.
        estimator: A fitted scikit-learn estimator, opened here: it may be compiled.
        booster: An XGBoost booster, or a LightGBM model, opened here: it may be compiled.
        apart: Any other, open in the process that will serve it.
        remote: A model on somebody else's server.
        mlmodel: The folder's `MLmodel`, if it is one.
    """

    model_format: ModelFormat
    graph: Path | None = None
    facts: Facts | None = None
    estimator: Any = None
    booster: Any = None
    apart: ApartModel | None = None
    remote: RemoteSource | None = None
    mlmodel: dict[str, Any] = field(default_factory=dict)

    def close(self) -> None:
        """End its process, if it has one."""
        if self.apart is not None:
            self.apart.close()


def load(job: Job, scratch: Path) -> LoadedSource:
    """Load an artifact.

    Args:
        job: What is registered; the ending of its `source_name` says what it is.
        scratch: Empty folder to unpack into.

    Raises:
        UnloadableModelError: It is not a model that can be served, and why.
    """
    if job.remote is not None:
        remote = RemoteSource(ask_metadata(job.remote))
        return LoadedSource("remote", facts=remote.facts, remote=remote)
    if job.entry:
        _check_trusted(job, f"{job.source_name} is code that the server would run; use --trust-pickle if you trust it")
        return _apart(job, "python")
    if job.source_name.endswith("/"):
        return _folder(job, scratch)
    return _file(job, Path(job.stored))


def _check_trusted(job: Job, refusal: str) -> None:
    if not job.trust_pickle:
        raise UnloadableModelError(refusal)


def _file(job: Job, stored: Path) -> LoadedSource:
    suffix = Path(job.source_name).suffix.lower()
    if suffix == ".onnx":
        open_session(stored, job.source_name)
        return _graph(job, LoadedSource("onnx", graph=stored))
    model_format = "skops" if _is_skops(stored) else _FORMATS.get(suffix)
    if model_format is None or (model_format == "lightgbm" and not _is_lightgbm(stored)):
        return _unknown(job, stored)
    if model_format in _RUNS_CODE:
        _check_trusted(job, f"{job.source_name} {_RUNS_CODE[model_format]}")
    if job.runner.python is not None or model_format in ("torch_export", "torchscript"):
        return _apart(job, model_format)
    return _opened(job, stored, model_format)


def _apart(job: Job, model_format: ModelFormat, mlmodel: dict[str, Any] | None = None) -> LoadedSource:
    model = ApartModel(job, model_format)
    facts = model.facts()
    return LoadedSource(facts.model_format or model_format, facts=facts, apart=model, mlmodel=mlmodel or {})


def _opened(job: Job, stored: Path, model_format: ModelFormat) -> LoadedSource:
    name = job.source_name
    if model_format == "xgboost":
        booster = xgboost.open_booster(stored, name)
        return LoadedSource("xgboost", facts=xgboost.facts_of(booster), booster=booster)
    if model_format == "lightgbm":
        model = lightgbm.open_model(stored, name)
        return LoadedSource("lightgbm", facts=lightgbm.facts_of(model), booster=model)
    with sklearn.noticing_other_version() as said:
        model = sklearn.load_skops(stored, name) if model_format == "skops" else load_pickle(stored, name)
    if river.is_river(model):
        return LoadedSource("river", facts=river.facts_of(model), apart=ApartModel(job, "river"))
    return _estimator(model_format, model, tuple(said))


def _estimator(
    model_format: ModelFormat, model: Any, warnings: tuple[str, ...], mlmodel: dict[str, Any] | None = None
) -> LoadedSource:
    facts = sklearn.facts_of(sklearn.fitted(model), warnings)
    return LoadedSource(model_format, facts=facts, estimator=model, mlmodel=mlmodel or {})


def _graph(job: Job, source: LoadedSource) -> LoadedSource:
    if job.runner.python is not None:
        raise UnloadableModelError(
            f"{job.source_name} is an ONNX graph, which the server's own onnxruntime answers; leave --python out"
        )
    return source


def _unknown(job: Job, stored: Path) -> LoadedSource:
    try:
        open_session(stored)
    except UnloadableModelError as error:
        raise UnloadableModelError(f"{job.source_name} is not a model file; give {_ACCEPTED}") from error
    return _graph(job, LoadedSource("onnx", graph=stored))


def _is_skops(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "schema.json" in archive.namelist()


def _is_lightgbm(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"tree\n"


def _folder(job: Job, scratch: Path) -> LoadedSource:
    unpack(Path(job.stored), scratch)
    name = job.source_name
    if not (scratch / "MLmodel").is_file():
        raise UnloadableModelError(f"{name} has no MLmodel file; a folder must be an MLflow model")
    flavor = flavor_of(scratch)
    if flavor.runs_code:
        _check_trusted(
            job,
            f"{name} holds a {flavor.kind} model, and loading it would run code from the folder; log it with "
            "serialization_format='skops' or as ONNX instead, or use --trust-pickle if you made it yourself",
        )
    mlmodel = read_mlmodel(scratch)
    if flavor.kind == "onnx" and flavor.file is not None:
        open_session(flavor.file, f"{name}{flavor.file.relative_to(scratch.resolve())}")
        return _graph(job, LoadedSource("mlflow", graph=flavor.file, mlmodel=mlmodel))
    if flavor.file is None or job.runner.python is not None:
        return _apart(job, "mlflow", mlmodel)
    file_name = f"{name}{flavor.file.relative_to(scratch.resolve())}"
    with sklearn.noticing_other_version() as said:
        load_model = load_pickle if flavor.runs_code else sklearn.load_skops
        model = load_model(flavor.file, file_name)
    return _estimator("mlflow", model, tuple(said), mlmodel)
