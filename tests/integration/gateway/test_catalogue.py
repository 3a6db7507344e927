"""What other servers tell of themselves, told here: index, lists, configuration, statistics."""

from typing import Any

import pytest


def test_index_names_every_version_and_its_state(world: Any, start: Any, models: Any) -> None:
    price = world.register("price:1", models.PRICE, models.price_model())
    world.plan("price", price)
    with start(world) as server:
        world.register("price:2", models.PRICE, b"no graph")
        world.plan("price", "price:1", warm=("price:2",))
        server.wait(lambda: len(index(server)) == 2)
        assert index(server) == [
            {"name": "price", "version": "price:1", "state": "READY", "reason": ""},
            {"name": "price", "version": "price:2", "state": "UNAVAILABLE", "reason": "not loaded here"},
        ]
        assert len(server.client.post("/v2/repository/index", json={"ready": True}).json()) == 1
        assert server.client.post("/v2/repository/index", content=b"{").status_code == 400
        assert server.client.get("/v2/models").json() == server.client.get("/v1/models").json() == {"models": ["price"]}


def index(server: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = server.client.post("/v2/repository/index").json()
    return found


def test_limited_key_sees_its_own_endpoints_only(price_world: Any, start: Any, models: Any) -> None:
    price_world.plan("size", price_world.register("size:1", models.SIZE, models.size_model()))
    with start(price_world, no_auth=False) as server:
        server.client.headers = price_world.key("scorer", endpoints=("size",))
        assert {entry["name"] for entry in index(server)} == {"size"}
        assert server.client.get("/v2/models").json() == {"models": ["size"]}
        found = server.client.get("/v2/models/stats").json()["model_stats"]
        assert {each["name"] for each in found} == {"size"}
        assert server.client.get("/v2/models/price/stats").status_code == 403


def test_configuration_is_told_in_tritons_words(shared: Any) -> None:
    found = shared.client.get("/v2/models/size/config").json()
    assert found["max_batch_size"] == 10_000
    assert found["input"][1] == {"name": "colour", "data_type": "TYPE_STRING", "dims": []}
    assert found["output"][1] == {"name": "probabilities", "data_type": "TYPE_FP64", "dims": [2]}
    assert found["parameters"] == {
        "task": {"string_value": "binary"},
        "classes": {"string_value": '["small","big"]'},
    }


def test_models_are_not_loaded_on_a_callers_word(shared: Any) -> None:
    for word in ("load", "unload"):
        answer = shared.client.post(f"/v2/repository/models/price/{word}")
        assert answer.status_code == 501
        assert "endpoints and releases" in answer.json()["error"]
        assert shared.client.post(f"/v2/repository/models/nope/{word}").status_code == 404


def test_statistics_count_what_was_asked(server: Any, tensor: Any) -> None:
    before = stats(server)
    rows = 5
    for _ in range(3):
        server.price()
    server.infer([tensor("area", "FP64", [1.0] * rows), tensor("rooms", "INT64", [1] * rows)])
    server.wait(lambda: stats(server)["execution_count"] - before["execution_count"] == 4)
    after = stats(server)
    added = {name: after[name] - before[name] for name in ("inference_count", "execution_count")}
    assert added == {"inference_count": 8, "execution_count": 4}
    assert after["last_inference"] > 1.7e12
    timed = after["inference_stats"]
    assert timed["success"]["count"] - before["inference_stats"]["success"]["count"] == 4
    assert timed["success"]["ns"] == pytest.approx(timed["queue"]["ns"] + timed["compute_infer"]["ns"], abs=10)
    assert timed["compute_infer"]["ns"] > 0
    sizes = {each["batch_size"]: each["compute_infer"]["count"] for each in after["batch_stats"]}
    for each in before["batch_stats"]:
        sizes[each["batch_size"]] -= each["compute_infer"]["count"]
    assert {size: count for size, count in sizes.items() if count} == {1: 3, 8: 1}


def stats(server: Any, path: str = "/v2/models/price/stats") -> dict[str, Any]:
    (found,) = server.client.get(path).json()["model_stats"]
    assert (found["name"], found["version"]) == ("price", "price:1")
    return dict(found)


def test_statistics_of_a_version_count_its_failures(world: Any, start: Any, models: Any) -> None:
    world.register("price:1", models.PRICE, models.price_model())
    world.register_faulty("price:2", "raises")
    world.release("price:1", "price:2")
    with start(world) as server:
        assert server.price().status_code == 200
        assert server.client.post("/v2/models/price/versions/2/infer", json=body()).status_code == 500
        found = server.client.get("/v2/models/price/versions/2/stats").json()["model_stats"]
        assert [each["version"] for each in found] == ["price:2"]
        # One that the champion answered, one that nobody did.
        assert found[0]["inference_stats"]["fail"]["count"] == 2
        assert found[0]["inference_stats"]["fail"]["ns"] > 0


def body() -> dict[str, Any]:
    return {"inputs": [{"name": "m", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 1]}]}


def test_kserve_v1_asks_with_instances(shared: Any) -> None:
    answer = shared.client.post("/v1/models/price:predict", json={"instances": [[1.0, 2], [3.0, 4]]})
    assert answer.json() == {"predictions": [4.0, 10.0]}
    assert shared.client.get("/v1/models/price").json() == {"name": "price", "ready": True}
    assert shared.client.get("/").json() == {"status": "alive"}
    wrong = shared.client.post("/v1/models/price:predict", json={"instances": [["a", 2]]})
    assert wrong.status_code == 400
    assert list(wrong.json()) == ["error"]
    unknown = shared.client.post("/v1/models/nope:predict", json={"instances": [[1.0, 2]]})
    assert unknown.status_code == 404
