"""Following the store: new plans, broken models, removed endpoints, and life without the store."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any


def states(world: Any) -> list[Any]:
    with world.store.read() as tx:
        return list(tx.gateways.live(datetime.now(UTC) - timedelta(seconds=30)))


def test_new_plan_takes_effect_and_is_reported(price_world: Any, start: Any, models: Any) -> None:
    with start(price_world) as server:
        assert server.price(1.0, 0).json()["outputs"][0]["data"] == [2.0]
        price_world.plan("price", price_world.register("price:2", models.PRICE, models.price_model(3.0)))
        server.wait(lambda: bool(states(price_world)) and states(price_world)[0].generations == {"price": 2})
        assert server.price(1.0, 0).json()["outputs"][0]["data"] == [3.0]
        assert states(price_world)[0].load_errors == {}
    assert states(price_world) == []  # it said goodbye


def test_endpoints_come_and_go(world: Any, start: Any, models: Any) -> None:
    with start(world) as server:
        assert server.client.get("/v2/health/ready").status_code == 200
        assert server.price().status_code == 404
        world.plan("price", world.register("price:1", models.PRICE, models.price_model()))
        server.wait(lambda: server.price().status_code == 200)
        with world.store.transaction() as tx:
            tx.plans.remove("price")
        server.wait(lambda: server.price().status_code == 404)


def test_champion_that_cannot_be_loaded_changes_nothing(price_world: Any, start: Any, models: Any) -> None:
    with start(price_world) as server:
        price_world.plan("price", price_world.register("price:2", models.PRICE, b"not a model"))
        server.wait(lambda: bool(states(price_world)) and "price:2" in states(price_world)[0].load_errors)
        assert states(price_world)[0].generations == {"price": 1}
        assert server.price().headers["X-Interlock-Version"] == "price:1"
        price_world.plan("price", "price:1")
        server.wait(lambda: states(price_world)[0].generations == {"price": 3})
        server.wait(lambda: states(price_world)[0].load_errors == {})


def test_challenger_that_cannot_be_loaded_gets_no_traffic(price_world: Any, start: Any, models: Any) -> None:
    price_world.register("price:2", models.PRICE, b"damaged")
    damaged = price_world.settings.artifacts / hashlib.sha256(b"damaged").hexdigest()
    damaged.write_bytes(b"even more")
    price_world.release("price:1", "price:2")
    with start(price_world) as server:
        assert server.price().headers["X-Interlock-Version"] == "price:1"
        server.wait(lambda: "damaged" in states(price_world)[0].load_errors.get("price:2", ""))
        assert states(price_world)[0].generations == {"price": 2}


def test_gateway_whose_models_do_not_load_is_alive_and_not_ready(world: Any, start: Any, models: Any) -> None:
    world.plan("price", world.register("price:1", models.PRICE, b"not a model"))
    with start(world) as server:
        assert server.client.get("/v2/health/live").status_code == 200
        assert server.client.get("/v2/health/ready").status_code == 503


def test_serving_goes_on_and_starts_again_without_the_store(price_world: Any, start: Any) -> None:
    key = price_world.key("scorer")
    with start(price_world, no_auth=False) as server:
        assert server.price(headers=key).status_code == 200
        state = price_world.settings.gateway_state / "gw0" / "state.json"
        server.wait(lambda: state.exists() and b'"price"' in state.read_bytes())
        remove_store(price_world)
        assert server.price(headers=key).status_code == 200
    with start(price_world, no_auth=False) as server:
        assert server.client.get("/v2/health/ready").status_code == 200
        assert server.price(headers=key).status_code == 200
        assert server.price(headers={"Authorization": "Bearer other"}).status_code == 401
    assert state.stat().st_mode & 0o077 == 0


def test_without_store_and_memory_it_waits_for_the_store(price_world: Any, start: Any) -> None:
    path = price_world.settings.home / "store.db"
    kept = path.rename(path.with_suffix(".kept"))
    price_world.store.close()
    path.mkdir()  # nothing that SQLite could open
    with start(price_world) as server:
        assert server.client.get("/v2/health/ready").status_code == 503
        path.rmdir()
        kept.rename(path)
        server.wait(lambda: server.client.get("/v2/health/ready").status_code == 200)
        assert server.price().status_code == 200


def remove_store(world: Any) -> None:
    world.store.close()
    for file in world.settings.home.glob("store.db*"):
        file.unlink()


def test_damaged_memory_is_no_obstacle(price_world: Any, start: Any) -> None:
    folder = price_world.settings.gateway_state / "gw0"
    folder.mkdir(parents=True)
    (folder / "state.json").write_bytes(b'{"plans": [')
    with start(price_world) as server:
        assert server.price().status_code == 200
