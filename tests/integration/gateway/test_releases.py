"""A challenger in front of real callers: assignment, fallback, guard, deadlines, and what is recorded of them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.releases.slots import resize


def test_sticky_units_stay_with_their_version_and_shares_hold(price_world: Any, start: Any, models: Any) -> None:
    price_world.register("price:2", models.PRICE, models.price_model(3.0))
    price_world.release("price:1", "price:2", share=0.3)
    with start(price_world) as server:
        first = [server.price(headers={"X-Interlock-Key": f"u{n}"}).headers["X-Interlock-Version"] for n in range(200)]
        again = [server.price(headers={"X-Interlock-Key": f"u{n}"}).headers["X-Interlock-Version"] for n in range(200)]
    assert first == again
    assert 35 <= first.count("price:2") <= 85
    record = next(record for record in price_world.predictions() if record.version == "price:2")
    assert record.role == "challenger"
    assert record.assignment.is_challenger
    assert record.units[0] is not None
    assert record.assignment.propensity == 0.3
    assert (record.assignment.release_id, record.assignment.step) == ("r1", 0)
    champion = next(record for record in price_world.predictions() if record.version == "price:1")
    assert champion.assignment.propensity == 0.7


def test_callers_that_repeat_their_id_are_still_assigned_at_random(price_world: Any, start: Any, models: Any) -> None:
    price_world.register("price:2", models.PRICE, models.price_model(3.0))
    price_world.release("price:1", "price:2", share=0.5)
    with start(price_world) as server:
        versions = [server.price(id="1").headers["X-Interlock-Version"] for _ in range(60)]
    assert 10 <= versions.count("price:2") <= 50


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("raises", "model_error"),
        ("late", "timeout"),
        ("too many rows", "invalid_output"),
        ("no output", "invalid_output"),
    ],
)
def test_failing_challenger_costs_no_answer(price_world: Any, start: Any, fault: str, status: str) -> None:
    price_world.register_faulty("price:2", fault)
    price_world.release("price:1", "price:2", deadline_ms=50)
    with start(price_world) as server:
        answer = server.price(50.0, 3)
        page = server.client.get("/metrics").text
    assert answer.status_code == 200
    assert answer.json()["outputs"][0]["data"] == [103.0]
    assert answer.headers["X-Interlock-Fallback"] == "1"
    assert answer.headers["X-Interlock-Version"] == "price:1"
    (record,) = price_world.predictions()
    assert (record.version, record.role) == ("price:1", "champion")
    assert record.assignment.assigned_version == "price:2"
    assert record.assignment.is_challenger
    assert record.assignment.attempt_status == status
    assert f'interlock_fallbacks_total{{endpoint="price",status="{status}",version="price:2"}} 1.0' in page


def test_guard_withdraws_a_failing_challenger_though_the_store_is_gone(price_world: Any, start: Any) -> None:
    faulty = price_world.register_faulty("price:2", "raises")
    price_world.release("price:1", "price:2")
    with start(price_world) as server:
        for file in price_world.settings.home.glob("store.db*"):
            file.unlink()
        price_world.store.close()
        answers = [server.price() for _ in range(60)]
        assert {answer.status_code for answer in answers} == {200}
        assert faulty.asked < 40
        assert answers[-1].headers.get("X-Interlock-Fallback") is None
    last = price_world.predictions()[-1]
    assert last.assignment.assigned_version == "price:1"
    assert last.assignment.propensity == 1.0


def test_guard_tells_the_store_and_remembers_over_a_restart(price_world: Any, start: Any) -> None:
    faulty = price_world.register_faulty("price:2", "raises")
    price_world.release("price:1", "price:2")
    with start(price_world) as server:
        for _ in range(60):
            server.price()
        server.wait(lambda: "r1" in trips(price_world))
    assert "surely more than the 0.2 allowed" in memory(price_world)
    asked = faulty.asked
    with start(price_world) as server:
        assert server.price().headers.get("X-Interlock-Fallback") is None
        server.wait(lambda: "price:2 failed" in trips(price_world).get("r1", ""))
    assert faulty.asked == asked


def test_good_challenger_is_not_withdrawn(price_world: Any, start: Any) -> None:
    price_world.register_faulty("price:2", "raises").is_faulty = False
    price_world.release("price:1", "price:2")
    with start(price_world) as server:
        assert [server.price().json()["outputs"][0]["data"] for _ in range(100)] == [[7.0]] * 100


def test_callers_in_a_hurry_do_not_trip_the_guard(price_world: Any, start: Any) -> None:
    faulty = price_world.register_faulty("price:2", "late")
    price_world.release("price:1", "price:2", deadline_ms=2000)
    with start(price_world) as server:
        for _ in range(40):
            began = time.monotonic()
            assert server.price(headers={"X-Interlock-Deadline-Ms": "300"}).status_code == 200
            assert time.monotonic() - began < 1.0
        fallbacks = 'interlock_fallbacks_total{endpoint="price",status="timeout",version="price:2"} 40.0'
        assert fallbacks in server.client.get("/metrics").text  # a guard that tripped would ask the champion alone
    assert faulty.asked >= 1


def test_callers_with_time_are_no_excuse_for_a_version_that_hangs(price_world: Any, start: Any) -> None:
    faulty = price_world.register_faulty("price:2", "late")
    price_world.release("price:1", "price:2", deadline_ms=20)
    with start(price_world) as server:
        for _ in range(40):
            assert server.price(headers={"X-Interlock-Deadline-Ms": "60000"}).status_code == 200
    assert faulty.asked < 40


def test_failing_champion_is_a_failure_record_and_not_a_prediction(world: Any, start: Any) -> None:
    world.register_faulty("price:2", "raises")
    world.plan("price", "price:2")
    with start(world) as server:
        answer = server.price(id="mine")
    assert answer.status_code == 500
    assert answer.json()["error"] == "model price:2 failed (model_error); the server's log says why (request mine)"
    assert world.predictions() == []
    (failure,) = world.failures()
    assert (failure.request_id, failure.rows, failure.assignment.attempt_status) == ("mine", 1, "model_error")


def test_deadline_of_the_endpoint_and_of_the_caller(world: Any, start: Any) -> None:
    world.register_faulty("price:2", "late")
    world.plan("price", "price:2", deadline_ms=10_000)
    with start(world) as server:
        began = time.monotonic()
        answer = server.price(headers={"X-Interlock-Deadline-Ms": "30"})
        assert time.monotonic() - began < 5
        assert answer.status_code == 504
        assert "gave no answer in 30 ms" in answer.json()["error"]
        for wrong in ("0", "-1", "soon", "nan", "inf"):
            assert server.price(headers={"X-Interlock-Deadline-Ms": wrong}).status_code == 400


def test_pinned_version_answers_alone_and_is_no_evidence(price_world: Any, start: Any, models: Any) -> None:
    price_world.register("price:2", models.PRICE, models.price_model(3.0))
    price_world.register("price:3", models.PRICE, models.price_model(4.0))
    price_world.release("price:1", "price:2", share=0.0)
    with start(price_world) as server:
        for spelt in ("2", "price:2"):
            answer = server.client.post(
                f"/v2/models/price/versions/{spelt}/infer",
                json={"inputs": [{"name": "m", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 0]}]},
            )
            assert answer.json()["outputs"][0]["data"] == [3.0]
        missing = server.client.post("/v2/models/price/versions/3/infer", json={})
        assert missing.status_code == 404
        assert missing.json()["error"].startswith("Request for unknown model: version '3' of 'price' is not loaded")
    record = price_world.predictions()[0]
    assert (record.role, record.version, record.assignment.release_id) == ("pinned", "price:2", None)


def test_challenger_with_a_new_optional_input_gets_it_missing(
    price_world: Any, start: Any, models: Any, plain: Any
) -> None:
    price_world.register("price:2", models.WIDER_PRICE, models.wider_price_model())
    price_world.release("price:1", "price:2")
    with start(price_world) as server:
        answer = server.price(10.0, 2)
    assert answer.headers["X-Interlock-Version"] == "price:2"
    assert answer.json()["outputs"][0]["data"] == [12.0]
    assert plain(price_world.predictions()[0].inputs) == {"area": [10.0], "rooms": [2]}


def trips(world: Any) -> dict[str, str]:
    with world.store.read() as tx:
        states = tx.gateways.live(datetime.now(UTC) - timedelta(seconds=30))
    return dict(states[0].trips) if states else {}


def memory(world: Any) -> str:
    return str((world.settings.gateway_state / "gw0" / "state.json").read_text())


def test_a_failing_arm_costs_no_answer_and_only_it_is_withdrawn(price_world: Any, start: Any, models: Any) -> None:
    price_world.register("price:2", models.PRICE, models.price_model(3.0))
    price_world.register_faulty("price:3", "raises")
    shares = resize((), {"price:2": 300_000, "price:3": 300_000})
    price_world.plan("price", "price:1", arms=shares, salt="s", release_id="r1", step=4)
    with start(price_world) as server:
        answers = [server.price(headers={"X-Interlock-Key": f"u{n}"}) for n in range(300)]
        server.wait(lambda: "r1 price:3" in trips(price_world))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["X-Interlock-Version"] for answer in answers} == {"price:1", "price:2"}
    found = price_world.predictions()
    fell_back = [one.assignment for one in found if one.assignment.assigned_version == "price:3"]
    assert {(one.attempt_status, one.propensity, one.step) for one in fell_back} == {("model_error", 0.3, 4)}
    assert len(fell_back) < 40
    by_version = {(one.assignment.assigned_version, round(one.assignment.propensity, 9)) for one in found}
    # The champion's propensity is higher from the moment when this worker withdrew the third.
    assert by_version == {("price:1", 0.4), ("price:1", 0.7), ("price:2", 0.3), ("price:3", 0.3)}
