"""What an ONNX file says about its inputs, outputs and classes.

Called by `derive`. The classes of a classifier stand in no output type: they are looked for in the nodes, then in a
zipmap's answer, then in the label column of the reference.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interlock.domain.contract import Contract, Datatype, Field, Scalar
from interlock.domain.errors import UnloadableModelError
from interlock.registry import outputs as gives
from interlock.runtimes.facts import scalars
from interlock.runtimes.frameworks import framework
from interlock.runtimes.onnx import DTYPES, classifier_outputs, is_zipmap, open_session

_DATATYPES: dict[str, Datatype] = {
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(float16)": "FP32",
    "tensor(int64)": "INT64",
    "tensor(int32)": "INT32",
    "tensor(int16)": "INT16",
    "tensor(int8)": "INT8",
    "tensor(uint32)": "UINT32",
    "tensor(uint16)": "UINT16",
    "tensor(uint8)": "UINT8",
    "tensor(bool)": "BOOL",
    "tensor(string)": "BYTES",
}


def inputs(path: Path) -> tuple[Field, ...]:
    """One field per input of the graph; `[None, 1]` and `[None]` are scalars.

    Raises:
        UnloadableModelError: An input has a type that cannot be served.
    """
    return tuple(_field(node) for node in open_session(path).get_inputs())


def _field(node: Any) -> Field:
    if node.type not in _DATATYPES:
        known = ", ".join(sorted(_DATATYPES))
        raise UnloadableModelError(
            f"ONNX input {node.name!r} has type {node.type}, must be one of {known}; let the graph take one of these "
            "and begin with a Cast"
        )
    shape = tuple(size if isinstance(size, int) and size > 0 else -1 for size in node.shape[1:])
    return Field(name=node.name, datatype=_DATATYPES[node.type], shape=() if shape in ((), (1,)) else shape)


def outputs(path: Path, fields: tuple[Field, ...], truth: Sequence[Any] | None, warnings: list[str]) -> Contract:
    """Contract of a graph that takes `fields`.

    Args:
        truth: Distinct values of the reference's label, sorted, if there is one.

    Raises:
        UnloadableModelError: It is a classifier whose classes cannot be found.
    """
    session = open_session(path)
    nodes = session.get_outputs()
    label, probabilities = classifier_outputs(nodes)
    if label is None and (probabilities is None or not is_zipmap(probabilities)):
        width = nodes[0].shape[1] if len(nodes[0].shape) == 2 else 1
        if truth and width == len(truth) > 1 and not any(isinstance(one, float) for one in truth):
            return gives.classifier(fields, scalars(truth), with_probabilities=True)
        return gives.numbers(fields, shape=(width,) if isinstance(width, int) and width > 1 else ())
    classes = _classes(path, session, label, probabilities, truth, warnings)
    return gives.classifier(fields, classes, with_probabilities=probabilities is not None)


def _classes(
    path: Path, session: Any, label: Any, probabilities: Any, truth: Sequence[Any] | None, warnings: list[str]
) -> tuple[Scalar, ...]:
    found = _in_nodes(path)
    if not found and probabilities is not None and is_zipmap(probabilities):
        answer = session.run([probabilities.name], {node.name: _zeros(node) for node in session.get_inputs()})
        found = scalars(answer[0][0])
    if found:
        return found
    is_text = label is not None and label.type == "tensor(string)"
    if truth:
        known = scalars(truth)
        return tuple(map(str, known)) if is_text else tuple(int(one) for one in known)
    width = probabilities.shape[-1] if probabilities is not None else None
    if not is_text and isinstance(width, int) and width > 1:
        warnings.append(f"the ONNX graph does not name its classes; they are taken for 0 to {width - 1}")
        return tuple(range(width))
    raise UnloadableModelError("the ONNX graph does not name its classes; give --reference data with --label COLUMN")


def _in_nodes(path: Path) -> tuple[Scalar, ...]:
    try:
        onnx = framework("onnx", "sklearn")
    except UnloadableModelError:
        return ()
    names = ("classlabels_int64s", "classlabels_strings", "classlabels_ints")
    for node in reversed(onnx.load(str(path), load_external_data=False).graph.node):
        for attribute in node.attribute:
            if attribute.name in names and (attribute.ints or attribute.strings):
                return tuple(attribute.ints) or tuple(text.decode() for text in attribute.strings)
    return ()


def _zeros(node: Any) -> Any:
    shape = [size if isinstance(size, int) and size > 0 else 1 for size in node.shape]
    dtype = DTYPES[node.type]
    return np.full(shape, "", dtype=object) if dtype is np.object_ else np.zeros(shape, dtype=dtype)
