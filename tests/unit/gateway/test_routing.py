from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ModelFailedError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.domain.traffic import TrafficPlan
from interlock.gateway.guards import NOBODY, Guards
from interlock.gateway.routing import choose
from interlock.gateway.served import LoadedVersion, ServedEndpoint, adapter, resolve_version, serve
from interlock.releases.slots import resize

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


def challenged(served: ServedEndpoint, *, withdrawn: frozenset[str] = NOBODY) -> int:
    return sum(choose(served, f"u{n}", withdrawn=withdrawn).is_challenger for n in range(2000))


def test_share_is_met_and_raising_it_moves_no_one_back() -> None:
    small, large = endpoint(0.1), endpoint(0.4)
    assert 140 <= challenged(small) <= 260
    for n in range(500):
        if choose(small, f"u{n}").is_challenger:
            assert choose(large, f"u{n}").is_challenger


@pytest.mark.parametrize(
    ("served", "withdrawn"),
    [
        (endpoint(0.0), NOBODY),
        (endpoint(0.5), frozenset({"m:2"})),
        (endpoint(0.5, challenger=None), NOBODY),
        (endpoint(0.5, missing=True), NOBODY),
    ],
    ids=["no share", "withdrawn", "no challenger", "not loaded"],
)
def test_champion_gets_everything(served: ServedEndpoint, withdrawn: frozenset[str]) -> None:
    assert challenged(served, withdrawn=withdrawn) == 0
    assert choose(served, "u", withdrawn=withdrawn).propensity == 1.0


def test_propensity_is_that_of_the_version_chosen() -> None:
    served = endpoint(0.25)
    found = {choose(served, f"u{n}").is_challenger: choose(served, f"u{n}") for n in range(50)}
    assert found[True].propensity == 0.25
    assert found[False].propensity == 0.75
    assert choose(endpoint(1.0), "u").propensity == 1.0


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
        guards.count(plan, "m:2", failed=True)
    assert guards.withdrawn(plan) == {"m:2"}
    assert told == ["tripped"]
    assert guards.trips["r"].startswith("m:2 failed ")
    guards.keep_only(["r"])
    assert guards.withdrawn(plan) == {"m:2"}
    guards.keep_only([])
    assert not guards.withdrawn(plan)


def test_guard_is_patient_with_rare_failures() -> None:
    plan, guards = endpoint(0.5).plan, Guards()
    for number in range(5000):
        guards.count(plan, "m:2", failed=number % 20 == 0)
    assert not guards.withdrawn(plan)


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


def arms(*shares: int) -> ServedEndpoint:
    """Arms `m:2`, `m:3`, ... with so many millionths each."""
    wanted = {f"m:{number}": share for number, share in enumerate(shares, 2)}
    plan = TrafficPlan(endpoint="e", generation=1, champion="m:1", salt="s", release_id="r", arms=resize((), wanted))
    return serve(plan, {ref: loaded(ref) for ref in ("m:1", *wanted)})


def owners(served: ServedEndpoint, withdrawn: frozenset[str] = NOBODY) -> list[str]:
    return [choose(served, f"u{n}", withdrawn=withdrawn).version.ref for n in range(4000)]


def test_several_arms_get_their_shares_at_the_propensity_that_is_logged() -> None:
    served = arms(200_000, 300_000)
    found = owners(served)
    for ref, share in {"m:1": 0.5, "m:2": 0.2, "m:3": 0.3}.items():
        # Five standard deviations of a binomial.
        assert abs(found.count(ref) - 4000 * share) <= 5 * (4000 * share * (1 - share)) ** 0.5
    logged = {choice.version.ref: choice.propensity for choice in served.split.choices}
    assert logged == pytest.approx({"m:1": 0.5, "m:2": 0.2, "m:3": 0.3})
    assert [choice.is_challenger for choice in served.split.choices] == [True, True, False]


def test_a_withdrawn_arms_units_are_the_champions_and_no_one_else_moves() -> None:
    served = arms(200_000, 300_000)
    gone = frozenset({"m:2"})
    for before, after in zip(owners(served), owners(served, gone), strict=True):
        assert after == ("m:1" if before == "m:2" else before)
    split = served.split_without(gone)
    assert {choice.version.ref: choice.propensity for choice in split.choices} == pytest.approx(
        {"m:1": 0.7, "m:3": 0.3}
    )
    assert served.split_without(gone) is split


def test_each_arm_has_its_own_guard() -> None:
    plan, guards = arms(200_000, 300_000).plan, Guards()
    for _ in range(100):
        guards.count(plan, "m:2", failed=False)
        guards.count(plan, "m:3", failed=True)
    assert guards.withdrawn(plan) == {"m:3"}
    assert list(guards.trips) == ["r m:3"]
    guards.keep_only(["r"])
    assert guards.withdrawn(plan) == {"m:3"}
    guards.keep_only([])
    assert guards.withdrawn(plan) == NOBODY


def test_arms_that_have_all_of_the_traffic_leave_the_champion_none() -> None:
    assert set(owners(arms(400_000, 600_000))) == {"m:2", "m:3"}
