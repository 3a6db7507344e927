"""The application test as a user runs it, and a release that asks for one."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def candidate(product: Product, wine: Wine) -> str:
    found = product.client().register("wine", wine.logistic, reference=wine.reference, label="cultivar")
    return str(found["ref"])


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(
        "steps = [0.5, 1]\nrequire_test = true\n[test]\nmax_quality_loss = 10\n[test.at_least]\naccuracy = 0.8\n"
    )
    return path


def _until(product: Product, id: str, state: str) -> dict[str, Any]:
    with product.client() as client:
        ends = time.monotonic() + 60
        while (found := client.release(id))["state"] != state:
            assert time.monotonic() < ends, found["decision"]
            time.sleep(0.1)
        return found


def _test(product: Product, ref: str, wine: Wine, *more: str) -> tuple[int, dict[str, Any]]:
    done = product.cli(
        "model",
        "test",
        ref,
        "--data",
        str(wine.reference),
        "--label",
        "cultivar",
        "--endpoint",
        "wine",
        "--json",
        *more,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_release_waits_for_its_test_and_goes_on_once_it_has_passed(
    product: Product, wine: Wine, candidate: str, plan: Path
) -> None:
    id = product.json("release", "start", "wine", "--candidate", candidate, "--plan", str(plan))["id"]
    waiting = _until(product, id, "testing")
    assert waiting["traffic_share"] == 0
    code, found = _test(product, candidate, wine, "--plan", str(plan))
    assert code == 0, [gate for gate in found["results"] if gate["outcome"] != "ok"]
    assert (found["champion"], found["findings"]["answering"]["failed"]) == ("wine:1", 0)
    assert _until(product, id, "running")["traffic_share"] == 0.5
    shown = product.json("model", "show", candidate)
    assert [test["passed"] for test in shown["tests"]] == [True]
    assert "1: passed on heldout.csv" in product.cli("model", "show", candidate).stdout
    product.cli("release", "rollback", "wine")


def test_a_test_that_is_not_passed_is_exit_code_1_and_stops_a_release(
    product: Product, wine: Wine, candidate: str, tmp_path: Path
) -> None:
    strict = tmp_path / "strict.json"
    strict.write_text(json.dumps({"require_test": True, "test": {"max_latency_ms": 0.000001}}))
    code, found = _test(product, candidate, wine, "--plan", str(strict))
    assert (code, found["passed"]) == (1, False)
    assert [gate["gate"] for gate in found["results"] if gate["outcome"] == "breach"] == ["latency"]
    refused = product.cli("release", "start", "wine", "--candidate", candidate, "--plan", str(strict))
    assert refused.returncode == 2
    assert "did not pass: latency" in refused.stderr


def test_wrong_input_is_exit_code_2(product: Product, wine: Wine, candidate: str) -> None:
    for arguments, said in (
        (("--data", "nowhere.csv"), "does not exist"),
        (("--data", str(wine.reference), "--label", "nothing"), "has no such column"),
    ):
        done = product.cli("model", "test", candidate, *arguments)
        assert done.returncode == 2
        assert said in done.stderr


def test_a_release_that_brings_its_rows_is_tested_by_itself(
    product: Product, wine: Wine, candidate: str, plan: Path
) -> None:
    rows = ("--test-data", str(wine.reference), "--test-label", "cultivar")
    with product.client() as client:
        before = len(client.model_tests(candidate))
    id = product.json("release", "start", "wine", "--candidate", candidate, "--plan", str(plan), *rows)["id"]
    assert _until(product, id, "running")["traffic_share"] == 0.5
    product.cli("release", "rollback", "wine")
    assert [file["name"] for file in product.json("model", "held-out")["files"]] == ["heldout.csv"]
    with product.client() as client:
        found = client.model_tests(candidate)
    assert len(found) - before in (0, 1)  # none where the same rows were tested above
    assert (found[0]["data"], found[0]["label"]) == ("heldout.csv", "cultivar")


def test_a_release_whose_rows_do_not_fit_is_rejected_and_not_stuck(
    product: Product, wine: Wine, candidate: str, plan: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "odd.csv"
    odd.write_text("nothing,cultivar\n1,0\n2,1\n")
    rows = ("--test-data", str(odd), "--test-label", "cultivar")
    id = product.json("release", "start", "wine", "--candidate", candidate, "--plan", str(plan), *rows)["id"]
    rejected = _until(product, id, "rejected")
    assert f"rejected: {candidate} could not be tested: odd.csv lacks the column" in rejected["decision"]["reason"]
    assert product.json("endpoint", "show", "wine")["model"] == "wine:1"


def test_a_release_that_asks_for_a_replay_scores_the_past_first(
    product: Product, wine: Wine, candidate: str, tmp_path: Path
) -> None:
    with product.client() as client:
        for number in range(120):
            client.predict("wine", wine.heldout.iloc[[number % len(wine.heldout)]])
    product.cli("log", "sql", "SELECT count(*) FROM wine")  # waits for the collector
    (tmp_path / "plan.json").write_text(json.dumps({"replay": {"min_agreement": 0.5}, "steps": [0.5, 1]}))
    start = ("release", "start", "wine", "--candidate", candidate, "--plan", str(tmp_path / "plan.json"))
    id = product.json(*start, "--replay", "24")["id"]
    assert _until(product, id, "running")["traffic_share"] == 0.5
    (replay,) = product.client().replays("wine")
    assert (replay["state"], replay["created_by"], replay["report"]["failed"]["rows"]) == ("done", "controller", 0)
    product.cli("release", "rollback", "wine")
    (tmp_path / "plan.json").write_text(json.dumps({"replay": {"min_rows": 100_000}, "steps": [0.5, 1]}))
    rejected = _until(product, product.json(*start)["id"], "rejected")
    assert "of at least 100,000 rows could be scored" in rejected["decision"]["reason"]
