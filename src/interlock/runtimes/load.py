"""From a registered version to something that predicts.

Called by gateways (`load_runtime`), by the runner process and by paired scoring (`load_predictor`). Frameworks are
imported when a model needs them, never before: a gateway that serves ONNX alone stays small.
"""

from importlib import import_module
from pathlib import Path

from interlock.domain.model import ModelVersion
from interlock.domain.ports import Predictor, Runtime
from interlock.runtimes.artifact import verified
from interlock.runtimes.checked import CheckedPredictor
from interlock.runtimes.inline import InlineRuntime
from interlock.runtimes.isolated import IsolatedRuntime

# Each module has `load(path, version) -> Predictor`.
_LOADERS = {
    "onnx": "interlock.runtimes.onnx",
    "skops": "interlock.runtimes.sklearn",
    "pickle": "interlock.runtimes.sklearn",
    "mlflow": "interlock.runtimes.mlflow",
}


def load_predictor(version: ModelVersion, artifacts: Path) -> Predictor:
    """Load a version into this process. Blocks; costs a read of the whole artifact.

    Raises:
        UnloadableModelError: The artifact is missing or damaged, or its framework is not installed.
    """
    path = verified(artifacts, version.serving_digest)
    loader = import_module(_LOADERS[version.serving_format])
    predictor: Predictor = loader.load(path, version)
    return CheckedPredictor(predictor, version.contract, version.ref)


def load_runtime(version: ModelVersion, artifacts: Path) -> Runtime:
    """Load a version where its placement says. Blocks until it can answer; call it off the event loop.

    Raises:
        UnloadableModelError: As `load_predictor`; also when a runner process does not come up.
    """
    if version.placement == "isolated":
        return IsolatedRuntime(version, artifacts)
    row_us = version.row_us if version.placement == "inline" else None
    return InlineRuntime(load_predictor(version, artifacts), version.ref, row_us=row_us)
