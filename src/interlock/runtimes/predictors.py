"""From a stored version to something that predicts in this process, and from a stored model to what it is.

Called by runner processes, by registration, and by `load` for what runs inside a gateway. Frameworks are imported when
a model needs them, never before: a gateway that serves ONNX alone stays small.
"""

import logging
from importlib import import_module
from pathlib import Path
from types import ModuleType

from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Predictor
from interlock.runtimes.artifact import verified
from interlock.runtimes.checked import CheckedPredictor
from interlock.runtimes.facts import Facts
from interlock.runtimes.frameworks import differences

log = logging.getLogger(__name__)

# Each module has `load(path, version) -> Predictor`; those of models that are opened in a runner process before their
# contract is known also have `describe(path, version) -> Facts`.
_MODULES = {
    "onnx": "interlock.runtimes.onnx",
    "skops": "interlock.runtimes.sklearn",
    "pickle": "interlock.runtimes.sklearn",
    "mlflow": "interlock.runtimes.mlflow",
    "python": "interlock.runtimes.python_class",
    "torch_export": "interlock.runtimes.torch",
    "torchscript": "interlock.runtimes.torch",
    "xgboost": "interlock.runtimes.xgboost",
    "lightgbm": "interlock.runtimes.lightgbm",
    "river": "interlock.runtimes.river",
    "remote": "interlock.runtimes.remote",
}


def load_predictor(version: ModelVersion, artifacts: Path) -> CheckedPredictor:
    """Load a version into this process. Blocks; costs a read of the whole artifact.

    Raises:
        UnloadableModelError: The artifact is missing or damaged, or its framework is not installed.
    """
    path = verified(artifacts, version.serving_digest)
    predictor: Predictor = _module(version).load(path, version)
    for sentence in differences(version):
        log.warning("%s", sentence)
    return CheckedPredictor(predictor, version.contract, version.ref)


def describe(version: ModelVersion, artifacts: Path) -> Facts:
    """Open a stored model whose contract is not known yet, and say what it is. May run code from it.

    Raises:
        UnloadableModelError: It is not a model that can be served, or its framework is not installed.
    """
    path = verified(artifacts, version.serving_digest)
    facts: Facts = _module(version).describe(path, version)
    return facts


def _module(version: ModelVersion) -> ModuleType:
    if version.serving_format not in _MODULES:
        raise UnloadableModelError(f"{version.ref} has the format {version.serving_format!r}, which is not known here")
    return import_module(_MODULES[version.serving_format])
