"""Open Inference Protocol over a real server: JSON by httpx, binary by the public Triton client."""

import gzip
import json
import math
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest


@pytest.fixture
def size_server(world: Any, start: Callable[..., Any], models: Any) -> Iterator[Any]:
    world.plan("size", world.register("size:1", models.SIZE, models.size_model()))
    with start(world) as found:
        yield found


def test_json_request_is_answered_with_ids_and_version(server: Any) -> None:
    answer = server.price(50.0, 3, id="mine")
    body = answer.json()
    assert answer.status_code == 200
    assert body["outputs"] == [{"name": "prediction", "shape": [1], "datatype": "FP64", "data": [103.0]}]
    assert (body["model_name"], body["model_version"], body["id"]) == ("price", "price:1", "mine")
    assert body["parameters"]["prediction_id"] == answer.headers["X-Interlock-Prediction-Id"]
    assert answer.headers["X-Interlock-Version"] == "price:1"
    assert "X-Interlock-Fallback" not in answer.headers


def test_several_rows_have_a_prediction_id_each(server: Any, tensor: Any) -> None:
    answer = server.infer([tensor("area", "FP64", [1.0, 2.0]), tensor("rooms", "INT64", [0, 1])])
    ids = answer.json()["parameters"]["prediction_id"]
    assert answer.json()["outputs"][0]["data"] == [2.0, 5.0]
    assert len(set(ids)) == 2
    assert sorted(ids) == ids
    assert answer.headers["X-Interlock-Prediction-Id"] == ",".join(ids)


@pytest.mark.parametrize(
    ("shape", "data"), [([2], [1.0, 2.0]), ([2, 1], [1.0, 2.0]), ([2, 1], [[1.0], [2.0]])], ids=str
)
def test_columns_are_accepted_flat_and_nested(server: Any, tensor: Any, shape: list[int], data: list[Any]) -> None:
    answer = server.infer([tensor("area", "FP64", data, shape), tensor("rooms", "INT64", [0, 0], [2])])
    assert answer.json()["outputs"][0]["data"] == [2.0, 4.0]


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT32", "INT64", "UINT8"])
def test_any_number_type_that_holds_is_accepted(server: Any, tensor: Any, datatype: str) -> None:
    answer = server.infer([tensor("area", datatype, [4]), tensor("rooms", datatype, [2])])
    assert answer.json()["outputs"][0]["data"] == [10.0]


def test_one_matrix_stands_for_all_columns_in_contract_order(server: Any, tensor: Any) -> None:
    answer = server.infer([tensor("anything", "FP32", [[1.0, 2.0], [3.0, 4.0]], [2, 2])])
    assert answer.json()["outputs"][0]["data"] == [4.0, 10.0]


def test_classifier_gives_label_and_probabilities(size_server: Any, tensor: Any) -> None:
    answer = size_server.infer(
        [
            tensor("size", "FP64", [1.0, None]),
            tensor("colour", "BYTES", ["red", None]),
            tensor("fresh", "BOOL", [True, False]),
        ],
        "size",
    )
    label, probabilities = answer.json()["outputs"]
    assert label == {"name": "label", "shape": [2], "datatype": "BYTES", "data": ["big", "big"]}
    assert probabilities["shape"] == [2, 2]
    assert probabilities["data"] == pytest.approx([0.268941, 0.731059, 0.5, 0.5], abs=1e-6)


def test_only_requested_outputs_are_given(size_server: Any, tensor: Any) -> None:
    inputs = [tensor("size", "FP64", [1.0]), tensor("fresh", "BOOL", [True])]
    answer = size_server.infer(inputs, "size", outputs=[{"name": "label"}])
    assert [output["name"] for output in answer.json()["outputs"]] == ["label"]
    unknown = size_server.infer(inputs, "size", outputs=[{"name": "mood"}])
    assert unknown.status_code == 400
    assert unknown.json()["error"] == 'output "mood" is not known; the outputs are label, probabilities'


def test_column_that_may_be_missing_may_be_absent(size_server: Any, tensor: Any, world: Any, plain: Any) -> None:
    answer = size_server.infer([tensor("fresh", "BOOL", [True])], "size")
    assert answer.status_code == 200
    recorded = plain(world.predictions()[0].inputs)
    assert math.isnan(recorded["size"][0])
    assert (recorded["colour"], recorded["fresh"]) == ([None], [True])


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_packed_bodies_are_read(server: Any, tensor: Any, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    body = json.dumps({"inputs": [tensor("area", "FP64", [1.0]), tensor("rooms", "INT64", [1])]}).encode()
    answer = server.client.post("/v2/models/price/infer", content=pack(body), headers={"Content-Encoding": encoding})
    assert answer.json()["outputs"][0]["data"] == [3.0]


def test_triton_client_works_as_it_comes(size_server: Any) -> None:
    triton = pytest.importorskip("tritonclient.http")
    client = triton.InferenceServerClient(size_server.url.removeprefix("http://"))
    try:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("size")
        assert client.get_model_metadata("size")["inputs"][0] == {"name": "size", "datatype": "FP32", "shape": [-1]}
        given = {
            "size": (np.array([[2.0], [-1.0]], dtype=np.float32), "FP32"),
            "colour": (np.array([["rot"], ["grün"]], dtype=object), "BYTES"),
            "fresh": (np.array([[True], [False]]), "BOOL"),
        }
        inputs = []
        for name, (values, datatype) in given.items():
            one = triton.InferInput(name, list(values.shape), datatype)
            inputs.append(one.set_data_from_numpy(values))
        result = client.infer("size", inputs, request_id="r1", request_compression_algorithm="gzip")
        assert result.as_numpy("label").tolist() == [b"big", b"small"]
        assert result.as_numpy("probabilities").shape == (2, 2)
        assert result.get_response()["id"] == "r1"
        asked = [triton.InferRequestedOutput("probabilities", binary_data=False)]
        assert client.infer("size", inputs, outputs=asked).as_numpy("probabilities")[0, 1] > 0.8
        with pytest.raises(Exception, match="Request for unknown model"):
            client.infer("nope", inputs)
        with pytest.raises(Exception, match='input "fresh" is missing'):
            client.infer("size", inputs[:1])
    finally:
        client.close()


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_triton_client_packs_both_ways(server: Any, algorithm: str) -> None:
    triton = pytest.importorskip("tritonclient.http")
    areas = np.arange(3000, dtype=np.float64)
    client = triton.InferenceServerClient(server.url.removeprefix("http://"))
    try:
        inputs = [
            triton.InferInput("area", [3000], "FP64").set_data_from_numpy(areas),
            triton.InferInput("rooms", [3000], "INT64").set_data_from_numpy(np.zeros(3000, dtype=np.int64)),
        ]
        for binary in (True, False):
            result = client.infer(
                "price",
                inputs,
                outputs=[triton.InferRequestedOutput("prediction", binary_data=binary)],
                request_compression_algorithm=algorithm,
                response_compression_algorithm=algorithm,
            )
            assert result.as_numpy("prediction").tolist() == (2 * areas).tolist()
    finally:
        client.close()


@pytest.fixture(scope="module")
def single(start_shared: Any, module_models: Any) -> Iterator[Any]:
    """Models with one input."""
    models = module_models
    with start_shared(
        {
            "vector": (models.VECTOR, models.vector_model()),
            "any": (models.ANY_LENGTH, models.vector_model(("total",), None)),
            "text": (models.TEXT, models.text_model()),
        }
    ) as found:
        yield found


def ask_raw(server: Any, endpoint: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    headers = {"Inference-Header-Content-Length": "0", "Content-Type": "application/octet-stream"}
    answer = server.client.post(f"/v2/models/{endpoint}/infer", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    length = int(answer.headers["Inference-Header-Content-Length"])
    return json.loads(answer.content[:length]), answer.content[length:]


def test_body_without_json_is_one_row_of_the_only_input(single: Any) -> None:
    values = np.array([1, 2, 3], dtype=np.float32)
    found, raw = ask_raw(single, "vector", values.tobytes())
    assert [(each["name"], each["shape"]) for each in found["outputs"]] == [("total", [1]), ("twice", [1, 3])]
    assert np.frombuffer(raw, dtype=np.float32).tolist() == [6.0, 2.0, 4.0, 6.0]
    for length in (1, 5):
        _, raw = ask_raw(single, "any", np.ones(length, dtype=np.float32).tobytes())
        assert np.frombuffer(raw, dtype=np.float32).tolist() == [length]
    found, raw = ask_raw(single, "text", "grün".encode())
    assert raw == b"\x05\x00\x00\x00gr\xc3\xbcn"


def test_body_without_json_of_the_wrong_size_is_refused(single: Any) -> None:
    headers = {"Inference-Header-Content-Length": "0"}
    for endpoint, size in (("vector", 8), ("vector", 16), ("any", 6)):
        answer = single.client.post(f"/v2/models/{endpoint}/infer", content=b"x" * size, headers=headers)
        assert answer.status_code == 400, (endpoint, size)
    assert single.client.post("/v2/models/text/infer", content=b"\xff", headers=headers).status_code == 400


@pytest.mark.parametrize("datatype", ["FP16", "BF16"])
def test_half_floats_come_in_binary_only(single: Any, tensor: Any, datatype: str) -> None:
    halves = {
        "FP16": np.array([1, 2.5, -3], dtype=np.float16).tobytes(),
        "BF16": (np.array([1, 2.5, -3], dtype=np.float32).view(np.uint32) >> 16).astype("<u2").tobytes(),
    }
    given = {"name": "x", "shape": [1, 3], "datatype": datatype, "parameters": {"binary_data_size": 6}}
    text = json.dumps({"inputs": [given]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))}
    answer = single.client.post("/v2/models/vector/infer", content=text + halves[datatype], headers=headers)
    assert answer.json()["outputs"][0]["data"] == [0.5]
    refused = single.infer([tensor("x", datatype, [1.0, 2.5, -3.0], [1, 3])], "vector")
    assert refused.status_code == 400
    assert refused.json()["error"] == f"x: {datatype} has no JSON form; send FP32, or binary data"


def test_binary_output_of_the_request_is_overridden_by_that_of_an_output(single: Any, tensor: Any) -> None:
    outputs = [{"name": "total", "parameters": {"binary_data": False}}, {"name": "twice"}]
    parameters = {"binary_data_output": True, "priority": 2, "of_another_server": "x"}
    answer = single.infer(
        [tensor("x", "FP32", [1.0, 2.0, 3.0], [1, 3])], "vector", outputs=outputs, parameters=parameters
    )
    length = int(answer.headers["Inference-Header-Content-Length"])
    total, twice = json.loads(answer.content[:length])["outputs"]
    assert total["data"] == [6.0]
    assert twice["parameters"] == {"binary_data_size": 12}
    assert len(answer.content) == length + 12


def test_output_that_is_no_number_never_leaves(single: Any, tensor: Any) -> None:
    largest = float(np.finfo(np.float32).max)
    inputs = [tensor("x", "FP32", [largest, largest, 0.0], [1, 3])]
    for binary in (False, True):
        outputs = [{"name": "total", "parameters": {"binary_data": binary}}]
        answer = single.infer(inputs, "vector", outputs=outputs)
        assert answer.status_code == 500
        assert "failed (invalid_output)" in answer.json()["error"]


def test_tritons_timeout_is_a_deadline_and_sequences_are_refused(world: Any, start: Any) -> None:
    world.register_faulty("price:2", "late")
    world.plan("price", "price:2", deadline_ms=5000)
    with start(world) as server:
        late = server.price(parameters={"timeout": 50_000})
        assert late.status_code == 504
        assert "no answer in 50 ms" in late.json()["error"]
        refused = server.price(parameters={"sequence_id": 7, "sequence_start": True})
        assert refused.status_code == 400
        assert "sequences are not supported" in refused.json()["error"]


def test_metadata_names_versions_and_tensors(server: Any) -> None:
    body = server.client.get("/v2/models/price").json()
    assert body["versions"] == ["price:1"]
    assert body["inputs"] == [
        {"name": "area", "datatype": "FP64", "shape": [-1]},
        {"name": "rooms", "datatype": "INT64", "shape": [-1]},
    ]
    assert server.client.get("/v2").json()["extensions"] == ["binary_tensor_data", "model_configuration", "statistics"]
    assert server.client.get("/v2/health/live").json() == {"live": True}
    assert server.client.get("/v2/health/ready").json() == {"ready": True}
    assert server.client.get("/v2/models/price/ready").json() == {"name": "price", "ready": True}


def post(server: Any, body: bytes, **headers: str) -> httpx.Response:
    answer: httpx.Response = server.client.post("/v2/models/price/infer", content=body, headers=headers)
    return answer


def written(area: str = "1", rooms: str = "1", *, shape: str = "[1]", datatype: str = "FP64", more: str = "") -> bytes:
    """A request as text, so that it may hold what is not JSON."""
    first = f'{{"name":"area","shape":{shape},"datatype":"{datatype}","data":[{area}]}}'
    second = f'{{"name":"rooms","shape":[1],"datatype":"INT64","data":[{rooms}]}}'
    return f'{{"inputs":[{first},{second}{more}]}}'.encode()


TWICE = ',{"name":"area","shape":[1],"datatype":"FP64","data":[1]}'
UNKNOWN = ',{"name":"x","shape":[1],"datatype":"FP64","data":[1]}'
MATRIX = b'{"inputs":[{"name":"m","shape":[1,3],"datatype":"FP64","data":[1,2,3]}]}'
NO_ROWS = b'{"inputs":[{"name":"area","shape":[0],"datatype":"FP64","data":[]}]}'
NO_DATA = b'{"inputs":[{"name":"area","shape":[1],"datatype":"FP64"}]}'
ALONE = b'{"inputs":[{"name":"area","shape":[1],"datatype":"FP64","data":[1]}]}'


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (written()[:-3], "the body is not JSON"),
        (b"", "the body is empty"),
        (b"[1]", "the body does not have the right shape: Expected `object`, got `array`"),
        (b'{"inputs":[]}', "no inputs, must have area, rooms"),
        (ALONE, 'input "rooms" is missing'),
        (written(more=TWICE), 'input "area" is given twice'),
        (written(more=UNKNOWN), 'input "x" is not known; the inputs are area, rooms'),
        (written('"big"'), 'area[0] == "big", must be a number'),
        (written("[1]"), "area[0] == [1], must be a number"),
        (written("true"), "area[0] == true, must be a number"),
        (written("null"), "area[0] == null, must not be missing"),
        (written("NaN"), "area[0] == NaN, must be a number"),
        (written("-Infinity"), "area[0] == -Infinity, must be a number"),
        (written("1e999"), "Number out of range"),
        (written("9" * 400), "area[0] == 999"),
        (written(rooms="5.5"), "rooms[0] == 5.5, must be a whole number that fits INT64"),
        (written(rooms="1" + "0" * 19), "rooms[0] == 10000000000000000000, must be a whole number"),
        (written(shape="[2]"), "area: data has 1 values, must have 2"),
        (written(shape="[-1]"), "area: shape == [-1], each size must be 0"),
        (written(shape="[]"), "area: shape == [], must have 1 to 8"),
        (written(shape="[1,1,1]"), "must be [rows] or [rows, 1]"),
        (written('"1"', datatype="BYTES"), 'area: datatype == "BYTES", must be FP64'),
        (written(datatype="FLOAT"), 'area: datatype == "FLOAT", must be one of'),
        (written(datatype="FP16"), "area: FP16 has no JSON form"),
        (written("1.5", datatype="INT8"), "area: values do not have the datatype"),
        (NO_ROWS, "area: 0 rows, must be at least 1"),
        (MATRIX, "m: shape == [1, 3], must be [rows, 2]"),
        (NO_DATA, "area: data is missing"),
        (b'{"id":5,"inputs":[]}', "Expected `str | null`, got `int` at `body.id`"),
        (b'{"parameters":{"a":' + b"[" * 50_000, "nested too deeply"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_malformed_input_is_refused_with_its_reason(shared: Any, body: bytes, error: str) -> None:
    answer = post(shared, body)
    assert answer.status_code == 400
    assert error in answer.json()["error"]
    assert shared.world.records() == []


def test_all_faults_are_told_at_once_up_to_ten(server: Any, tensor: Any) -> None:
    answer = server.infer([tensor("area", "FP64", ["a"] * 20), tensor("rooms", "INT64", ["b"] * 20)])
    assert answer.json()["error"].count("must be a number") == 10


def test_large_requests_are_answered_one_after_another(server: Any, tensor: Any) -> None:
    areas = [n + 0.123456789 for n in range(10_000)]
    inputs = [tensor("area", "FP64", areas), tensor("rooms", "INT64", [0] * 10_000)]
    for _ in range(5):
        answer = server.infer(inputs)
        assert answer.status_code == 200
        assert answer.json()["outputs"][0]["data"] == [2 * area for area in areas]
        assert len(answer.json()["parameters"]["prediction_id"]) == 10_000
        assert len(answer.headers["X-Interlock-Prediction-Id"].split(",")) == 50


def test_too_many_rows_are_refused(server: Any, tensor: Any) -> None:
    answer = server.infer([tensor("area", "FP64", [1.0] * 10_001), tensor("rooms", "INT64", [1] * 10_001)])
    assert answer.json()["error"] == "10001 rows, must be at most 10000 in one request"


@pytest.mark.parametrize(
    ("header", "size", "extra", "error"),
    [
        ("9999", 8, b"", "Inference-Header-Content-Length == '9999', must be the length of the JSON"),
        ("-1", 8, b"", "Inference-Header-Content-Length == '-1'"),
        ("x", 8, b"", "Inference-Header-Content-Length == 'x'"),
        ("0", 8, b"", "Inference-Header-Content-Length == 0 is for models with one input; this one has area, rooms"),
        ("00", 8, b"", "Inference-Header-Content-Length == '00'"),
        (None, 8, b"leftover", "8 bytes of binary data belong to no input"),
        (None, 4, b"", "area: binary_data_size == 4, must be 8 for FP64"),
        (None, 800, b"", "area: binary_data_size == 800, must be 0 to the 16 bytes left"),
    ],
)
def test_wrong_binary_lengths_are_refused(shared: Any, header: str | None, size: int, extra: bytes, error: str) -> None:
    inputs = [
        {"name": "area", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": size}},
        {"name": "rooms", "shape": [1], "datatype": "INT64", "parameters": {"binary_data_size": 8}},
    ]
    text = json.dumps({"inputs": inputs}).encode()
    body = text + np.float64(1).tobytes() + np.int64(1).tobytes() + extra
    headers = {"Inference-Header-Content-Length": header or str(len(text))}
    answer = shared.client.post("/v2/models/price/infer", content=body, headers=headers)
    assert answer.status_code == 400
    assert error in answer.json()["error"]
