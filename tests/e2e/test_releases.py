"""A release by hand, from the command line. What the controller does by itself is tested with `releases/`."""

import json
from pathlib import Path

import pytest
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


def test_contracts_are_compared(product: Product, candidate: str) -> None:
    assert product.json("model", "diff", "wine:1", candidate) == {
        "from": "wine:1", "to": "wine:2", "breaking": False, "differences": [],
    }  # fmt: skip
