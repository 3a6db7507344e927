"""MLflow's scoring protocol over a real server."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

URL = "/endpoints/size/invocations"
SPLIT = {"columns": ["fresh", "size", "colour"], "index": [0, 1], "data": [[True, 1, "a"], [False, -1.0, None]]}
ROWS = [{"size": 1.0, "colour": "red", "fresh": True}, {"size": -1, "colour": None, "fresh": False}]


@pytest.fixture
def size_server(world: Any, start: Callable[..., Any], models: Any) -> Iterator[Any]:
    world.plan("size", world.register("size:1", models.SIZE, models.size_model()))
    with start(world) as found:
        yield found


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": ROWS},
        {"dataframe_split": SPLIT},
        {"instances": ROWS},
        {"inputs": {"size": [1.0, -1.0], "colour": ["a", "b"], "fresh": [True, False]}},
    ],
    ids=lambda body: next(iter(body)),
)  # fmt: skip
def test_every_json_form_gives_one_label_a_row(size_server: Any, body: dict[str, Any]) -> None:
    answer = size_server.client.post(URL, json=body)
    assert answer.json() == {"predictions": ["big", "small"]}
    assert len(answer.headers["X-Interlock-Prediction-Id"].split(",")) == 2


def test_csv_is_read_by_the_contract(size_server: Any) -> None:
    body = "size,colour,fresh\n2.5,red,true\n,,False\n"
    answer = size_server.client.post(URL, content=body, headers={"Content-Type": "text/csv; charset=utf-8"})
    assert answer.json() == {"predictions": ["big", "big"]}


def test_all_outputs_are_records_with_the_label_first(size_server: Any) -> None:
    answer = size_server.client.post(URL, json={"dataframe_records": ROWS[:1], "params": {"output": "all"}})
    record = answer.json()["predictions"][0]
    assert list(record) == ["label", "probabilities"]
    assert record["label"] == "big"


def test_rows_without_names_are_in_contract_order(server: Any) -> None:
    for form in ("instances", "inputs"):
        answer = server.client.post("/invocations", json={form: [[1.0, 2], [3.0, 4]]})
        assert answer.json() == {"predictions": [4.0, 10.0]}


def test_only_endpoint_answers_at_the_root_too(server: Any) -> None:
    assert server.client.get("/ping").text == "\n"
    assert server.client.get("/health").status_code == 200
    assert server.client.get("/version").text == "0.1.0"
    answer = server.client.post("/invocations", json={"instances": [{"area": 1, "rooms": 1}]})
    assert answer.json() == {"predictions": [3.0]}


def test_of_several_endpoints_the_default_answers_at_the_root(world: Any, start: Any, models: Any) -> None:
    for name in ("price", "other"):
        world.plan(name, world.register(f"{name}:1", models.PRICE, models.price_model(2.0 if name == "price" else 5.0)))
    with start(world) as server:
        answer = server.client.post("/invocations", json={"instances": [[1.0, 0]]})
        assert answer.status_code == 404
        assert "there is: other, price" in answer.json()["message"]
        assert server.client.get("/ping").status_code == 404
    with start(world, default_endpoint="other") as server:
        assert server.client.post("/invocations", json={"instances": [[1.0, 0]]}).json() == {"predictions": [5.0]}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "has none of dataframe_split"),
        ({"instances": [], "inputs": []}, "has instances and inputs of"),
        ({"instances": []}, "instances: 0 rows"),
        ({"dataframe_records": []}, "dataframe_records: 0 rows"),
        ({"dataframe_split": {"columns": ["a"], "data": []}}, "0 rows"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "data[0] has 2 values, must have 1"),
        ({"dataframe_records": [{"size": 1, "fresh": True, "x": 1}]}, 'input "x" is not known'),
        ({"dataframe_records": [{"size": 1, "fresh": True}, {"size": 1}]}, 'dataframe_records[1] lacks "fresh"'),
        ({"dataframe_records": [{"size": 1}]}, 'input "fresh" is missing'),
        ({"dataframe_records": [{"size": "1", "fresh": 1}]}, 'must be a number that fits FP32; fresh[0] == 1'),
        ({"dataframe_records": [{"size": 1e300, "fresh": True}]}, "size[0] == 1e300, must be a number that fits FP32"),
        ({"dataframe_records": [5]}, "Expected `object`, got `int`"),
        ({"inputs": {"size": 1, "fresh": [True]}}, "size: 1, must be a list"),
        ({"inputs": {"size": [1, 2], "fresh": [True]}}, 'input "fresh" has 1 rows, and "size" has 2'),
        ({"instances": ROWS, "params": {"output": "some"}}, 'params.output == "some"'),
        ({"instances": ROWS, "params": {"temperature": 1}}, 'params: "temperature" is not known'),
        ([1], "Expected `object`, got `array`"),
    ],
    ids=str,
)  # fmt: skip
def test_malformed_invocations_are_refused_in_both_shapes(shared: Any, body: Any, error: str) -> None:
    answer = shared.client.post(URL, json=body)
    told = answer.json()
    assert answer.status_code == 400
    assert error in told["error"]
    assert told["message"] == told["error"]
    assert told["error_code"] == "BAD_REQUEST"
    assert shared.world.records() == []


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["area", "rooms"], "data": [[1.5, 2], [3.0, 4]]}},
        {"dataframe_records": [{"area": 1.5, "rooms": 2}, {"area": 3.0, "rooms": 4}]},
        {"instances": [{"area": 1.5, "rooms": 2}, {"area": 3.0, "rooms": 4}]},
        {"inputs": {"area": [1.5, 3.0], "rooms": [2, 4]}},
        "area,rooms\n1.5,2\n3.0,4\n",
    ],
    ids=["dataframe_split", "dataframe_records", "instances", "inputs", "csv"],
)  # fmt: skip
def test_mlflows_own_server_says_the_same(server: Any, body: Any) -> None:
    """The same body to MLflow's scoring function, with a model of the same formula."""
    scoring, pyfunc = pytest.importorskip("mlflow.pyfunc.scoring_server"), pytest.importorskip("mlflow.pyfunc")
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    schema = Schema([ColSpec("double", "area"), ColSpec("long", "rooms")])

    class Metadata:
        signature = ModelSignature(inputs=schema)

        def _is_signature_from_type_hint(self) -> bool:
            return False

    class Model:
        metadata = Metadata()

        def predict(self, data: Any) -> Any:
            checked = pyfunc._enforce_schema(data, schema)
            return (2 * checked["area"] + checked["rooms"]).to_numpy()

    is_csv = isinstance(body, str)
    kind = "text/csv" if is_csv else "application/json"
    text = body if is_csv else json.dumps(body)
    theirs = scoring.invocations(text, kind, Model(), schema)
    ours = server.client.post("/invocations", content=text, headers={"Content-Type": kind})
    assert theirs.status == ours.status_code == 200
    assert json.loads(theirs.response) == ours.json() == {"predictions": [5.0, 10.0]}


def test_nan_of_python_clients_is_missing_where_that_is_allowed(size_server: Any, world: Any, plain: Any) -> None:
    body = '{"dataframe_records": [{"size": NaN, "colour": NaN, "fresh": true}]}'
    assert post(size_server, body).json() == {"predictions": ["big"]}
    recorded = plain(world.predictions()[0].inputs)
    assert math.isnan(recorded["size"][0])
    assert (recorded["colour"], recorded["fresh"]) == ([None], [True])
    refused = post(size_server, '{"dataframe_records": [{"size": Infinity, "fresh": NaN}]}')
    assert refused.status_code == 400
    assert "size[0] == Infinity, must be a number" in refused.json()["error"]
    assert "fresh[0] == NaN, must be true or false" in refused.json()["error"]


def post(server: Any, body: str) -> httpx.Response:
    answer: httpx.Response = server.client.post(URL, content=body, headers={"Content-Type": "application/json"})
    return answer


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('application/json;charset="UTF-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("application/json; version=2", 415),
        ("application/xml", 415),
        ("application/vnd.apache.parquet", 415),
    ],
)
def test_other_content_types_and_charsets_are_refused(shared: Any, kind: str, status: int) -> None:
    body = b'{"dataframe_records": [{"size": 1.0, "fresh": true}]}'
    answer = shared.client.post(URL, content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("word", ["messages", "prompt", "input"])
def test_requests_for_language_models_are_refused_as_such(shared: Any, word: str) -> None:
    answer = shared.client.post(URL, json={word: ["hello"]})
    assert answer.status_code == 400
    assert f"the body has {word!r}, which asks a language model" in answer.json()["error"]


def test_several_outputs_of_no_classifier_are_records(start_shared: Any, module_models: Any) -> None:
    with start_shared({"vector": (module_models.VECTOR, module_models.vector_model())}) as server:
        answer = server.client.post("/invocations", json={"inputs": [[1.0, 2.0, 3.0]]})
        assert answer.json() == {"predictions": [{"total": 6.0, "twice": [2.0, 4.0, 6.0]}]}


def test_mlflows_own_client_is_answered(server: Any) -> None:
    scoring = pytest.importorskip("mlflow.pyfunc.scoring_server.client")
    frame = pytest.importorskip("pandas").DataFrame({"area": [1.0, 2.0], "rooms": [1, 2]})
    client = scoring.ScoringServerClient(*server.address)
    client.ping()
    assert client.get_version() == "0.1.0"
    for given in (frame, frame.to_numpy()):
        assert client.invoke(given).get_predictions().iloc[:, 0].tolist() == [3.0, 6.0]
    with pytest.raises(Exception, match=r"Invocation failed .error code 400"):
        client.invoke(frame.rename(columns={"area": "size"}))


def test_failing_model_is_never_the_callers_fault(world: Any, start: Any) -> None:
    world.register_faulty("price:2", "raises")
    world.plan("price", "price:2")
    with start(world) as server:
        answer = server.client.post("/invocations", json={"instances": [[1.0, 0]]})
        assert answer.status_code == 500
        assert answer.json()["error_code"] == "INTERNAL_ERROR"
        assert "secret detail" not in answer.text
