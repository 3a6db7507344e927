"""The log as its owner handles it: retention, pins, deletion of a unit, from the command line."""

import json
from pathlib import Path

from deltalake import DeltaTable
from tests.e2e.conftest import Wine
from tests.e2e.product import Product


def test_a_pin_stays_and_a_model_names_it(product: Product, wine: Wine) -> None:
    with product.client() as client:
        before = client.predict("wine", wine.heldout.head(3)).ids
        pin = product.json("log", "pin", "wine", "--name", "training-v1")
        client.predict("wine", wine.heldout.head(5))
        (listed,) = product.json("log", "pins", "wine")["pins"]
        assert listed == pin
        assert product.json("log", "pins", "wine", "--verify")["faults"] == {"training-v1": []}
        count = "SELECT count(*) AS n FROM wine"
        assert client.sql(count, pin="wine@training-v1") == [{"n": pin["tables"]["predictions"]["rows"]}]
        assert client.sql(count)[0]["n"] == pin["tables"]["predictions"]["rows"] + 5
    path = product.json("log", "path", "wine", "--pin", "training-v1")["path"]
    assert set(before) <= set(DeltaTable(path).to_pyarrow_table()["prediction_id"].to_pylist())
    again = product.cli("log", "pin", "wine", "--name", "training-v1")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    registered = product.json("model", "register", "wine", str(wine.forest), "--trained-on", "wine@training-v1")
    assert registered["lineage"]["pin"] == "wine@training-v1"
    refused = product.cli("log", "unpin", "wine", "--name", "training-v1")
    assert refused.returncode == 2
    assert f"{registered['ref']} was trained on pin wine@training-v1" in refused.stderr
    product.json("log", "unpin", "wine", "--name", "training-v1", "--force")
    assert not Path(path).exists()


def test_a_unit_is_forgotten_and_the_sums_still_hold(product: Product, wine: Wine) -> None:
    with product.client() as client:
        alice = client.predict("wine", wine.heldout.head(4), key="alice").ids
        others = client.predict("wine", wine.heldout.head(2)).ids
        client.label("wine", [{"prediction_id": alice[0], "label": 1}, {"prediction_id": others[0], "label": 1}])
        product.json("log", "pin", "wine", "--name", "with-alice")
        client.wait_until_logged()
        before = client.reconciliation()["wine"]
        asked = product.cli("log", "forget", "wine", "--unit", "alice")
        assert (asked.returncode, "Aborted" in asked.stderr) == (1, True)
        done = product.json("log", "forget", "wine", "--unit", "alice", "--yes")
        assert done["rows"] == {"predictions": 4, "labels": 1}
        assert done["pins"] == ["with-alice"]
        assert client.reconciliation()["wine"] == before
        for pin in (None, "wine@with-alice"):
            left = {row["id"] for row in client.sql("SELECT prediction_id AS id FROM wine", pin=pin)}
            assert left.isdisjoint(alice)
            assert set(others) <= left
        (pinned,) = (pin for pin in client.pins("wine") if pin["name"] == "with-alice")
        assert pinned["redacted_at"] is not None
        entries = client.audit(subject="wine")
    assert entries[0]["action"] == "log.forgotten"
    assert "alice" not in json.dumps(entries[:2]).replace("with-alice", "")
    assert product.cli("log", "forget", "wine", "--unit", "alice", "--yes").stdout.startswith("deleted no rows")


def test_how_long_the_log_keeps_rows_is_set_from_the_command_line(product: Product) -> None:
    assert product.json("endpoint", "change", "wine", "--retention-days", "90")["retention_days"] == 90
    assert "90" in product.cli("endpoint", "show", "wine").stdout
    assert product.json("endpoint", "change", "wine", "--retention-days", "0")["retention_days"] == 0
    wrong = product.cli("endpoint", "change", "wine", "--retention-days", "-1")
    assert (wrong.returncode, "retention_days == -1, must be 1 to 36500" in wrong.stderr) == (2, True)
