from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ModelFailedError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.domain.traffic import TrafficPlan
from interlock.gateway.guards import Guards
from interlock.gateway.routing import choose
from interlock.gateway.served import LoadedVersion, ServedEndpoint, adapter, resolve_version, serve

X = Field(name="x", datatype="FP64")
CONTRACT = Contract(inputs=(X,), outputs=(Field(name="prediction", datatype="FP64"),))


class Constant:
    """Answers 1."""

    rows_in_loop = 0

    def predict_now(self, columns: Columns) -> dict[str, Any]:
        raise NotImplementedError

    async def predict(self, columns: Columns, deadline_seconds: float) -> dict[str, Any]:
        return {"prediction": np.ones(len(next(iter(columns.values()))))}

    async def close(self) -> None:
        """Nothing to free."""


def loaded(ref: str, contract: Contract = CONTRACT) -> LoadedVersion:
    name, _, number = ref.partition(":")
    version = ModelVersion(
        name=name, version=int(number), digest="d", model_format="onnx", serving_digest="d", serving_format="onnx",
        placement="inline", contract=contract, created_at=datetime.now(UTC), created_by="test",
    )  # fmt: skip
    return LoadedVersion(version, Constant())


def endpoint(share: float, *, challenger: str | None = "m:2", missing: bool = False) -> ServedEndpoint:
    plan = TrafficPlan(
        endpoint="e", generation=1, champion="m:1", challenger=challenger, traffic_share=share, salt="s", release_id="r"
    )
    refs = ["m:1"] if missing else ["m:1", "m:2"]
    return serve(plan, {ref: loaded(ref) for ref in refs})


def challenged(served: ServedEndpoint, *, withdrawn: bool = False) -> int:
    return sum(choose(served, f"u{n}", withdrawn=withdrawn).is_challenger for n in range(2000))


def test_share_is_met_and_raising_it_moves_no_one_back() -> None:
    small, large = endpoint(0.1), endpoint(0.4)
    assert 140 <= challenged(small) <= 260
    for n in range(500):
        if choose(small, f"u{n}", withdrawn=False).is_challenger:
            assert choose(large, f"u{n}", withdrawn=False).is_challenger


@pytest.mark.parametrize(
    ("served", "withdrawn"),
    [
        (endpoint(0.0), False),
        (endpoint(0.5), True),
        (endpoint(0.5, challenger=None), False),
        (endpoint(0.5, missing=True), False),
    ],
    ids=["no share", "withdrawn", "no challenger", "not loaded"],
)
def test_champion_gets_everything(served: ServedEndpoint, withdrawn: bool) -> None:
    assert challenged(served, withdrawn=withdrawn) == 0
    assert choose(served, "u", withdrawn=withdrawn).propensity == 1.0


def test_propensity_is_that_of_the_version_chosen() -> None:
    served = endpoint(0.25)
    found = {
        choose(served, f"u{n}", withdrawn=False).is_challenger: choose(served, f"u{n}", withdrawn=False)
        for n in range(50)
    }
    assert found[True].propensity == 0.25
    assert found[False].propensity == 0.75
    assert choose(endpoint(1.0), "u", withdrawn=False).propensity == 1.0


def test_versions_are_named_in_full_or_by_number() -> None:
    served = endpoint(0.5)
    assert resolve_version(served, "m:2") == "m:2"
    assert resolve_version(served, "2") == "m:2"
    assert resolve_version(served, "3") is None
    assert resolve_version(served, "n:2") is None


def test_guard_trips_once_and_only_for_its_release() -> None:
    plan = endpoint(0.5).plan
    told: list[str] = []
    guards = Guards()
    guards.on_trip(lambda: told.append("tripped"))
    for _ in range(100):
        guards.count(plan, failed=True)
    assert guards.has_tripped(plan)
    assert told == ["tripped"]
    assert guards.trips["r"].startswith("m:2 failed ")
    guards.keep_only(["r"])
    assert guards.has_tripped(plan)
    guards.keep_only([])
    assert not guards.has_tripped(plan)


def test_guard_is_patient_with_rare_failures() -> None:
    plan, guards = endpoint(0.5).plan, Guards()
    for number in range(5000):
        guards.count(plan, failed=number % 20 == 0)
    assert not guards.has_tripped(plan)


def test_columns_are_adapted_to_a_wider_contract_only_if_need_be() -> None:
    whole = Contract(inputs=(X, Field(name="n", datatype="INT64")), outputs=())
    wider = Contract(
        inputs=(
            Field(name="n", datatype="FP32"),
            Field(name="x", datatype="FP64"),
            Field(name="note", datatype="BYTES", nullable=True),
        ),
        outputs=(),
    )
    assert adapter(whole, whole) is None
    adapt = adapter(whole, wider)
    assert adapt is not None
    adapted = adapt({"x": np.array([0.5, 1.5]), "n": np.array([1, 2])}, 2)
    assert {name: values.tolist() for name, values in adapted.items()} == {
        "n": [1.0, 2.0], "x": [0.5, 1.5], "note": [None, None],
    }  # fmt: skip
    assert adapted["n"].dtype == np.float64


def test_outputs_that_are_not_the_contracts_are_a_failure() -> None:
    version = loaded("m:1")
    assert version.plain({"prediction": np.array([1.5])}, 1) == {"prediction": [1.5]}
    for outputs in ({}, {"prediction": np.array([1.0, 2.0])}):
        with pytest.raises(ModelFailedError) as caught:
            version.plain(outputs, 1)
        assert caught.value.status == "invalid_output"
