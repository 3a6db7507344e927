"""Machine-learning frameworks: importing one when a model needs it, and which versions are here.

Called by every runtime, and by registration, which writes down what made a model. A model that meets another version
than it was registered with is served all the same: a warning names the difference, and the release's gates judge it.
"""

import platform
from collections.abc import Iterable
from importlib import import_module, metadata
from typing import Any

from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion

# What a framework is called here, and the distributions that bring it: several builds share one module.
_DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "xgboost": ("xgboost", "xgboost-cpu"),
    "mlflow": ("mlflow", "mlflow-skinny"),
}

_ONNX_RUNTIME = "onnxruntime"

# What compiled the twin, and what runs it: nothing to a model that is served by its original.
_TOOLS = (_ONNX_RUNTIME, "onnx", "skl2onnx", "onnxmltools")

# Root package of a class to the framework it belongs to, where the names differ.
_PACKAGES = {"sklearn": "scikit-learn"}

PYTHON = "python"
"""The key of the interpreter's own version."""

TOOLS = ("numpy", *_TOOLS)
"""What is written down beside a model's own frameworks."""


def framework(module: str, extra: str) -> Any:
    """Import a framework.

    Args:
        module: What to import.
        extra: Interlock's extra that brings it.

    Raises:
        UnloadableModelError: It is not installed; names the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise UnloadableModelError(
            f"{package} is not installed here; install it with: pip install 'interlock[{extra}]'"
        ) from error


def installed(names: Iterable[str]) -> dict[str, str]:
    """Versions of those frameworks that are installed in this interpreter, and of the interpreter.

    Examples:
        >>> sorted(installed(["numpy", "no-such-framework"]))
        ['numpy', 'python']
    """
    found = {PYTHON: platform.python_version()}
    for name in names:
        version = _version(name)
        if version is not None:
            found[name] = version
    return found


def used_by(parts: Iterable[Any]) -> tuple[str, ...]:
    """Frameworks whose classes these objects are of, sorted."""
    packages = {type(part).__module__.partition(".")[0] for part in parts}
    names = {_PACKAGES.get(package, package) for package in packages - {"builtins", "__main__"}}
    return tuple(sorted(name for name in names if _version(name) is not None))


def differences(version: ModelVersion) -> tuple[str, ...]:
    """One sentence for each framework that answers and is another here than when the version was registered.

    Of the interpreter itself only another minor version counts.
    """
    if version.serving_format == "onnx":
        recorded = {name: made for name, made in version.frameworks.items() if name == _ONNX_RUNTIME}
    else:
        recorded = {name: made for name, made in version.frameworks.items() if name not in _TOOLS}
    found = installed(recorded)
    return tuple(
        f"{version.ref} was registered with {name} {made} and runs with {found.get(name, 'none')}"
        for name, made in recorded.items()
        if _differs(name, made, found.get(name))
    )


def _differs(name: str, recorded: str, found: str | None) -> bool:
    if name == PYTHON and found is not None:
        return recorded.split(".")[:2] != found.split(".")[:2]
    return recorded != found


def _version(name: str) -> str | None:
    for distribution in _DISTRIBUTIONS.get(name, (name,)):
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return None
