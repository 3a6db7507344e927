"""ONNX models through onnxruntime: data and not code, so they may run inside a gateway worker.

Called by `load` and, at registration, by the parity proof. Takes graphs with one input per column and graphs with one
matrix; understands the outputs of converted classifiers and regressors. It refuses graphs whose inputs do not fit the
contract when it is built, not at the first request.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from interlock.domain import times
from interlock.domain.block import Block
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, Predictor
from interlock.runtimes.row_by_row import RowByRow

MISSING_TEXT_KEY = "interlock.missing_text"
"""Metadata of a compiled twin: the text that stands for a missing one, as its encoder was trained."""

DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint32)": np.uint32,
    "tensor(uint16)": np.uint16,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}

Feed = Callable[[Columns], NDArray[Any]]
Read = Callable[[list[Any]], NDArray[Any]]


def open_session(model: Path | bytes, name: str = "the file") -> ort.InferenceSession:
    """Open a graph on one thread. `name` is what messages call it.

    Raises:
        UnloadableModelError: It is not an ONNX model, or uses operators that are not known here.
    """
    options = ort.SessionOptions()
    # More threads would make p99 depend on what else the machine does; spinning would burn the core it waits on.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(
            model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own exceptions share no root
        raise UnloadableModelError(f"{name} is not a loadable ONNX model: {_why(str(error))}") from error


def _why(said: str) -> str:
    """What onnxruntime says, without its codes and the path of a stored file."""
    if "INVALID_PROTOBUF" in said or "No graph was found" in said:
        return "it is empty, cut off or no ONNX file at all; save it once more and check that the copy is whole"
    if "NO_SUCHFILE" in said:
        return "there is no such file"
    reason = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .*? failed:)?(/\S+:\d+ .*?\) )?", "", said)
    return (reason.splitlines() or [said])[0][:300]


class OnnxPredictor:
    """A session with the names and types of its inputs and outputs looked up once.

    Raises:
        UnloadableModelError: The graph cannot be loaded, or does not fit the contract.
    """

    def __init__(self, model: Path | bytes, contract: Contract) -> None:
        self._session = open_session(model)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._feeds = _feeds(self._session.get_inputs(), contract, metadata.get(MISSING_TEXT_KEY, ""))
        names, self._reads = _reads(self._session.get_outputs(), contract)
        self._names = names
        # The bare session: what its wrapper checks at every call was checked here once.
        self._run, self._options = self._session._sess.run, ort.RunOptions()

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        values = self._run(self._names, {name: feed(columns) for name, feed in self._feeds}, self._options)
        return {name: read(values) for name, read in self._reads}

    def interrupt(self) -> None:
        """End what is computed now, and whatever is asked later, at the next node of the graph."""
        self._options.terminate = True

    @property
    def fixed_rows(self) -> int | None:
        """How many rows the graph takes, if it takes no other number."""
        sizes = [node.shape[0] for node in self._session.get_inputs() if node.shape]
        return next((size for size in sizes if isinstance(size, int) and size > 0), None)

    def close(self) -> None:
        """The session is freed with this object."""


def _feeds(inputs: list[Any], contract: Contract, missing_text: str) -> list[tuple[str, Feed]]:
    by_name = {field.name: field for field in contract.inputs}
    if {node.name for node in inputs} <= by_name.keys():  # a compiled twin may not need every column
        return [(node.name, _column(by_name[node.name], _dtype(node), node.shape, missing_text)) for node in inputs]
    if len(inputs) == 1:
        return [(inputs[0].name, _matrix(contract.inputs, _dtype(inputs[0]), inputs[0].shape, missing_text))]
    names, wanted = sorted(node.name for node in inputs), sorted(by_name)
    raise UnloadableModelError(f"the ONNX graph takes {names}, which is not what the contract has: {wanted}")


def _dtype(node: Any) -> type[np.generic]:
    if node.type not in DTYPES:
        raise UnloadableModelError(f"ONNX input {node.name!r} has type {node.type}, must be one of {sorted(DTYPES)}")
    return DTYPES[node.type]


def _column(field: Field, dtype: type[np.generic], shape: list[Any], missing_text: str) -> Feed:
    name, as_column = field.name, not field.shape and len(shape) == 2
    convert = _converter(field, dtype, missing_text)
    if field.shape:
        arrange = _arrangement(field, shape)
        return lambda columns: arrange(convert(columns[name]))

    def converted(columns: Columns) -> NDArray[Any]:
        values = convert(columns[name])
        return values.reshape(-1, 1) if as_column else values

    def numbers(columns: Columns) -> NDArray[Any]:
        values = columns[name].astype(dtype, copy=False)
        return values.reshape(-1, 1) if as_column else values

    return converted if dtype is np.object_ or field.time is not None else numbers


def _converter(field: Field, dtype: type[np.generic], missing_text: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """From a column's array to the element type that the graph takes."""
    takes_text, time = dtype is np.object_, field.time
    if time is not None:
        if time.model_takes != ("text" if takes_text else "integer"):
            wanted = "texts" if takes_text else "numbers; declare its unit in a contract file"
            raise UnloadableModelError(f"input {field.name!r} is a time, and the ONNX graph takes {wanted}")
        if takes_text:
            return lambda values: _texts(times.texts(values, time), missing_text)
        return lambda values: times.integers(values, time).astype(dtype, copy=False)
    if takes_text:
        return lambda values: _texts(values, missing_text)
    if field.is_text:
        raise UnloadableModelError(f"input {field.name!r} is text in the contract, and the ONNX graph takes numbers")
    return lambda values: values.astype(dtype, copy=False)


def _arrangement(field: Field, shape: list[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Bring tensors to the graph's order of axes: images may have the channels first, or be flat."""
    if len(shape) == 2 < 1 + len(field.shape):
        return lambda values: values.reshape(len(values), -1)
    if field.image is not None and len(shape) == 4 and _has_channels_first(field.shape, shape[1:]):
        return lambda values: np.ascontiguousarray(values.transpose(0, 3, 1, 2))
    return lambda values: values


def _has_channels_first(field: tuple[int, ...], node: list[Any]) -> bool:
    return bool(node[0] == field[2] and node[2] != field[2])


def _matrix(fields: tuple[Field, ...], dtype: type[np.generic], shape: list[Any], missing_text: str) -> Feed:
    names = [field.name for field in fields]
    in_order = tuple(names)
    if len(fields) == 1 and fields[0].shape:
        return _column(fields[0], dtype, shape, missing_text)
    converters = {field.name: _converter(field, dtype, missing_text) for field in fields}
    if dtype is np.object_:
        return lambda columns: np.column_stack([converters[name](columns[name]) for name in names])
    are_numbers = all(field.time is None for field in fields)

    def matrix(columns: Columns) -> NDArray[Any]:
        if type(columns) is Block and columns.names == in_order:
            return columns.matrix.astype(dtype, copy=False)
        values = np.empty((len(columns[names[0]]), len(names)), dtype=dtype)
        for at, name in enumerate(names):
            values[:, at] = columns[name] if are_numbers else converters[name](columns[name])
        return values

    return matrix


def _texts(values: NDArray[Any], missing_text: str) -> NDArray[Any]:
    if values.dtype != np.object_:
        values = values.astype(str).astype(object)
    texts = values.ravel().tolist()
    if None not in texts:
        return values
    return np.array([missing_text if text is None else text for text in texts], dtype=object).reshape(values.shape)


def _reads(outputs: list[Any], contract: Contract) -> tuple[list[str], list[tuple[str, Read]]]:
    wanted = {field.name for field in contract.outputs}
    if contract.is_classifier:
        return _classifier_reads(outputs, contract, with_probabilities="probabilities" in wanted)
    if wanted == {"prediction"}:
        shape = contract.outputs[0].shape
        return [outputs[0].name], [("prediction", lambda values: _floats(values[0], shape))]
    names = [node.name for node in outputs]
    if missing := sorted(wanted - set(names)):
        raise UnloadableModelError(f"the ONNX graph gives {names}, and lacks the contract's outputs {missing}")
    return sorted(wanted), [(name, _nth(at)) for at, name in enumerate(sorted(wanted))]


def _nth(at: int) -> Read:
    return lambda values: np.asarray(values[at])


def _floats(values: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.asarray(values, dtype=np.float64)
    return array.reshape((len(array), *shape)) if shape else array.reshape(-1)


def _classifier_reads(
    outputs: list[Any], contract: Contract, *, with_probabilities: bool
) -> tuple[list[str], list[tuple[str, Read]]]:
    label, probabilities = classifier_outputs(outputs)
    if label is not None and not with_probabilities:
        probabilities = None  # scores of a classifier that promises none need not be computed
    names = [node.name for node in (label, probabilities) if node is not None]
    reads: list[tuple[str, Read]] = []
    to_probabilities = _probabilities(len(names) - 1, probabilities, contract) if probabilities is not None else None
    if label is not None:
        reads.append(("label", _labels(contract)))
    elif to_probabilities is not None:
        reads.append(("label", _most_probable(to_probabilities, contract)))
    if with_probabilities:
        if to_probabilities is None:
            raise UnloadableModelError("the ONNX graph gives no probabilities, which the contract promises")
        reads.append(("probabilities", to_probabilities))
    return names, reads


def classifier_outputs(outputs: list[Any]) -> tuple[Any, Any]:
    """Which outputs of a graph are the label and the probabilities (None where there is none), told by their types."""
    label = next((node for node in outputs if node.type in ("tensor(int64)", "tensor(string)", "tensor(int32)")), None)
    probabilities = next((node for node in outputs if is_zipmap(node)), None)
    if probabilities is None:
        floats = ("tensor(float)", "tensor(double)")
        probabilities = next((node for node in outputs if node.type in floats), None)
    return label, probabilities


def is_zipmap(node: Any) -> bool:
    """Whether an output is a list of dicts from class to probability, one a row."""
    return bool(node.type.startswith("seq(map("))


def _labels(contract: Contract) -> Read:
    datatype = next(field.datatype for field in contract.outputs if field.name == "label")
    if datatype == "BYTES":
        return lambda values: np.asarray(values[0], dtype=object).reshape(-1)
    dtype = {"BOOL": np.bool_, "FP64": np.float64, "FP32": np.float64}.get(datatype, np.int64)
    return lambda values: np.asarray(values[0], dtype=dtype).reshape(-1)


def _probabilities(at: int, node: Any, contract: Contract) -> Read:
    count = len(contract.classes)
    if is_zipmap(node):
        return lambda values: _unzipped(values[at], count)

    def tensor(values: list[Any]) -> NDArray[Any]:
        found = np.asarray(values[at], dtype=np.float64)
        if found.ndim == 1 or found.shape[1] == 1 < count:  # a network's single output: probability of the last class
            positive = found.reshape(-1)
            return np.column_stack((1 - positive, positive))
        return found

    return tensor


def _unzipped(rows: list[dict[Any, float]], count: int) -> NDArray[Any]:
    """Probabilities of a zipmap, whose maps list the classes in order."""
    values = [probability for row in rows for probability in row.values()]
    return np.array(values, dtype=np.float64).reshape(-1, count)


def _most_probable(probabilities: Read, contract: Contract) -> Read:
    kind = object if isinstance(contract.classes[0], str) else None
    classes = np.array(contract.classes, dtype=kind)
    return lambda values: classes[probabilities(values).argmax(axis=1)]


def load(path: Path, version: ModelVersion) -> Predictor:
    """Load a stored graph."""
    return predictor_of(path, version.contract)


def predictor_of(model: Path | bytes, contract: Contract) -> Predictor:
    """A predictor of a graph that takes any number of rows, also where the graph itself takes one.

    Raises:
        UnloadableModelError: The graph cannot be loaded, does not fit the contract, or takes a fixed number of rows.
    """
    predictor = OnnxPredictor(model, contract)
    rows = predictor.fixed_rows
    if rows is None:
        return predictor
    if rows != 1:
        raise UnloadableModelError(
            f"the ONNX graph takes exactly {rows} rows at once; export it with a dynamic first axis"
        )
    return RowByRow(predictor)
