"""Retraining as a user meets it: labels come, and one command makes, judges and releases the next version."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
import yaml
from tests.e2e.product import Product

from interlock.demo import flights as data
from interlock.demo import models

ROWS, BATCH = 3000, 150
TRAINER = """
from sklearn.base import clone


def train(context):
    frame = context.pandas()
    context.progress(0.5, "fitting")
    print("rows:", len(frame))
    return clone(context.load_parent()).fit(frame[list(context.inputs)], frame[context.label])


def train_badly(context):
    from sklearn.dummy import DummyClassifier

    frame = context.pandas()
    return DummyClassifier(strategy="constant", constant=1).fit(frame[list(context.inputs)], frame[context.label])
"""


@pytest.fixture(scope="module")
def flights() -> pa.Table:
    return data.sample(data.load(), 0.05, 1).drop_null()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, flights: pa.Table) -> Iterator[Product]:
    """Endpoint `flights`, served by a model that has seen little, asked about real flights and told how they were."""
    folder = tmp_path_factory.mktemp("retraining")
    trained = models.train("schedule", flights.slice(0, 400), 0)
    skops.io.dump(trained.pipeline, folder / "model.skops")
    pq.write_table(trained.reference, folder / "reference.parquet")
    product = Product(folder / "home").wait_until_ready()
    try:
        with product.client() as client:
            client.register("flights", folder / "model.skops", reference=folder / "reference.parquet", label="late")
            client.create_endpoint("flights", "flights:1")
            for start in range(400, 400 + ROWS, BATCH):
                rows = flights.slice(start, BATCH)
                ids = client.predict("flights", rows.select(list(data.FEATURES)).to_pydict()).ids
                late = rows["late"].to_pylist()
                client.label(
                    "flights", [{"prediction_id": id, "label": int(one)} for id, one in zip(ids, late, strict=True)]
                )
            client.wait_until_logged()
        yield product
    finally:
        code = product.stop()
    assert code == 0


def test_one_command_makes_judges_and_releases_the_next_version(product: Product, tmp_path: Path) -> None:
    repository = tmp_path / "code"
    repository.mkdir()
    (repository / "learn.py").write_text(TRAINER)
    git = ["git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    document = {
        "trainer": "python:learn.train", "code": "code", "fewest_heldout": 200,
        "release": {"strategy": "canary", "plan": {"steps": [0.5, 1]}},
    }  # fmt: skip
    (tmp_path / "retraining.yaml").write_text(yaml.safe_dump(document))
    declared = product.json("endpoint", "retraining", "flights", "--file", str(tmp_path / "retraining.yaml"))
    assert declared["retraining"]["code"] == str(repository)
    run = product.json("retrain", "flights")
    assert (run["state"], run["version"]) == ("released", "flights:2"), run["reason"]
    assert run["data"]["training_rows"] + run["data"]["heldout_rows"] == ROWS
    assert run["code"]["dirty"] is False
    assert len(run["code"]["commit"]) == 40
    release = product.json("release", "show", run["release_id"])
    assert (release["candidate"], release["champion"]) == ("flights:2", "flights:1")
    assert product.json("endpoint", "show", "flights")["model"] == "flights:1"
    assert "rows: " in product.json("run", "log", run["id"])["log"]
    lineage = product.json("model", "lineage", "flights:2")["lineage"]
    assert [each["version"] for each in lineage] == ["flights:2", "flights:1"]
    assert lineage[0]["data"]["pin"] == "flights@run-1"
    assert lineage[0]["run"]["code"]["commit"] == run["code"]["commit"]
    assert [each["id"] for each in lineage[0]["releases"]] == [run["release_id"]]
    assert lineage[1]["endpoints"] == {"flights": "champion"}
    shown = product.cli("model", "lineage", "flights:2").stdout
    assert "flights@run-1" in shown
    assert "flights:1, its parent" in shown
    assert product.json("audit", "verify")["ok"] is True


def test_while_a_release_is_under_way_a_run_must_not_want_another(product: Product) -> None:
    refused = product.cli("retrain", "flights")
    assert refused.returncode == 2
    assert "has release flights-1" in refused.stderr


def test_a_worse_model_is_told_by_the_exit_code_and_registered_nowhere(product: Product, tmp_path: Path) -> None:
    (tmp_path / "learn.py").write_text(TRAINER)
    (tmp_path / "bad.yaml").write_text(f"trainer: python:learn.train_badly\ncode: {tmp_path}\n")
    product.json("endpoint", "retraining", "flights", "--file", str(tmp_path / "bad.yaml"))
    done = product.cli("retrain", "flights", "--no-release")
    assert done.returncode == 1, done.stderr
    assert "worse than flights:1" in done.stdout
    assert [each["ref"] for each in product.json("model", "list", "flights")["models"]] == ["flights:1", "flights:2"]
    listed = product.json("run", "list", "flights")["runs"]
    assert [(each["id"], each["state"]) for each in listed] == [
        ("flights-run-2", "rejected"),
        ("flights-run-1", "released"),
    ]


def test_who_may_not_name_code_may_still_ask_for_a_run(product: Product, tmp_path: Path) -> None:
    with product.client() as client:
        operator = client.create_key("op", "operator")["key"]
        viewer = client.create_key("look", "viewer")["key"]
    (tmp_path / "code.yaml").write_text(f"trainer: python:learn.train\ncode: {tmp_path}\n")
    refused = product.cli("endpoint", "retraining", "flights", "--file", str(tmp_path / "code.yaml"), key=operator)
    assert refused.returncode == 2
    assert "needs role admin" in refused.stderr
    (tmp_path / "ready.yaml").write_text("trainer: sklearn\n")
    assert (
        product.cli(
            "endpoint", "retraining", "flights", "--file", str(tmp_path / "ready.yaml"), key=operator
        ).returncode
        == 0
    )
    assert product.cli("retrain", "flights", "--no-release", "--detach", key=viewer).returncode == 2
    asked = product.cli("retrain", "flights", "--no-release", "--detach", "--json", key=operator)
    assert asked.returncode == 0, asked.stderr
    assert product.cli("run", "cancel", "flights-run-3", key=operator).returncode == 0
    with product.client() as client:
        while client.run("flights-run-3")["ended_at"] is None:
            pass
        assert client.run("flights-run-3")["state"] == "cancelled"
