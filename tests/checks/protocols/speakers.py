"""One way of asking for each wire format of the Open Inference Protocol, all with the same words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
import httpx
import numpy as np
import tritonclient.grpc as triton_grpc
from tritonclient.grpc import service_pb2
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

METHOD = "/inference.GRPCInferenceService/ModelInfer"

# What the same error is called on either side.
CODES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

_TYPED = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


@dataclass
class Question:
    """One request. Texts are arrays of str objects."""

    endpoint: str
    inputs: dict[str, Any]
    id: str = ""
    version: str = ""
    outputs: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass
class Reply:
    """An answer or an error, without what differs from one asking to the next."""

    outputs: dict[str, Any] | None = None
    version: str = ""
    id: str = ""
    rows: int = 0
    fallback: bool = False
    code: str = "OK"
    error: str = ""


class Speaker(Protocol):
    """Asks a server in one format."""

    name: str

    def ask(self, server: Any, question: Question) -> Reply:
        """Ask once."""


def _datatype(values: Any) -> str:
    return str(np_to_triton_dtype(values.dtype))


def _plain(values: Any) -> Any:
    listed = np.asarray(values).tolist()
    return [each.decode() for each in listed] if listed and isinstance(listed[0], bytes) else listed


def _fallback(headers: Mapping[str, Any]) -> bool:
    return headers.get("x-interlock-fallback") == "1"


class JsonSpeaker:
    """JSON, flat or nested."""

    def __init__(self, *, nested: bool) -> None:
        self.name, self._nested = "nested JSON" if nested else "flat JSON", nested

    def ask(self, server: Any, question: Question) -> Reply:
        inputs = [
            {
                "name": name,
                "shape": list(values.shape),
                "datatype": _datatype(values),
                "data": (values if self._nested else values.ravel()).tolist(),
            }
            for name, values in question.inputs.items()
        ]
        body: dict[str, Any] = {"inputs": inputs, "parameters": question.parameters}
        if question.id:
            body["id"] = question.id
        if question.outputs:
            body["outputs"] = [{"name": name} for name in question.outputs]
        path = f"/versions/{question.version}" if question.version else ""
        answer: httpx.Response = server.client.post(
            f"/v2/models/{question.endpoint}{path}/infer", json=body, headers=question.headers
        )
        found = answer.json()
        if answer.status_code != 200:
            return Reply(code=CODES[answer.status_code], error=found["error"])
        outputs = {each["name"]: np.reshape(each["data"], each["shape"]).tolist() for each in found["outputs"]}
        ids = found["parameters"]["prediction_id"]
        rows = 1 if isinstance(ids, str) else len(ids)
        return Reply(outputs, found["model_version"], _own(found["id"], question), rows, _fallback(answer.headers))


# Parameters that Triton's client has arguments for.
_OWN_ARGUMENTS = ("priority", "timeout", "sequence_id")


class BinarySpeaker:
    """Binary tensors over HTTP, by Triton's client."""

    def __init__(self, algorithm: str | None = None) -> None:
        self.name, self._algorithm = f"binary HTTP {algorithm or ''}".strip(), algorithm

    def ask(self, server: Any, question: Question) -> Reply:
        inputs = [
            InferInput(name, list(values.shape), _datatype(values)).set_data_from_numpy(values)
            for name, values in question.inputs.items()
        ]
        outputs = [InferRequestedOutput(name) for name in question.outputs] or None
        own = {name: value for name, value in question.parameters.items() if name in _OWN_ARGUMENTS}
        others = {name: value for name, value in question.parameters.items() if name not in own}
        with InferenceServerClient(server.url.removeprefix("http://")) as client:
            try:
                result = client.infer(
                    question.endpoint,
                    inputs,
                    question.version,
                    outputs,
                    question.id,
                    headers=dict(question.headers),  # it adds its own to them
                    parameters=others,
                    **own,
                    request_compression_algorithm=self._algorithm,
                    response_compression_algorithm=self._algorithm,
                )
            except InferenceServerException as error:
                return Reply(code=CODES[int(str(error.status()))], error=str(error.message()))
        found = result.get_response()
        ids = found["parameters"]["prediction_id"]
        return Reply(
            {each["name"]: _plain(result.as_numpy(each["name"])) for each in found["outputs"]},
            found["model_version"],
            _own(found["id"], question),
            1 if isinstance(ids, str) else len(ids),
            _fallback_of_nobody,
        )


# Triton's client over HTTP does not hand on the headers of an answer.
_fallback_of_nobody: Any = None


class GrpcSpeaker:
    """gRPC, with raw or with typed contents."""

    def __init__(self, *, typed: bool) -> None:
        self.name, self._typed = "typed gRPC" if typed else "raw gRPC", typed

    def ask(self, server: Any, question: Question) -> Reply:
        message = self._message(question)
        metadata = tuple((name.lower(), value) for name, value in question.headers.items())
        with grpc.insecure_channel(server.grpc) as channel:
            method = channel.unary_unary(
                METHOD,
                request_serializer=service_pb2.ModelInferRequest.SerializeToString,
                response_deserializer=service_pb2.ModelInferResponse.FromString,
            )
            try:
                answer, call = method.with_call(message, timeout=20, metadata=metadata)
            except grpc.RpcError as error:
                return Reply(code=error.code().name, error=str(error.details()))
        result = triton_grpc.InferResult(answer)
        return Reply(
            {each.name: _plain(result.as_numpy(each.name)) for each in answer.outputs},
            answer.model_version,
            _own(answer.id, question),
            len(answer.parameters["prediction_id"].string_param.split(",")),
            _fallback(dict(call.trailing_metadata())),
        )

    def _message(self, question: Question) -> Any:
        message = service_pb2.ModelInferRequest(
            model_name=question.endpoint, model_version=question.version, id=question.id
        )
        for name in question.outputs:
            message.outputs.add(name=name)
        for name, value in question.parameters.items():
            kind = {bool: "bool_param", int: "int64_param", str: "string_param", float: "double_param"}[type(value)]
            setattr(message.parameters[name], kind, value)
        for name, values in question.inputs.items():
            datatype = _datatype(values)
            given = message.inputs.add(name=name, datatype=datatype, shape=values.shape)
            if self._typed:
                flat = values.ravel().tolist()
                told = [each.encode() for each in flat] if datatype == "BYTES" else flat
                getattr(given.contents, _TYPED[datatype]).extend(told)
            else:
                raw = triton_grpc.InferInput(name, list(values.shape), datatype)
                message.raw_input_contents.append(raw.set_data_from_numpy(values)._get_content())
        return message


def _own(id: str, question: Question) -> str:
    """The caller's own id; one that the server has made is another every time."""
    return id if id == question.id else "made"


SPEAKERS: tuple[Speaker, ...] = (
    JsonSpeaker(nested=False),
    JsonSpeaker(nested=True),
    BinarySpeaker(),
    BinarySpeaker("gzip"),
    GrpcSpeaker(typed=False),
    GrpcSpeaker(typed=True),
)
