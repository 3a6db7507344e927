"""Open Inference requests and answers as gRPC messages: the same requests as in JSON, so the same checks follow.

Answers are always raw, which is what clients read first, and one copy of an array.
"""

from typing import Any

from interlock.domain.errors import InvalidInputError
from interlock.gateway import binary_tensors
from interlock.gateway.calls import Prediction
from interlock.gateway.grpc_messages import ModelInferResponse
from interlock.gateway.open_inference import Encoder, InferRequest, InputTensor, RequestedOutput

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def decode(message: Any) -> tuple[InferRequest, bytes]:
    """A `ModelInferRequest` as a request, and the binary data of its inputs.

    Raises:
        InvalidInputError: Its data is in two forms, or in the wrong field.
    """
    raws = message.raw_input_contents
    if raws and len(raws) != len(message.inputs):
        raise InvalidInputError(
            f"raw_input_contents has {len(raws)} entries, must have one for each of {len(message.inputs)} inputs"
        )
    inputs: list[InputTensor] = []
    parts: list[bytes] = []
    for at, given in enumerate(message.inputs):
        tensor = InputTensor(given.name, list(given.shape), given.datatype, None, _parameters(given.parameters) or {})
        part = _raw(given, raws[at]) if raws else _typed(given, tensor)
        _set_binary(tensor, part)
        if part is not None:
            parts.append(part)
        inputs.append(tensor)
    outputs = [RequestedOutput(each.name, _parameters(each.parameters)) for each in message.outputs]
    request = InferRequest(inputs, message.id or None, _parameters(message.parameters), outputs or None)
    return request, parts[0] if len(parts) == 1 else b"".join(parts)


def _raw(given: Any, raw: bytes) -> bytes:
    if given.HasField("contents"):
        raise InvalidInputError(f"{given.name}: has contents and raw_input_contents, must have one of them")
    return raw


def _typed(given: Any, tensor: InputTensor) -> bytes | None:
    """Put values where JSON has them; BYTES, which JSON does not have as they are, into binary data."""
    if not given.HasField("contents"):
        # An empty tensor has no contents; a place in shared memory is explained where it is in JSON too.
        tensor.data = None if "shared_memory_region" in given.parameters else []
        return None
    wanted, tensor.data = _CONTENTS.get(given.datatype), []
    for field, values in given.contents.ListFields():
        if wanted is not None and field.name != wanted:
            raise InvalidInputError(f"{given.name}: data is in {field.name}, must be in {wanted} for {given.datatype}")
        if field.name == "bytes_contents":
            tensor.data = None
            return b"".join(binary_tensors.text(value) for value in values)
        tensor.data = list(values)
    return None


def _set_binary(tensor: InputTensor, part: bytes | None) -> None:
    parameters = tensor.parameters or {}
    parameters.pop("binary_data_size", None)
    if part is not None:
        parameters["binary_data_size"] = len(part)
    tensor.parameters = parameters


def _parameters(given: Any) -> dict[str, Any] | None:
    if not given:
        return None
    return {name: getattr(value, value.WhichOneof("parameter_choice") or "", None) for name, value in given.items()}


def encode(encoder: Encoder, prediction: Prediction) -> Any:
    """The answer as a `ModelInferResponse`."""
    call = prediction.call
    message = ModelInferResponse(
        model_name=call.served.name, model_version=prediction.answered.version.ref, id=call.quote
    )
    message.parameters["prediction_id"].string_param = ",".join(call.prediction_ids)
    for field in prediction.contract.outputs:
        if encoder.wants(field.name):
            values = prediction.array(field.name)
            message.outputs.add(name=field.name, datatype=field.datatype, shape=values.shape)
            message.raw_output_contents.append(binary_tensors.encode(values, field.datatype))
    return message
