"""What a running gateway keeps of the requests that it refuses."""

from collections import Counter
from typing import Any

from interlock.predictions.records import RejectedRecord


def rejected(world: Any) -> list[RejectedRecord]:
    return [record for record in world.records() if isinstance(record, RejectedRecord)]


def counts(world: Any) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for record in rejected(world):
        for one in record.counts:
            found[one.field, one.rule] += one.requests
    return found


def test_each_rule_that_is_broken_is_counted_with_its_field(price_world: Any, start: Any, tensor: Any) -> None:
    area, rooms = tensor("area", "FP64", [1.0]), tensor("rooms", "INT64", [1])
    with start(price_world) as server:
        for inputs in (
            [tensor("area", "FP64", ["much"]), rooms],
            [tensor("area", "FP64", [None]), tensor("rooms", "INT64", [1.5])],
            [area],
            [area, rooms, tensor("garden", "FP64", [1.0])],
            [area, area, rooms],
            [tensor("area", "BYTES", ["1"]), rooms],
            [tensor("area", "FP64", [1.0, 2.0], [1, 2]), rooms],
            [tensor("area", "FP64", [1.0, 2.0]), rooms],
            [],
        ):
            assert server.infer(inputs).status_code == 400
        assert server.client.post("/v2/models/price/infer", content=b"{").status_code == 400
        assert server.client.post("/invocations", json={"instances": [[1.0, "x"]]}).status_code == 400
        assert server.client.post("/v2/models/nope/infer", json={}).status_code == 404
        assert server.price().status_code == 200
        page = server.client.get("/metrics").text
    assert counts(price_world) == {
        ("", ""): 11,
        ("area", "value"): 1,
        ("area", "missing"): 1,
        ("rooms", "value"): 2,
        ("rooms", "missing"): 1,
        ("", "unknown"): 1,
        ("area", "twice"): 1,
        ("area", "datatype"): 1,
        ("area", "shape"): 1,
        ("", "rows"): 1,
        ("", "missing"): 1,
        ("", "form"): 1,
    }
    assert 'interlock_broken_rules_total{endpoint="price",field="rooms",rule="value"} 2.0' in page
    assert price_world.predictions() != []


def test_declared_rules_are_told_apart(world: Any, start: Any, models: Any, tensor: Any) -> None:
    area, rooms = models.PRICE.inputs
    declared = type(area)(name="area", datatype="FP64", minimum=0.0, maximum=10.0, declared=True)
    contract = type(models.PRICE)(inputs=(declared, rooms), outputs=models.PRICE.outputs)
    world.plan("price", world.register("price:1", contract, models.price_model()))
    with start(world) as server:
        assert server.price(11.0).status_code == 400
    assert counts(world)["area", "declared"] == 1


def test_bodies_are_sampled_and_may_be_kept_out(price_world: Any, start: Any) -> None:
    for samples, kept in ((2, 2), (0, 0)):
        with start(price_world, rejected_samples=samples) as server:
            for _ in range(5):
                assert server.client.post("/invocations", json={"instances": [["private", 1]]}).status_code == 400
        found = [sample for record in rejected(price_world)[-1:] for sample in record.samples]
        assert len(found) == kept
        assert all(sample.body == b'{"instances":[["private",1]]}' for sample in found)
        assert all("area[0] ==" in sample.reason for sample in found)


def test_no_body_is_kept_where_rules_withhold_a_column(price_world: Any, start: Any) -> None:
    price_world.plan("price", "price:1", privacy={"input.area": "drop"})
    with start(price_world) as server:
        assert server.client.post("/invocations", json={"instances": [["private", 1]]}).status_code == 400
    assert counts(price_world)["area", "value"] == 1
    assert [sample for record in rejected(price_world) for sample in record.samples] == []


def test_hour_is_of_the_event_where_its_caller_may_say_so(price_world: Any, start: Any, tensor: Any) -> None:
    parameters = {"event_at": "2013-04-01T12:30:00Z"}
    with start(price_world) as server:
        assert server.infer([tensor("area", "FP64", ["x"])], parameters=parameters).status_code == 400
    with start(price_world, no_auth=False) as server:
        headers = price_world.key("scorer")
        refused = server.infer([tensor("area", "FP64", ["x"])], parameters=parameters, headers=headers)
        assert refused.status_code == 400
    first, second = ({one.hour for one in record.counts} for record in rejected(price_world))
    assert first == {379_116}
    assert min(second) > 480_000
