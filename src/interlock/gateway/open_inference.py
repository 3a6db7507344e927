"""Open Inference Protocol v2 over HTTP: requests and answers in JSON and in binary.

Knows the wire and nothing of models: gives tensors to the contract's reader, and turns outputs into a body. Shared
memory and classification, which are Triton's own, are refused.
"""

from math import prod
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError
from interlock.gateway import binary_tensors, datatypes, lenient_json
from interlock.gateway.calls import Prediction
from interlock.gateway.columns import ColumnReader, Rows
from interlock.gateway.exchange import JSON, Answer
from interlock.gateway.faults import Faults, shown
from interlock.gateway.tensors import Tensor, flatten

_BINARY = (b"content-type", b"application/octet-stream")
_MOST_DIMENSIONS = 8
_LARGEST_SIZE = 1 << 32


class InputTensor(msgspec.Struct, gc=False):
    """An input as it stands in the JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class RequestedOutput(msgspec.Struct, gc=False):
    """An output that the caller asks for."""

    name: str
    parameters: dict[str, Any] | None = None


class InferRequest(msgspec.Struct, gc=False):
    """The JSON of a request."""

    inputs: list[InputTensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[RequestedOutput] | None = None


class OutputTensor(msgspec.Struct, gc=False):
    """An output as it stands in the JSON."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] | UnsetType = UNSET
    data: list[Any] | UnsetType = UNSET


class InferAnswer(msgspec.Struct, gc=False):
    """The JSON of an answer."""

    model_name: str
    model_version: str
    id: str
    parameters: dict[str, Any]
    outputs: list[OutputTensor]


_decoder = msgspec.json.Decoder(InferRequest)
_encoder = msgspec.json.Encoder()


def decode(body: bytes, header: bytes | None) -> tuple[InferRequest, bytes]:
    """The request's JSON, and the binary data after it.

    Args:
        header: The value of `Inference-Header-Content-Length`, if there was one.

    Raises:
        InvalidInputError: It is not a request of this protocol.
    """
    text, raw = binary_tensors.split(body, header)
    return lenient_json.decode(text, _decoder, InferRequest), raw


def of_raw(body: bytes, contract: Contract) -> tuple[InferRequest, bytes]:
    """The request that a body without any JSON stands for: one row of the only input, and all outputs in binary.

    Raises:
        InvalidInputError: The contract has more than one input, or the body does not tell the input's shape.
    """
    if len(contract.inputs) != 1:
        listed = ", ".join(field.name for field in contract.inputs[:20])
        raise InvalidInputError(
            f"Inference-Header-Content-Length == 0 is for models with one input; this one has {listed}: "
            "send the JSON before the binary data, and its length in the header"
        )
    field = contract.inputs[0]
    if field.datatype == "BYTES":
        shape, body = [1, *(abs(size) for size in field.shape)], binary_tensors.text(body)
    else:
        shape = [1, *_raw_shape(field, len(body))]
    given = InputTensor(field.name, shape, field.datatype, parameters={"binary_data_size": len(body)})
    return InferRequest([given], parameters={"binary_data_output": True}), body


def _raw_shape(field: Field, size: int) -> list[int]:
    """A row's shape; at most one of its sizes may follow from the number of bytes."""
    if field.shape.count(-1) > 1:
        raise InvalidInputError(f"{field.name}: its shape {list(field.shape)} does not follow from the number of bytes")
    fixed = datatypes.DTYPES[field.datatype].itemsize * prod(length for length in field.shape if length != -1)
    return [size // fixed if length == -1 and fixed else length for length in field.shape]


def read_rows(request: InferRequest, raw: bytes, reader: ColumnReader) -> Rows:
    """Check the inputs against a contract.

    Raises:
        InvalidInputError: Anything is wrong; all faults at once.
    """
    faults = Faults()
    tensors: list[Tensor] = []
    at = 0
    for given in request.inputs:
        parameters = given.parameters
        if not _is_sound(given, faults):
            continue
        if parameters is not None and "binary_data_size" in parameters:
            size = _binary_size(given, len(raw) - at)
            part, as_text = raw[at : at + size], not reader.takes_images(given.name)
            values = binary_tensors.decode(given.name, given.datatype, given.shape, part, as_text=as_text)
            tensors.append(Tensor(given.name, given.shape, values, given.datatype))
            at += size
        elif (flat := _flat(given, faults)) is not None:
            tensors.append(Tensor(given.name, given.shape, flat, given.datatype))
    if at != len(raw) and not faults:
        faults.add(f"{len(raw) - at} bytes of binary data belong to no input; each needs its binary_data_size")
    if faults and len(tensors) < len(request.inputs):
        faults.raise_now()  # what is missing now would be called missing though it was given
    return reader.read(tensors, faults)


def _is_sound(given: InputTensor, faults: Faults) -> bool:
    shape, before = given.shape, faults.count
    if given.datatype not in datatypes.ALL:
        known = ", ".join(sorted(datatypes.ALL))
        faults.add(f"{given.name}: datatype == {shown(given.datatype)}, must be one of {known}")
    if not 1 <= len(shape) <= _MOST_DIMENSIONS:
        faults.add(f"{given.name}: shape == {shape}, must have 1 to {_MOST_DIMENSIONS} sizes, the rows first")
    elif min(shape) < 0 or max(shape) > _LARGEST_SIZE:
        faults.add(f"{given.name}: shape == {shape}, each size must be 0 to {_LARGEST_SIZE}")
    return faults.count == before


def _flat(given: InputTensor, faults: Faults) -> list[Any] | None:
    if given.data is None:
        shared = given.parameters is not None and "shared_memory_region" in given.parameters
        faults.add(f"{given.name}: {'shared memory is not supported, send data' if shared else 'data is missing'}")
        return None
    if given.datatype in datatypes.ONLY_BINARY:
        faults.add(f"{given.name}: {given.datatype} has no JSON form; send FP32, or binary data")
        return None
    return flatten(given.name, given.data, given.shape, faults)


def _binary_size(given: InputTensor, left: int) -> int:
    size = (given.parameters or {})["binary_data_size"]
    if given.data is not None:
        raise InvalidInputError(f"{given.name}: has data and binary_data_size, must have one of them")
    if type(size) is not int or not 0 <= size <= left:
        raise InvalidInputError(f"{given.name}: binary_data_size == {shown(size)}, must be 0 to the {left} bytes left")
    return size


class Encoder:
    """How one request wants its answer: which outputs, and which of them in binary.

    Raises:
        InvalidInputError: An output that the contract does not have.
    """

    __slots__ = ("_binary", "_wanted")

    def __init__(self, request: InferRequest, contract: Contract) -> None:
        in_binary = bool(request.parameters and request.parameters.get("binary_data_output", False))
        self._binary: bool | dict[str, bool] = in_binary
        self._wanted: list[str] | None = None
        if request.outputs:
            self._select(request.outputs, contract, in_binary)

    def _select(self, outputs: list[RequestedOutput], contract: Contract, in_binary: bool) -> None:
        known = [field.name for field in contract.outputs]
        faults = Faults()
        for output in outputs:
            if output.name not in known:
                faults.add(f"output {shown(output.name)} is not known; the outputs are {', '.join(known)}")
            elif output.parameters and "classification" in output.parameters:
                faults.add(f"output {shown(output.name)}: classification is not supported; ask for probabilities")
            elif output.parameters and "shared_memory_region" in output.parameters:
                faults.add(f"output {shown(output.name)}: shared memory is not supported")
        names = [output.name for output in outputs]
        if len(set(names)) < len(names):
            faults.add("an output is asked for twice")
        faults.raise_if_any()
        self._wanted = names
        self._binary = {
            output.name: bool((output.parameters or {}).get("binary_data", in_binary)) for output in outputs
        }

    def wants(self, output: str) -> bool:
        """Whether the answer has this output."""
        return self._wanted is None or output in self._wanted

    def encode(self, prediction: Prediction) -> Answer:
        """The answer's body, with its content headers."""
        tensors: list[OutputTensor] = []
        parts: list[bytes] = []
        for field in prediction.contract.outputs:
            name = field.name
            if not self.wants(name):
                continue
            if self._binary if isinstance(self._binary, bool) else self._binary[name]:
                values = prediction.array(name)
                part = binary_tensors.encode(values, field.datatype)
                parts.append(part)
                tensors.append(OutputTensor(name, list(values.shape), field.datatype, {"binary_data_size": len(part)}))
            else:
                tensors.append(_in_json(field, prediction.plain(name)))
        return _answer(prediction, tensors, parts)


def _in_json(field: Field, rows: list[Any]) -> OutputTensor:
    """An output as flat JSON data; sizes that vary are those of the first row."""
    shape, data = [len(rows)], rows
    for _ in field.shape:
        shape.append(len(data[0]))
        data = [value for part in data for value in part]
    return OutputTensor(field.name, shape, field.datatype, data=data)


def _answer(prediction: Prediction, tensors: list[OutputTensor], parts: list[bytes]) -> Answer:
    call = prediction.call
    ids = call.prediction_ids
    parameters = {"prediction_id": ids[0] if len(ids) == 1 else ids}
    text = _encoder.encode(
        InferAnswer(call.served.name, prediction.answered.version.ref, call.quote, parameters, tensors)
    )
    if not parts:
        return Answer(text, 200, [JSON])
    length = (binary_tensors.HEADER, str(len(text)).encode())
    return Answer(b"".join((text, *parts)), 200, [_BINARY, length])
