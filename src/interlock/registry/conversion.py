"""What every conversion to ONNX shares: its limits, its silence, and how its result is written.

Called by `compile` and `compile_boosters`.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from interlock.runtimes.frameworks import framework
from interlock.runtimes.onnx import MISSING_TEXT_KEY

OPSETS = {"": 18, "ai.onnx.ml": 3}
"""onnxruntime 1.20, the oldest we allow, knows these; tree ensembles of ai.onnx.ml 5 are not faster."""

MATRIX = "interlock.matrix"
"""The name of a matrix input: no one's column."""

SECONDS = 30.0
"""A hundred deep trees convert in some ten seconds. All ways together must stay within the limit of the examination."""

Typing = Literal["double", "float", "float and int64", "double, float trees"]


@dataclass(frozen=True, slots=True)
class Twin:
    """A converted graph, and how its inputs are typed."""

    graph: bytes
    typing: Typing


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what converters print, warn and log to themselves: the proof says it better."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(before)


def with_missing_text(graph: Any, missing_text: str) -> bytes:
    """A graph that says which text stands for a missing one."""
    onnx = framework("onnx", "sklearn")
    onnx.helper.set_model_props(graph, {MISSING_TEXT_KEY: missing_text})
    content: bytes = graph.SerializeToString()
    return content
