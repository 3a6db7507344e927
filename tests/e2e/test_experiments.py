"""An A/B test and a bandit of three arms on a running server: callers ask, rewards come over HTTP, traffic follows."""

import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product

pytestmark = pytest.mark.slow

ARMS = ("wine:1", "wine:2", "wine:3")
_UNITS = count()


@pytest.fixture(scope="module", autouse=True)
def candidates(product: Product, wine: Wine) -> None:
    for source in (wine.logistic, wine.forest):
        product.client().register("wine", source, reference=wine.reference, label="cultivar")


def _sell(product: Product, wine: Wine, units: int, sold: Mapping[str, float], rng: random.Random) -> Counter[str]:
    """So many new units ask once, and each tells what it bought. Some are no one's unit: they send no key."""
    met: Counter[str] = Counter()
    rewards = []
    with product.client() as client:
        for _ in range(units):
            number = next(_UNITS)
            row = wine.heldout.iloc[[number % len(wine.heldout)]]
            answer = client.predict("wine", row, key=f"unit-{number}" if number % 5 else None)
            met[answer.version] += 1
            value = float(rng.random() < sold[answer.version])
            rewards.append({"prediction_id": answer.ids[0], "name": "sold", "value": value})
        assert client.reward("wine", rewards)["accepted"] == units
    return met


def _start(product: Product, folder: Path, strategy: str, plan: Mapping[str, Any]) -> str:
    (folder / "plan.json").write_text(json.dumps(plan))
    found = product.json(
        "release", "start", "wine", "--candidate", "wine:2,wine:3", "--strategy", strategy, "--reward", "sold",
        "--plan", str(folder / "plan.json"),
    )  # fmt: skip
    assert found["candidates"] == ["wine:2", "wine:3"]
    with product.client() as client:
        while client.release(found["id"])["state"] == "draft":
            time.sleep(0.1)
    return str(found["id"])


def test_a_test_of_three_arms_ends_with_a_verdict_that_a_person_acts_on(
    product: Product, wine: Wine, tmp_path: Path
) -> None:
    plan = {"max_failure_rate": 0.2, "covariate": "alcohol", "segments": ["alcohol"]}
    id = _start(product, tmp_path, "ab_test", plan)
    shares = product.json("endpoint", "show", "wine")["traffic"]
    assert [round(shares[arm], 3) for arm in ARMS] == [0.333] * 3
    time.sleep(2)  # until both gateway workers have the plan
    rng, met, ends = random.Random(1), Counter[str](), time.monotonic() + 150
    with product.client() as client:
        while (found := client.release(id))["state"] == "running":
            assert time.monotonic() < ends, found["decision"]
            met += _sell(product, wine, 150, {"wine:1": 0.3, "wine:2": 0.35, "wine:3": 0.8}, rng)
        # Units stay where they are.
        assert len({client.predict("wine", wine.heldout.head(1), key="stays").version for _ in range(10)}) == 1
    assert set(met) == set(ARMS)
    assert found["state"] == "awaiting_approval"
    assert found["winner"] == "wine:3"
    assert (
        "wine:3 wins: sold 0.8" in found["decision"]["reason"] or "wine:3 wins: sold 0.7" in found["decision"]["reason"]
    )
    assert "with 95 % confidence at any time" in found["decision"]["reason"]
    _shows_what_was_adjusted_and_explored(product, found)
    logged = product.json(
        "log", "sql", "SELECT DISTINCT assigned_version AS v, propensity AS p FROM wine WHERE step = 0"
    )
    assert {row["v"]: round(row["p"], 6) for row in logged["rows"]} == {
        "wine:1": 0.333334, "wine:2": 0.333333, "wine:3": 0.333333,
    }  # fmt: skip
    promoted = product.json("release", "promote", id, "--reason", "sells more")
    assert (promoted["state"], promoted["winner"]) == ("promoted", "wine:3")
    assert product.json("endpoint", "show", "wine")["traffic"] == {"wine:3": 1.0}
    planned = product.json("release", "plan", "wine", "--strategy", "ab_test", "--reward", "sold", "--mde", "0.1")
    assert planned["planned_units"] > 1000
    asked = ("--strategy", "ab_test", "--reward", "sold", "--mde", "0.1", "--candidates", "2")
    assert product.json("release", "plan", "wine", *asked)["planned_units"] > 1.4 * planned["planned_units"]
    assert product.json("release", "rollback", "wine")["model"] == "wine:1"


def _shows_what_was_adjusted_and_explored(product: Product, found: Mapping[str, Any]) -> None:
    effect = next(gate for gate in found["gates"] if gate["metric"] == "effect.sold" and gate["version"] == "wine:3")
    assert effect["reason"].endswith(", adjusted for alcohol")
    assert effect["details"]["unadjusted"]["lower"] < effect["details"]["unadjusted"]["upper"]
    assert {each["column"] for each in effect["details"]["segments"]} == {"alcohol"}
    units = sum(each["challenger_units"] for each in effect["details"]["segments"])
    assert units == effect["counts"]["challenger"]
    shown = product.cli("release", "show", found["id"]).stdout
    assert "effect.sold of wine:3 by segment (exploration only, decides nothing" in shown.replace("\n", " ")


def test_a_bandit_moves_traffic_to_what_earns_and_keeps_its_floor(product: Product, wine: Wine, tmp_path: Path) -> None:
    plan = {"update_seconds": 3, "reward_kind": "bernoulli", "goal": "minimise", "min_units": 30, "floor": 0.1}
    id = _start(product, tmp_path, "bandit", plan)
    rng, ends = random.Random(2), time.monotonic() + 150
    with product.client() as client:
        while (found := client.release(id))["shares"]["wine:2"] < 0.7:
            assert time.monotonic() < ends, found["decision"]
            _sell(product, wine, 100, {"wine:1": 0.7, "wine:2": 0.2, "wine:3": 0.75}, rng)
    assert min(found["shares"].values()) >= 0.1
    assert sum(found["shares"].values()) <= 0.9 + 1e-9
    assert found["state"] == "running"
    rows = product.json(
        "log", "sql",
        f"SELECT step, assigned_version AS v, min(propensity) AS low, max(propensity) AS high FROM wine "
        f"WHERE release_id = '{id}' GROUP BY ALL",
    )["rows"]  # fmt: skip
    # One propensity for each arm of each batch, and together they are one.
    assert all(row["low"] == row["high"] for row in rows)
    for step in {row["step"] for row in rows}:
        shares = {row["v"]: row["low"] for row in rows if row["step"] == step}
        if set(shares) == set(ARMS):
            assert sum(shares.values()) == pytest.approx(1.0)
    promoted = product.json("release", "promote", id, "--candidate", "wine:2")
    assert promoted["winner"] == "wine:2"
    unclear = product.cli("release", "promote", id, "--candidate", "wine:9")
    assert unclear.returncode in (0, 2)
