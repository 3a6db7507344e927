"""The Open Inference Protocol over gRPC, by the public Triton client and by messages that it would not send."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

grpc = pytest.importorskip("grpc")
triton = pytest.importorskip("tritonclient.grpc")
service_pb2 = pytest.importorskip("tritonclient.grpc.service_pb2")

METHOD = "/inference.GRPCInferenceService/"


@pytest.fixture
def server(price_world: Any, start: Callable[..., Any]) -> Iterator[Any]:
    with start(price_world, grpc_port=0) as found:
        yield found


@pytest.fixture
def client(server: Any) -> Iterator[Any]:
    with triton.InferenceServerClient(server.grpc) as found:
        yield found


@contextmanager
def channel(server: Any, **options: Any) -> Iterator[Any]:
    with grpc.insecure_channel(server.grpc, options=list(options.items())) as found:
        yield found


def call(server: Any, name: str, message: Any, **more: Any) -> Any:
    """One call of a method, whose answer is `<name>Response`."""
    answered = getattr(service_pb2, f"{name}Response")
    with channel(server) as open_channel:
        method = open_channel.unary_unary(
            METHOD + name, request_serializer=type(message).SerializeToString, response_deserializer=answered.FromString
        )
        return method(message, timeout=more.pop("timeout", 20), **more)


def price_inputs(area: Any, rooms: Any) -> list[Any]:
    shape = [len(area)]
    return [
        triton.InferInput("area", shape, "FP64").set_data_from_numpy(np.array(area, dtype=np.float64)),
        triton.InferInput("rooms", shape, "INT64").set_data_from_numpy(np.array(rooms, dtype=np.int64)),
    ]


def infer_request(*inputs: Any, raw: list[bytes] | None = None, **more: Any) -> Any:
    tensor = service_pb2.ModelInferRequest.InferInputTensor
    given = [tensor(name=name, datatype=datatype, shape=shape) for name, datatype, shape, _ in inputs]
    for message, (*_, contents) in zip(given, inputs, strict=True):
        if contents is not None:
            message.contents.CopyFrom(service_pb2.InferTensorContents(**contents))
    return service_pb2.ModelInferRequest(
        model_name=more.pop("model", "price"), inputs=given, raw_input_contents=raw or [], **more
    )


AREA = ("area", "FP64", [1], {"fp64_contents": [50.0]})
ROOMS = ("rooms", "INT64", [1], {"int64_contents": [3]})


def test_triton_client_works_as_it_comes(server: Any, client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("price")
    assert client.is_model_ready("price", "1")
    assert client.get_server_metadata().name == "interlock"
    metadata = client.get_model_metadata("price", as_json=True)
    assert metadata["versions"] == ["price:1"]
    assert metadata["inputs"][1] == {"name": "rooms", "datatype": "INT64", "shape": ["-1"]}
    result = client.infer("price", price_inputs([50.0, 1.0], [3, 0]), request_id="mine")
    assert result.as_numpy("prediction").tolist() == [103.0, 2.0]
    answer = result.get_response()
    assert (answer.model_name, answer.model_version, answer.id) == ("price", "price:1", "mine")
    assert len(answer.parameters["prediction_id"].string_param.split(",")) == 2
    pinned = client.infer("price", price_inputs([1.0], [1]), model_version="1", compression_algorithm="gzip")
    assert pinned.as_numpy("prediction").tolist() == [3.0]
    assert [record.role for record in server.world.predictions()] == ["champion", "pinned"]


def test_index_configuration_and_statistics_are_those_of_http(server: Any, client: Any) -> None:
    for _ in range(3):
        client.infer("price", price_inputs([1.0], [1]))
    (entry,) = client.get_model_repository_index().models
    assert (entry.name, entry.version, entry.state) == ("price", "price:1", "READY")
    config = client.get_model_config("price", as_json=True)["config"]
    assert config["input"][0] == {"name": "area", "data_type": "TYPE_FP64"}
    assert config["version_policy"] == {"specific": {"versions": ["1"]}}
    server.wait(lambda: client.get_inference_statistics("price").model_stats[0].execution_count >= 3)
    for found in (client.get_inference_statistics("price", "1"), client.get_inference_statistics()):
        (stats,) = found.model_stats
        assert stats.version == "price:1"
        assert stats.inference_stats.success.count >= 3
        assert stats.batch_stats[0].compute_infer.count >= 3


def test_texts_truths_and_requested_outputs(world: Any, start: Any, models: Any) -> None:
    world.plan("size", world.register("size:1", models.SIZE, models.size_model()))
    with start(world, grpc_port=0) as server, triton.InferenceServerClient(server.grpc) as client:
        given = {
            "size": (np.array([[2.0], [-1.0]], dtype=np.float32), "FP32"),
            "colour": (np.array([["rot"], ["grün"]], dtype=object), "BYTES"),
            "fresh": (np.array([[True], [False]]), "BOOL"),
        }
        inputs = [
            triton.InferInput(name, list(values.shape), datatype).set_data_from_numpy(values)
            for name, (values, datatype) in given.items()
        ]
        result = client.infer("size", inputs)
        assert result.as_numpy("label").tolist() == [b"big", b"small"]
        assert result.as_numpy("probabilities").shape == (2, 2)
        some = client.infer("size", inputs, outputs=[triton.InferRequestedOutput("label")])
        assert [output.name for output in some.get_response().outputs] == ["label"]
        typed = infer_request(
            ("size", "FP32", [1], {"fp32_contents": [2.0]}),
            ("colour", "BYTES", [1], {"bytes_contents": ["grün".encode()]}),
            ("fresh", "BOOL", [1], {"bool_contents": [True]}),
            model="size",
        )
        assert call(server, "ModelInfer", typed).raw_output_contents[0] == b"\x03\x00\x00\x00big"


@pytest.mark.parametrize(
    ("datatype", "field"),
    [
        ("INT8", "int_contents"), ("INT16", "int_contents"), ("INT32", "int_contents"), ("INT64", "int64_contents"),
        ("UINT8", "uint_contents"), ("UINT16", "uint_contents"), ("UINT32", "uint_contents"),
        ("UINT64", "uint64_contents"), ("FP32", "fp32_contents"), ("FP64", "fp64_contents"),
    ],
)  # fmt: skip
def test_every_number_type_has_its_field(server: Any, datatype: str, field: str) -> None:
    answer = call(server, "ModelInfer", infer_request(("area", datatype, [1], {field: [50]}), ROOMS))
    assert np.frombuffer(answer.raw_output_contents[0]).tolist() == [103.0]
    assert answer.outputs[0].shape == [1]


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (infer_request(AREA), "INVALID_ARGUMENT", 'input "rooms" is missing'),
        (infer_request(AREA, ROOMS, model="nope"), "NOT_FOUND", "Request for unknown model: 'nope'"),
        (infer_request(AREA, ROOMS, model="price/infer"), "NOT_FOUND", "Request for unknown model"),
        (infer_request(AREA, ROOMS, model_version="9"), "NOT_FOUND", "version '9' of 'price' is not loaded"),
        (infer_request(AREA, ROOMS, raw=[b"x"]), "INVALID_ARGUMENT", "raw_input_contents has 1 entries"),
        (infer_request(AREA, ROOMS, raw=[b"x" * 8] * 2), "INVALID_ARGUMENT", "area: has contents and raw_input"),
        (
            infer_request(("area", "FP64", [1], {"fp32_contents": [1.0]}), ROOMS),
            "INVALID_ARGUMENT", "area: data is in fp32_contents, must be in fp64_contents for FP64",
        ),
        (infer_request(("area", "FP64", [2], None), ROOMS), "INVALID_ARGUMENT", "area: data has 0 values, must have 2"),
        (infer_request(("area", "FP16", [1], {"fp32_contents": [1]}), ROOMS), "INVALID_ARGUMENT", "FP16 has no"),
        (infer_request(("area", "FP64", [-1], None), ROOMS), "INVALID_ARGUMENT", "each size must be 0 to"),
        (infer_request(("area", "X", [1], None), ROOMS), "INVALID_ARGUMENT", 'datatype == "X", must be one of'),
        (infer_request(), "INVALID_ARGUMENT", "no inputs"),
        (infer_request(("area", "FP64", [1], None), ROOMS, raw=[b"x", b"y"]), "INVALID_ARGUMENT", "contents"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_wrong_requests_are_refused_with_their_reason(server: Any, message: Any, code: str, words: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call(server, "ModelInfer", message)
    assert caught.value.code().name == code
    assert words in caught.value.details()
    assert server.world.predictions() == []


def test_keys_are_wanted_but_for_health(price_world: Any, start: Any) -> None:
    with start(price_world, no_auth=False, grpc_port=0) as server, triton.InferenceServerClient(server.grpc) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        with pytest.raises(Exception, match="UNAUTHENTICATED"):
            client.infer("price", price_inputs([1.0], [1]))
        with pytest.raises(Exception, match="UNAUTHENTICATED"):
            client.get_model_metadata("nope", headers={"authorization": "Bearer wrong"})
        scorer, viewer = price_world.key("scorer"), price_world.key("viewer")
        limited = price_world.key("scorer", "limited", endpoints=("wine",))
        known = [{name.lower(): value for name, value in key.items()} for key in (scorer, viewer, limited)]
        assert client.infer("price", price_inputs([1.0], [1]), headers=known[0]).as_numpy("prediction").tolist() == [
            3.0
        ]
        assert client.is_model_ready("price", headers=known[1])
        for headers in known[1:]:
            with pytest.raises(Exception, match="PERMISSION_DENIED"):
                client.infer("price", price_inputs([1.0], [1]), headers=headers)
        with pytest.raises(Exception, match="none that key 'limited' may ask is served"):
            client.infer("nope", price_inputs([1.0], [1]), headers=known[2])


def test_sticky_key_of_the_metadata_is_recorded(server: Any) -> None:
    message = infer_request(AREA, ROOMS)
    call(server, "ModelInfer", message, metadata=(("x-interlock-key", "anna"),))
    call(server, "ModelInfer", message, metadata=(("x-interlock-key-bin", "zoë".encode()),))
    assert [record.units for record in server.world.predictions()] == [["anna"], ["zoë"]]
    with pytest.raises(grpc.RpcError, match="X-Interlock-Key has 300 characters"):
        call(server, "ModelInfer", message, metadata=(("x-interlock-key", "k" * 300),))


def test_answers_say_their_version_and_ids_in_trailing_metadata(world: Any, start: Any, models: Any) -> None:
    world.register("price:1", models.PRICE, models.price_model())
    world.register_faulty("price:2", "raises")
    world.release("price:1", "price:2")
    with start(world, grpc_port=0) as server, channel(server) as open_channel:
        method = open_channel.unary_unary(METHOD + "ModelInfer")
        _, done = method.with_call(infer_request(AREA, ROOMS).SerializeToString(), timeout=20)
        told = dict(done.trailing_metadata())
    assert told["x-interlock-version"] == "price:1"
    assert told["x-interlock-fallback"] == "1"
    assert told["x-interlock-prediction-id"] == world.predictions()[0].prediction_ids[0]


def test_nearer_deadline_of_call_and_metadata_counts(world: Any, start: Any) -> None:
    world.register_faulty("price:2", "late")
    world.plan("price", "price:2", deadline_ms=5000)
    with start(world, grpc_port=0) as server:
        for timeout, milliseconds in ((20, "50"), (0.3, "9000"), (0.3, None)):
            began = time.monotonic()
            metadata = (("x-interlock-deadline-ms", milliseconds),) if milliseconds else ()
            with pytest.raises(grpc.RpcError) as caught:
                call(server, "ModelInfer", infer_request(AREA, ROOMS), timeout=timeout, metadata=metadata)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert time.monotonic() - began < 3
        server.wait(lambda: len(world.failures()) >= 1)
        assert {failure.assignment.attempt_status for failure in world.failures()} == {"timeout"}
        with pytest.raises(grpc.RpcError, match="X-Interlock-Deadline-Ms == 'soon'"):
            call(server, "ModelInfer", infer_request(AREA, ROOMS), metadata=(("x-interlock-deadline-ms", "soon"),))


def test_failing_model_is_internal_and_tells_nothing_from_inside(world: Any, start: Any) -> None:
    world.register_faulty("price:2", "raises")
    world.plan("price", "price:2")
    with start(world, grpc_port=0) as server:
        with pytest.raises(grpc.RpcError) as caught:
            call(server, "ModelInfer", infer_request(AREA, ROOMS, id="mine"))
        page = server.client.get("/metrics").text
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert caught.value.details() == "model price:2 failed (model_error); the server's log says why (request mine)"
    assert 'interlock_requests_total{code="500",endpoint="price",role="",version=""} 1.0' in page


def test_too_large_a_message_is_refused(price_world: Any, start: Any) -> None:
    with start(price_world, grpc_port=0, max_body_bytes=100_000) as server:
        rows = 20_000
        inputs = price_inputs([1.0] * rows, [1] * rows)
        with triton.InferenceServerClient(server.grpc) as client:
            for algorithm in (None, "gzip"):
                with pytest.raises(Exception, match="RESOURCE_EXHAUSTED"):
                    client.infer("price", inputs, compression_algorithm=algorithm)
            assert client.infer("price", price_inputs([1.0], [1])).as_numpy("prediction").tolist() == [3.0]


def test_overload_asks_to_come_again_later(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.gateway.lane.MOST_CALLS", 0)
    with pytest.raises(grpc.RpcError) as caught:
        call(server, "ModelInfer", infer_request(AREA, ROOMS))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    told = dict(caught.value.trailing_metadata())
    assert (told["retry-after"], told["grpc-retry-pushback-ms"]) == ("1", "1000")


def test_refused_requests_are_recorded_with_their_rules(price_world: Any, start: Any) -> None:
    with start(price_world, grpc_port=0) as server:
        for message in (infer_request(AREA), infer_request(AREA, ROOMS, raw=[b"x"])):
            with pytest.raises(grpc.RpcError):
                call(server, "ModelInfer", message)
    (record,) = (record for record in price_world.records() if type(record).__name__ == "RejectedRecord")
    assert {(one.field, one.rule) for one in record.counts} == {("", ""), ("rooms", "missing"), ("", "form")}
    assert b'"name":"area"' in record.samples[0].body


def test_what_is_not_served_is_unimplemented(server: Any) -> None:
    with channel(server) as open_channel, pytest.raises(grpc.RpcError) as caught:
        open_channel.unary_unary(METHOD + "RepositoryModelLoad")(b"", timeout=20)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_kubernetes_probe_is_answered(server: Any) -> None:
    with channel(server) as open_channel:
        check = open_channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=20) == b"\x08\x01"  # status: SERVING
        with pytest.raises(grpc.RpcError) as caught:
            check(b"\n\x04nope", timeout=20)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_caller_who_has_gone_is_not_computed(world: Any, start: Any) -> None:
    faulty = world.register_faulty("price:2", "late")
    world.plan("price", "price:2", deadline_ms=2000)
    with start(world, grpc_port=0) as server, channel(server) as open_channel:
        method = open_channel.unary_unary(METHOD + "ModelInfer")
        message = infer_request(AREA, ROOMS).SerializeToString()
        first = method.future(message)
        server.wait(lambda: faulty.asked == 1)
        gone = method.future(message)
        gone.cancel()
        first.cancel()
        faulty.is_faulty = False
        assert method(message, timeout=20)
        assert faulty.asked == 2
