"""A user's own model, from a file to labelled predictions, by the command line, curl and a public client."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product, run
from tritonclient.http import InferenceServerClient, InferInput


def curl(*arguments: str) -> tuple[int, Any]:
    done = subprocess.run(
        ["curl", "-sS", "-w", "\n%{http_code}", *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


def _bearer(key: str) -> list[str]:
    return ["-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/json"]


def _tensors(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"name": name, "shape": [len(rows)], "datatype": "FP64", "data": rows[name].tolist()} for name in rows.columns
    ]


def test_register_and_create_by_the_command_line(product: Product, wine: Wine) -> None:
    registered = product.json(
        "model", "register", "shell", str(wine.logistic), "--reference", str(wine.reference), "--label", "cultivar"
    )
    assert registered["ref"] == "shell:1"
    assert registered["contract"]["classes"] == [0, 1, 2]
    assert product.json("endpoint", "create", "shell", "--model", "shell:1")["model"] == "shell:1"
    # It returned, so the next request is answered.
    assert product.client().predict("shell", wine.heldout.head(1)).version == "shell:1"
    assert [each["name"] for each in product.json("endpoint", "list")["endpoints"]] == ["shell", "wine"]
    assert product.cli("endpoint", "delete", "shell").returncode == 0
    assert [each["name"] for each in product.json("endpoint", "list")["endpoints"]] == ["wine"]


def test_curl_over_open_inference(product: Product, wine: Wine) -> None:
    body = json.dumps({"id": "mine-1", "inputs": _tensors(wine.heldout.head(3))})
    status, answer = curl(*_bearer(product.key), "-d", body, f"{product.gateway}/v2/models/wine/infer")
    assert status == 200
    assert (answer["id"], answer["model_name"], len(answer["parameters"]["prediction_id"])) == ("mine-1", "wine", 3)
    outputs = {each["name"]: each for each in answer["outputs"]}
    assert outputs["label"]["data"] == wine.truth.head(3).tolist()


def test_curl_over_mlflow(product: Product, wine: Wine) -> None:
    body = json.dumps({"dataframe_split": json.loads(wine.heldout.head(2).to_json(orient="split", index=False))})
    for path in ("/endpoints/wine/invocations", "/invocations"):
        status, answer = curl(*_bearer(product.key), "-d", body, f"{product.gateway}{path}")
        assert (status, answer) == (200, {"predictions": wine.truth.head(2).tolist()})


def test_the_public_triton_client(product: Product, wine: Wine) -> None:
    with InferenceServerClient(product.gateway.removeprefix("http://")) as client:
        inputs = []
        for name in wine.heldout.columns:
            tensor = InferInput(name, [5], "FP64")
            tensor.set_data_from_numpy(wine.heldout[name].head(5).to_numpy())
            inputs.append(tensor)
        headers = {"Authorization": f"Bearer {product.key}"}
        assert client.is_server_live()
        answer = client.infer("wine", inputs, headers=headers)
        np.testing.assert_array_equal(answer.as_numpy("label"), wine.truth.head(5))


def test_predictions_meet_their_labels_in_the_log(product: Product, wine: Wine, tmp_path: Path) -> None:
    wine.heldout.to_csv(tmp_path / "new.csv", index=False)
    predicted = product.json("predict", "wine", "--data", str(tmp_path / "new.csv"))["predictions"]
    assert len(predicted) == len(wine.heldout)
    labels = pd.DataFrame({"prediction_id": [each["prediction_id"] for each in predicted], "label": wine.truth})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    assert product.json("label", "wine", str(tmp_path / "labels.csv")) == {"accepted": len(labels), "rejected": []}
    # Everything acknowledged before the call is in the answer.
    sql = "SELECT count(*) AS n, count(DISTINCT prediction_id) AS ids FROM wine_labelled WHERE label IS NOT NULL"
    assert product.json("log", "sql", sql)["rows"] == [{"n": len(labels), "ids": len(labels)}]
    correct = sum(each["prediction"] == truth for each, truth in zip(predicted, wine.truth, strict=True))
    report = product.json("monitor", "wine")
    assert report["status"] in ("ok", "breach")
    accuracy = [check for check in report["checks"] if check["name"] == "accuracy"]
    assert [check["value"] for check in accuracy] == [pytest.approx(correct / len(labels))]
    assert (Path(product.cli("log", "path", "wine").stdout.strip()) / "_delta_log").is_dir()


def test_the_log_reconciles_and_doctor_finds_nothing_wrong(product: Product, wine: Wine) -> None:
    client = product.client()
    client.predict("wine", wine.heldout)
    client.wait_until_logged()
    found = client.reconciliation()["wine"]
    assert found["holds"] is True
    assert found["waiting"] == found["unrecorded"] == found["quarantined"] == 0
    assert found["acknowledged"] == product.json("log", "sql", "SELECT count(*) AS n FROM wine")["rows"][0]["n"]
    checked = product.json("doctor")
    assert checked["ok"] is True, checked
    assert {check["check"] for check in checked["checks"]} >= {
        "home",
        "processes",
        "store",
        "audit",
        "artifacts",
        "log",
    }


def test_doctor_finds_a_changed_artifact(product: Product) -> None:
    digest = product.client().model("wine:1")["serving_digest"]
    artifact = product.home / "artifacts" / digest
    before, mode = artifact.read_bytes(), artifact.stat().st_mode
    artifact.chmod(0o600)
    artifact.write_bytes(before + b"x")
    try:
        done = product.cli("doctor", "--json")
        assert done.returncode == 1
        assert "wine:1 (file was changed)" in done.stdout
    finally:
        artifact.write_bytes(before)
        artifact.chmod(mode)


def test_roles_on_both_ports(product: Product, wine: Wine) -> None:
    keys = {
        role: product.json("key", "create", "--role", role, "--name", f"a-{role}")["key"]
        for role in ("scorer", "viewer", "operator")
    }
    row = wine.heldout.head(1)
    # A key made in the home folder works at once, at a gateway that had not heard of it.
    assert product.client(keys["scorer"]).predict("wine", row).version == "wine:1"
    assert product.cli("model", "list", key=keys["viewer"]).returncode == 0
    for arguments, role in (
        (("model", "list"), "scorer"),
        (("endpoint", "create", "x", "--model", "wine:1"), "viewer"),
        (("predict", "wine", "--data", str(wine.reference)), "viewer"),
    ):
        done = product.cli(*arguments, key=keys[role])
        assert done.returncode == 2
        assert "may not" in done.stderr
    body = json.dumps({"inputs": _tensors(row)})
    infer = f"{product.gateway}/v2/models/wine/infer"
    assert curl(*_bearer(keys["viewer"]), "-d", body, infer)[0] == 403
    assert curl(*_bearer(keys["operator"]), "-d", body, infer)[0] == 200
    assert product.cli("key", "revoke", "a-operator").returncode == 0
    assert product.cli("model", "list", key=keys["operator"]).returncode == 2
    actions = [entry["action"] for entry in product.json("audit", "show", "--subject", "a-operator")["entries"]]
    assert actions == ["key.revoke", "key.create"]
    assert product.json("audit", "verify")["ok"] is True


def test_serve_prints_a_curl_line_that_works(wine: Wine, tmp_path: Path) -> None:
    from interlock.process.launch import launch
    from interlock.quickstart import name_of, put_up

    with launch(tmp_path / "home") as server, server.connect() as client:
        served = put_up(server, client, name_of(wine.forest), wine.forest, wine.reference, "cultivar")
        done = subprocess.run(shlex.split(served.curl), capture_output=True, text=True, check=True, timeout=60)
        assert json.loads(done.stdout) == {"predictions": wine.truth.head(1).tolist()}
        # Once more with the same file: nothing is registered twice.
        assert put_up(server, client, "forest", wine.forest, wine.reference, "cultivar").version == "forest:1"
        # Another file under the same name waits for a release.
        other = put_up(server, client, "forest", wine.logistic, wine.reference, "cultivar")
        assert (other.version, other.champion) == ("forest:2", "forest:1")


def test_prometheus_metrics_count_what_was_answered(product: Product, wine: Wine) -> None:
    product.client().predict("wine", wine.heldout.head(1))
    done = subprocess.run(
        ["curl", "-sS", "-H", f"Authorization: Bearer {product.key}", f"{product.gateway}/metrics"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert 'endpoint="wine"' in done.stdout
    assert "interlock_" in done.stdout


def test_commands_without_a_server_say_so(tmp_path: Path) -> None:
    done = run("model", "list", "--home", str(tmp_path))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: no Interlock runs on")
