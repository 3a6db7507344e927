"""How often to retrain, measured as a user asks for it: one world that turns, and one that stands still."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tests.e2e.product import Product

from interlock.client import Client

pytestmark = pytest.mark.slow

DAYS, A_DAY = 90, 80
PATIENCE_SECONDS = 900
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
DEGREES_A_DAY = {"still": 0.0, "turning": 1.5}
STARTS = "4"


def turned(degrees_a_day: float, days: NDArray[np.float64], seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points of a plane, and on which side of a turning line they most likely are."""
    rng = np.random.default_rng(seed)
    points, angle = rng.normal(size=(len(days), 2)), np.radians(degrees_a_day * days)
    side = points[:, 0] * np.cos(angle) + points[:, 1] * np.sin(angle)
    return points, (rng.random(len(days)) < 1 / (1 + np.exp(-4 * side))).astype(np.int64)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("advice")
    product = Product(folder / "home").wait_until_ready()
    try:
        with product.client() as client:
            key = client.create_key("past", "admin", allow=["backdate"])["key"]
        with product.client(key) as client:
            for seed, (name, rate) in enumerate(DEGREES_A_DAY.items()):
                fill(client, folder, name, turned(rate, np.repeat(np.arange(DAYS), A_DAY).astype(float), seed))
            client.wait_until_logged(60)
        yield product
    finally:
        code = product.stop()
    assert code == 0


def fill(client: Client, folder: Path, name: str, rows: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    """An endpoint with 90 days of labelled requests."""
    points, labels = rows
    skops.io.dump(LogisticRegression().fit(points[:500], labels[:500]), folder / f"{name}.skops")
    reference = pa.table({"a": points[:500, 0], "b": points[:500, 1], "side": labels[:500]})
    pq.write_table(reference, folder / f"{name}.parquet")
    ref = client.register(name, folder / f"{name}.skops", reference=folder / f"{name}.parquet", label="side")["ref"]
    client.create_endpoint(name, ref)
    for day in range(DAYS):
        part, at = slice(day * A_DAY, (day + 1) * A_DAY), BEGAN + timedelta(days=day)
        inputs = {"a": points[part, 0].tolist(), "b": points[part, 1].tolist()}
        ids = client.predict(name, inputs, event_at=[at + timedelta(minutes=10 * n) for n in range(A_DAY)]).ids
        seen = (at + timedelta(days=1)).isoformat()
        client.label(
            name,
            [
                {"prediction_id": id, "label": int(side), "observed_at": seen}
                for id, side in zip(ids, labels[part], strict=True)
            ],
        )
    client.declare_retraining(name, {"window": {"days": 14}})


@pytest.fixture(scope="module")
def advised(product: Product) -> dict[str, Any]:
    return {name: measured(product, name) for name in DEGREES_A_DAY}


def measured(product: Product, endpoint: str) -> dict[str, Any]:
    """Advice, with the patience that a busy machine needs."""
    assert (
        product.json("retrain", endpoint, "--advise", "--tolerated", "0.05", "--starts", STARTS, "--detach")["state"]
        == "running"
    )
    with product.client() as client:
        until = time.monotonic() + PATIENCE_SECONDS
        while (found := client.advice(endpoint))["state"] == "running":
            assert time.monotonic() < until, found["told"]
            time.sleep(0.5)
    return found


def test_a_world_that_stands_still_needs_no_retraining(advised: dict[str, Any]) -> None:
    found = advised["still"]
    assert (found["state"], found["proposal"]) == ("done", None)
    assert found["reason"].startswith("no need seen")
    assert found["measured"]["lower"] <= 0 <= found["measured"]["upper"]


def test_a_world_that_turns_wants_a_run_now_and_then(advised: dict[str, Any]) -> None:
    found = advised["turning"]
    proposal = found["proposal"]
    assert proposal["shortest_hours"] <= proposal["every_hours"] <= proposal["longest_hours"]
    assert proposal["every_hours"] <= 14 * 24
    assert found["measured"]["lower"] > 0


def test_older_models_lose_more_on_the_same_rows(advised: dict[str, Any]) -> None:
    excess = [age["excess"] for age in advised["turning"]["ages"]]
    assert len(excess) == 3
    assert excess[-1] > excess[0]


def test_what_it_rests_on_is_said(advised: dict[str, Any]) -> None:
    measured = advised["turning"]["measured"]
    assert measured["rows"] == DAYS * A_DAY
    assert (measured["loss"], measured["models"], measured["runs_known"]) == ("brier", 4, 0)
    assert measured["run_seconds"] > 0
    assert 0.5 < measured["label_delay_days"] <= 1.0
    sooner = [each for each in advised["turning"]["intervals"] if each["days"] < measured["label_delay_days"]]
    assert sooner
    assert all("labels take" in each["why_not"] for each in sooner)


def test_the_proposal_can_be_declared_as_it_is(product: Product, advised: dict[str, Any]) -> None:
    with product.client() as client:
        hours = advised["turning"]["proposal"]["every_hours"]
        declared = client.declare_retraining("turning", {"window": {"days": 14}, "triggers": {"every_hours": hours}})
        assert declared["triggers"]["every_hours"] == hours
        client.withdraw_retraining("turning")


def test_nothing_is_registered_and_nothing_is_left(product: Product, advised: dict[str, Any]) -> None:
    with product.client() as client:
        for name in advised:
            assert [each["ref"] for each in client.models(name)] == [f"{name}:1"]
            assert client.pins(name) == []
            assert client.runs(name) == []
        artifacts = {path.name for path in (product.home / "artifacts").iterdir() if path.is_file()}
        assert len(artifacts) <= 2 * len(advised)
        acts = [entry["action"] for entry in client.audit(subject="turning")]
    assert "retraining.advise" in acts
    assert {path.name for path in (product.home / "runs" / "turning-advice").iterdir()} == {"advice.json", "log.txt"}


def test_for_people_it_ends_with_the_line_for_the_file(product: Product) -> None:
    done = product.cli("retrain", "turning", "--advise", "--tolerated", "0.05", "--starts", "3")
    assert done.returncode == 0, done.stderr
    assert "triggers: {every_hours: " in done.stdout.splitlines()[-1]


def test_what_makes_no_sense_is_refused_and_what_cannot_be_measured_says_why(product: Product) -> None:
    refused = product.cli("retrain", "still", "--advise", "--starts", "1")
    assert refused.returncode == 2
    assert "starts == 1, must be between 3 and 12" in refused.stderr
    assert product.cli("retrain", "still", "--advise", "--mode", "scratch").returncode == 2
    assert product.cli("retrain", "nobody", "--advise").returncode == 2
    with product.client() as client:
        client.declare_retraining("still", {"window": {"days": 400}})
    failed = product.cli("retrain", "still", "--advise", "--json")
    assert failed.returncode == 1
    assert "declare a shorter window" in json.loads(failed.stdout)["error"]
