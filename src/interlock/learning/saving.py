"""What a trainer returned becomes a file that can be registered.

Called by the trainer's process. It refuses what is no model, and what only a pickle could hold unless that is allowed.
"""

import os
from pathlib import Path
from typing import Any

from interlock.domain.errors import UnloadableModelError
from interlock.runtimes.frameworks import framework


def save(made: Any, folder: Path, *, trust_pickle: bool) -> Path:
    """Save a model.

    Args:
        made: An estimator of scikit-learn, an ONNX graph, a booster of XGBoost or LightGBM, a program of
            `torch.export`, a model of River, or the path of a file or MLflow folder.
        folder: Where its file goes.
        trust_pickle: Whether it may be a pickle.

    Raises:
        UnloadableModelError: It is no model that can be saved so.
    """
    if made is None:
        raise UnloadableModelError("the trainer returned nothing; it must return a model, or the path of one")
    if isinstance(made, str | os.PathLike):
        return _there(Path(made))
    package, kind = type(made).__module__.partition(".")[0], type(made).__name__
    if hasattr(made, "SerializeToString"):
        path = folder / "model.onnx"
        path.write_bytes(made.SerializeToString())
        return path
    if kind == "Booster" and package in ("xgboost", "lightgbm"):
        path = folder / ("model.ubj" if package == "xgboost" else "model.txt")
        made.save_model(str(path))
        return path
    if kind == "ExportedProgram":
        path = folder / "model.pt2"
        framework("torch", "torch").export.save(made, str(path))
        return path
    if package == "river":
        return _pickled(made, folder, trust_pickle=trust_pickle, why="River has no other form than pickle")
    if not hasattr(made, "predict"):
        raise UnloadableModelError(f"the trainer returned a {kind}, which is no model: it cannot predict")
    return _skops(made, folder, trust_pickle=trust_pickle)


def _there(path: Path) -> Path:
    if not path.exists():
        raise UnloadableModelError(f"the trainer returned the path {path}, and there is nothing")
    return path


def _skops(made: Any, folder: Path, *, trust_pickle: bool) -> Path:
    path = folder / "model.skops"
    try:
        framework("skops.io", "sklearn").dump(made, path)
    except Exception as error:  # skops refuses in many ways: unsupported types, lambdas, locks
        path.unlink(missing_ok=True)
        why = f"{type(made).__name__} cannot be saved without pickle ({str(error)[:200]})"
        return _pickled(made, folder, trust_pickle=trust_pickle, why=why)
    return path


def _pickled(made: Any, folder: Path, *, trust_pickle: bool, why: str) -> Path:
    if not trust_pickle:
        raise UnloadableModelError(f"{why}; say trust_pickle: true in the retraining of the endpoint to allow one")
    path = folder / "model.joblib"
    framework("joblib", "sklearn").dump(made, path)
    return path
