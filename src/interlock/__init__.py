"""Interlock: takes a trained model into production and keeps it honest there.

    >>> import interlock
    >>> interlock.__version__
    '0.1.0'

`Client` talks to a running server; `serve` starts one around a model in a notebook; `drift` compares two files or
frames and `estimate` tells the quality that labels will show, with no server. All load on first use, so that the
import costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.client import Client, Prediction
    from interlock.comparison.drift import drift
    from interlock.comparison.estimate import estimate
    from interlock.quickstart import serve

__version__ = "0.1.0"
__all__ = ["Client", "Prediction", "__version__", "drift", "estimate", "serve"]

_HOMES = {
    "Client": "interlock.client",
    "Prediction": "interlock.client",
    "drift": "interlock.comparison.drift",
    "estimate": "interlock.comparison.estimate",
    "serve": "interlock.quickstart",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'interlock' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
