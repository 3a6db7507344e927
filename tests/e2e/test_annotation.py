"""People label a few rows of a running server, by the command line as they do it, and quality is that of all rows."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product

BUDGET = 60
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def served(product: Product, wine: Wine) -> dict[str, Any]:
    """Traffic with noise, so that the model errs; what was true, by prediction."""
    rng = np.random.default_rng(1)
    truth: dict[str, Any] = {}
    client = product.client()
    for _ in range(4):
        noisy = wine.heldout + rng.normal(0, 0.6, wine.heldout.shape) * wine.heldout.std().to_numpy()
        answer = client.predict("wine", noisy)
        truth |= dict(zip(answer.ids, wine.truth.tolist(), strict=True))
    return truth


def test_a_few_labelled_rows_tell_the_quality_of_all(product: Product, served: dict[str, Any], tmp_path: Path) -> None:
    out, config = tmp_path / "tasks.json", tmp_path / "studio.xml"
    told = product.json(
        "annotate", "export", "wine", "--budget", str(BUDGET), "--out", str(out), "--config", str(config), "--seed", "3"
    )
    assert (told["drawn"], told["rows"]) == (BUDGET, len(served))
    assert '<Choice value="2"/>' in config.read_text()
    tasks = json.loads(out.read_text())
    assert len(tasks) == BUDGET
    assert set(tasks[0]["data"]["case"]) >= {"alcohol", "proline"}
    # Ann is always right, Ben in nine of ten, Cem answers half of them.
    rng = np.random.default_rng(2)
    exported = [{**task, "annotations": list(_said(served[task["data"]["prediction_id"]], rng))} for task in tasks]
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(exported))
    found = product.json("annotate", "import", "wine", str(answers))
    assert found["accepted"] == sum(len(task["annotations"]) for task in exported)
    assert found["labelled"] + found["contested"] == BUDGET
    assert 0.6 < found["agreement"]["krippendorff_alpha"] < 1
    assert len(found["agreement"]["pairs"]) == 3
    # The ledger has them with their weights, and quality is weighed by these.
    rows = product.client().sql(
        "SELECT prediction_id, label_text, label_weight, output.label AS predicted FROM ("
        "SELECT *, {'label': \"output.label\"} AS output FROM wine_joined) WHERE label_source = 'annotator'"
    )
    assert len(rows) == found["labelled"]
    weights = np.array([row["label_weight"] for row in rows])
    assert {task["meta"]["weight"] for task in tasks} >= set(weights.tolist())
    right = np.array([str(row["predicted"]) == row["label_text"] for row in rows])
    checks = {check["name"]: check for check in product.json("monitor", "wine")["checks"]}
    assert checks["accuracy"]["value"] == pytest.approx(np.average(right, weights=weights))
    assert checks["accuracy"]["details"]["effective_labels"] < found["labelled"]
    listed = product.json("annotate", "list", "wine")
    assert [each["answered"] for each in listed["exports"]] == [BUDGET]


def _said(truth: int, rng: np.random.Generator) -> Any:
    for who, right, answers in (("ann", 1.0, 1.0), ("ben", 0.9, 1.0), ("cem", 1.0, 0.5)):
        if rng.random() < answers:
            label = truth if rng.random() < right else (truth + 1) % 3
            result = [{"from_name": "label", "to_name": "case", "type": "choices", "value": {"choices": [str(label)]}}]
            yield {"completed_by": {"email": f"{who}@example.org"}, "result": result}


def test_a_table_that_people_filled_in_comes_back(product: Product, served: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "tasks.csv"
    shown = product.cli("annotate", "export", "wine", "--budget", "5", "--out", str(out), "--since", "2020-01-01")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("5 of ")
    assert "drew from the same time" in shown.stderr
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["label"] = str(served[row["prediction_id"]])
    rows[0]["label"] = "grape juice"
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = product.cli("annotate", "import", "wine", str(out), "--annotator", "dora")
    assert done.returncode == 1
    assert done.stdout.startswith("4 answers, 1 refused\n4 labels;")
    assert "label == 'grape juice', must be one of 0, 1, 2" in done.stderr
    assert product.cli("annotate", "import", "wine", str(out)).returncode == 2


def test_nothing_to_label_is_no(product: Product, tmp_path: Path) -> None:
    asked = ("annotate", "export", "wine", "--since", "2020-01-01", "--until", "2020-01-02")
    done = product.cli(*asked, "--out", str(tmp_path / "t.json"))
    assert (done.returncode, done.stdout.startswith("nothing to label")) == (1, True)
    assert not (tmp_path / "t.json").exists()
    key = product.json("key", "create", "--role", "viewer", "--name", "guest")["key"]
    assert product.cli("annotate", "export", "wine", key=key).returncode == 2
    assert product.cli("annotate", "list", "wine", key=key).returncode == 0


def test_a_file_is_checked_against_a_registered_version(product: Product, wine: Wine, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    wine.heldout.to_csv(good, index=False)
    wine.heldout.drop(columns="alcohol").assign(proline="much").to_csv(bad, index=False)
    assert product.json("check-data", str(good), "--contract", "wine:1")["passed"] is True
    done = product.cli("check-data", str(bad), "--contract", "wine:1", "--json")
    found = json.loads(done.stdout)
    (schema,) = [check for check in found["checks"] if check["name"] == "schema"]
    assert (done.returncode, schema["outcome"]) == (1, "breach")
    assert schema["reason"] == "lacks alcohol; has as something else proline (text, not number)"


def test_the_blocks_of_the_docs_run(product: Product, wine: Wine, monkeypatch: pytest.MonkeyPatch) -> None:
    product.json("endpoint", "create", "flights", "--model", "wine:1")
    product.client().predict("flights", wine.heldout)
    monkeypatch.setenv("INTERLOCK_URL", product.control)
    monkeypatch.setenv("INTERLOCK_API_KEY", product.key)
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "annotation.md").read_text(), re.S)
    names: dict[str, Any] = {"my_judgement": lambda inputs: int(inputs["proline"] > 800)}
    exec(block, names)
    assert names["told"]["labelled"] == 50
