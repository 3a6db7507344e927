"""A backup from the command line while a server serves, and a second server on what it gives back."""

import threading
from pathlib import Path

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product, run

pytestmark = pytest.mark.slow


def test_a_server_on_a_restored_backup_knows_everything_and_serves(
    product: Product, wine: Wine, tmp_path: Path
) -> None:
    stop, told = threading.Event(), list[str]()

    def traffic() -> None:
        with product.client() as client:
            while not stop.is_set():
                told.extend(client.predict("wine", wine.heldout.head(2)).ids)

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        while len(told) < 200:
            stop.wait(0.05)
        before = list(told)
        made = product.json("backup", str(tmp_path / "monday"))
        while len(told) < len(before) + 100:
            stop.wait(0.05)
    finally:
        stop.set()
        thread.join()
    assert made["backup"] == str(tmp_path / "monday")
    again = product.cli("backup", str(tmp_path / "monday"))
    assert (again.returncode, "is not empty" in again.stderr) == (2, True)
    done = run("restore", str(tmp_path / "monday"), "--home", str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    second = Product(tmp_path / "home").wait_until_ready()
    try:
        with product.client() as old, second.client(product.key) as new:
            assert new.models() == old.models()
            assert [each["name"] for each in new.endpoints()] == ["wine"]
            assert new.verify_audit()["ok"]
            answered = new.predict("wine", wine.heldout)
            assert answered.outputs == old.predict("wine", wine.heldout).outputs
            new.wait_until_logged(60)
            logged = [row["id"] for row in new.sql("SELECT prediction_id AS id FROM wine")]
            assert len(logged) == len(set(logged))
            assert set(before) | set(answered.ids) <= set(logged)
            assert new.reconciliation()["wine"]["holds"]
        second.key = product.key
        assert all(check["outcome"] != "error" for check in second.json("doctor")["checks"])
    finally:
        second.stop()
