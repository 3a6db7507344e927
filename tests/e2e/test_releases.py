"""A release by hand, from the command line. What the controller does by itself is tested with `releases/`."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.e2e.conftest import Wine
from tests.e2e.product import Product


@pytest.fixture(scope="module")
def candidate(product: Product, wine: Wine) -> str:
    found = product.client().register(
        "wine", wine.logistic, reference=wine.reference, label="cultivar", parent="wine:1"
    )
    return str(found["ref"])


def _answering(product: Product, wine: Wine, units: int = 40) -> set[str]:
    with product.client() as client:
        return {client.predict("wine", wine.heldout.head(1), key=f"unit-{unit}").version for unit in range(units)}


def test_start_pause_resume_promote_and_roll_back(product: Product, wine: Wine, candidate: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({"min_units": 100_000}))
    plan = ("--plan", str(tmp_path / "plan.json"), "--steps", "0.5,1")
    started = product.json("release", "start", "wine", "--candidate", candidate, *plan)
    id = started["id"]
    assert (started["champion"], started["candidate"], started["strategy"]) == ("wine:1", "wine:2", "canary")
    refused = product.cli("release", "start", "wine", "--candidate", candidate)
    assert refused.returncode == 2
    with product.client() as client:
        while client.release(id)["state"] == "draft":
            pass
    assert product.json("release", "show", id)["traffic_share"] == 0.5
    assert _answering(product, wine) == {"wine:1", "wine:2"}
    assert product.json("release", "pause", id, "--reason", "weekend")["state"] == "paused"
    assert product.json("release", "resume", id)["state"] == "running"
    promoted = product.json("release", "promote", id, "--reason", "checked by hand")
    assert promoted["state"] == "promoted"
    assert product.json("endpoint", "show", "wine")["model"] == "wine:2"
    back = product.json("release", "rollback", "wine", "--reason", "complaints")
    assert back["model"] == "wine:1"
    listed = product.json("release", "list", "wine")["releases"]
    assert [each["id"] for each in listed] == [id]
    reasons = json.dumps(product.json("audit", "show", "--limit", "20"))
    for reason in ("weekend", "checked by hand", "complaints"):
        assert reason in reasons
    assert product.json("audit", "verify")["ok"] is True


def _until(product: Product, id: str, *states: str) -> dict[str, Any]:
    with product.client() as client:
        ends = time.monotonic() + 90
        while (found := client.release(id))["state"] not in states:
            assert time.monotonic() < ends, found["decision"]
            time.sleep(0.2)
        return found


def test_blue_green_switches_at_once_and_ends_by_the_clock(
    product: Product, wine: Wine, candidate: str, tmp_path: Path
) -> None:
    (tmp_path / "plan.toml").write_text("hold_seconds = 10")
    strategy = ("--strategy", "blue_green", "--plan", str(tmp_path / "plan.toml"))
    id = product.json("release", "start", "wine", "--candidate", candidate, *strategy)["id"]
    assert _until(product, id, "running")["traffic_share"] == 1.0
    assert product.json("endpoint", "show", "wine")["model"] == "wine:1"
    while _answering(product, wine, 5) != {"wine:2"}:  # until the gateways have the new plan
        assert product.json("release", "show", id)["state"] == "running"
    assert "no gates" in _until(product, id, "promoted")["decision"]["reason"]
    assert product.json("endpoint", "show", "wine")["model"] == "wine:2"
    assert product.json("release", "rollback", "wine")["model"] == "wine:1"


def test_a_shadow_answers_nobody_and_asks_for_approval(
    product: Product, wine: Wine, candidate: str, tmp_path: Path
) -> None:
    plan = {"require_labels": "no", "min_units": 100, "max_failure_rate": 0.2}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    strategy = ("--strategy", "shadow", "--plan", str(tmp_path / "plan.json"))
    id = product.json("release", "start", "wine", "--candidate", candidate, *strategy)["id"]
    assert _until(product, id, "running")["traffic_share"] == 0.0
    for _ in range(6):  # rows count once every gateway writes the release down with them
        assert _answering(product, wine, 100) == {"wine:1"}
        time.sleep(5)
    asked = _until(product, id, "awaiting_approval")
    assert "failures on the same rows 0 % against 0 %" in asked["decision"]["reason"]
    assert [gate["metric"].partition(".")[0] for gate in asked["gates"]] == ["scoring_errors", "quality"]
    by_proposer = product.cli("release", "approve", id)
    assert by_proposer.returncode == 2
    assert "somebody else must approve" in by_proposer.stderr
    with product.client() as client:
        other = client.create_key("bob", "approver")["key"]
    approved = product.cli("release", "approve", id, "--reason", "read it", "--json", key=other)
    assert json.loads(approved.stdout)["state"] == "promoted"
    assert json.loads(approved.stdout)["approved_by"] == "bob"
    assert product.json("endpoint", "show", "wine")["model"] == "wine:2"


def test_a_plan_is_told_from_the_traffic_that_there_was(product: Product, wine: Wine, candidate: str) -> None:
    _answering(product, wine, 30)
    product.cli("log", "sql", "SELECT count(*) FROM wine")  # waits for the collector
    found = product.json("release", "plan", "wine", "--steps", "0.5,1")
    assert found["traffic"]["requests_per_hour"] > 0
    assert [step["traffic_share"] for step in found["steps"]] == [0.5]
    assert "takes at least" in product.cli("release", "plan", "wine").stdout
    assert (
        "a shadow gets no traffic"
        in product.cli("release", "plan", "wine", "--strategy", "shadow", "--steps", "0.1,1").stderr
    )


def test_a_plan_is_tried_on_the_past_with_a_fault(product: Product, wine: Wine) -> None:
    for _ in range(4):
        _answering(product, wine, 50)
    plan = ("--backtest", "--steps", "0.5,1")
    stopped = product.cli("release", "plan", "wine", *plan, "--errors", "0.4", "--json")
    found = json.loads(stopped.stdout)
    assert (stopped.returncode, found["end"]) == (0, "stopped"), found["sentence"]
    assert "failing 40 % of requests would have been stopped after" in found["sentence"]
    open_end = product.cli("release", "plan", "wine", *plan, "--errors", "0")
    assert open_end.returncode == 1
    assert "without a fault would not have been decided" in open_end.stdout
    wrong = product.cli("release", "plan", "wine", *plan, "--wrong-column", "nothing")
    assert wrong.returncode == 2
    assert "takes no such input" in wrong.stderr


def test_contracts_are_compared(product: Product, candidate: str) -> None:
    assert product.json("model", "diff", "wine:1", candidate) == {
        "from": "wine:1", "to": "wine:2", "breaking": False, "differences": [],
    }  # fmt: skip


@pytest.mark.slow
def test_what_turns_out_worse_after_its_promotion_is_taken_back(product: Product, wine: Wine, tmp_path: Path) -> None:
    """A model that mixes up the cultivars, promoted by hand; the champion before scores the same rows from the log."""
    mixed_up = make_pipeline(StandardScaler(), LogisticRegression()).fit(wine.heldout, (wine.truth + 1) % 3)
    skops.io.dump(mixed_up, tmp_path / "mixed.skops")
    (tmp_path / "plan.json").write_text(json.dumps({"min_units": 100_000, "min_labels": 100}))
    with product.client() as client:
        worse = client.register("wine", tmp_path / "mixed.skops", reference=wine.reference, label="cultivar")["ref"]
        champion = product.json("endpoint", "show", "wine")["model"]
        start = ("--candidate", worse, "--steps", "0.5,1", "--plan", str(tmp_path / "plan.json"))
        id = product.json("release", "start", "wine", *start)["id"]
        _until(product, id, "running")
        product.cli("release", "promote", id, "--reason", "in a hurry")
        while _answering(product, wine, 5) != {worse}:
            pass
        for row in range(3 * len(wine.heldout)):
            at = row % len(wine.heldout)
            answer = client.predict("wine", wine.heldout.iloc[[at]])
            client.label("wine", [{"prediction_id": answer.ids[0], "label": int(wine.truth[at])}])
    found = _until(product, id, "rolled_back")
    assert product.json("endpoint", "show", "wine")["model"] == champion
    assert found["decision"]["reason"].startswith(f"rolled back to {champion}: Brier score ")
    assert found["watch"]["outcome"] == "rolled_back"
    assert found["watch"]["promotion"]["reason"].endswith("in a hurry")
    (quality,) = (gate for gate in found["watch"]["gates"] if gate["metric"] == "quality_after.brier")
    assert quality["outcome"] == "breach"
    assert product.json("audit", "verify")["ok"] is True
