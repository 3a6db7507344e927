"""From what goes wrong to the mail that tells of it, by the product as a user starts it and a real mail server."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product
from tests.mail_server import MailServer


@pytest.fixture
def mail() -> MailServer:
    server = MailServer().start()
    server.stop()  # its port is known; whoever needs it starts it
    return server


def drift(product: Product, wine: Wine) -> None:
    """A day of wines that are not like those of the reference, and an hour of the day after, which closes it."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=10)
    other = wine.heldout.assign(alcohol=wine.heldout["alcohol"] + 3)
    key = product.json("key", "create", "--role", "scorer", "--name", "till", "--allow", "backdate")["key"]
    with product.client(key) as client:
        for hour in (*range(24), 26):
            client.predict("wine", other, event_at=day + timedelta(hours=hour))


def until(product: Product, condition: Any, seconds: float = 60.0) -> list[dict[str, Any]]:
    """Wait for a list of alerts."""
    deadline = time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    with product.client() as client:
        while time.monotonic() < deadline:
            found = client.alerts()
            if condition(found):
                break
    return found


def test_a_day_of_drift_is_one_mail_though_the_mail_server_was_dead_and_the_controller_was_killed(
    product: Product, wine: Wine, mail: MailServer
) -> None:
    added = product.cli("alert", "channel", "add", "team", mail.url)
    assert added.returncode == 0, added.stderr
    tested = product.cli("alert", "test", "team")
    assert (tested.returncode, "refused" in tested.stderr) == (1, True)
    drift(product, wine)
    (alert,) = until(product, lambda found: found)
    until_tried(product, alert["id"])
    os.kill(product.parts()["controller"], signal.SIGKILL)
    with mail:
        subjects = mail.wait(1)
        assert product.json("alert", "test", "team")["delivered"] is True
        assert mail.wait(2) == [*subjects, "[test] Interlock, channel team"]
    assert len(subjects) == 1
    assert subjects[0].startswith("[warning] wine: drift.")
    body = mail.mails[0].get_body(("plain",))
    assert body is not None
    assert "drift.alcohol of wine:1" in body.get_content()
    assert f"interlock alert ack {alert['id']}" in body.get_content()
    shown = product.json("alert", "show", str(alert["id"]))
    (delivery,) = shown["deliveries"]
    assert delivery["attempts"] > 1
    assert delivery["delivered_at"] is not None
    acknowledged = product.json("alert", "ack", str(alert["id"]), "--reason", "a new cellar")
    assert acknowledged["state"] == "acknowledged"
    assert [each["id"] for each in product.json("alert", "list", "wine", "--state", "open")["alerts"]] == [alert["id"]]
    assert "team@example.org" not in product.cli("alert", "channel", "list").stdout + "".join(product.said)


def until_tried(product: Product, id: int) -> None:
    """Wait for a failed attempt."""
    with product.client() as client:
        while not client.alert(id)["deliveries"][0]["attempts"]:
            pass


def test_rules_a_silence_and_a_channel_that_leaves(product: Product, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules:\n- {name: low, check: accuracy, below: 0.6}\n")
    applied = product.json("alert", "rules", "apply", str(tmp_path / "rules.yaml"))
    assert [each["name"] for each in applied["rules"]] == ["low"]
    (tmp_path / "rules.yaml").write_text("rules: [")
    assert product.cli("alert", "rules", "apply", str(tmp_path / "rules.yaml")).returncode == 2
    assert product.json("alert", "rules", "list") == applied
    made = product.json("alert", "silence", "wine", "--for", "2h", "--reason", "planned")
    assert [each["id"] for each in product.json("alert", "silences")["silences"]] == [made["id"]]
    assert product.cli("alert", "silence", "wine").returncode == 2
    assert product.cli("alert", "silence", "wine", "--for", "soon").returncode == 2
    for command in (("list",), ("channel", "list"), ("silences",)):
        assert product.cli("alert", *command).returncode == 0
    product.json("alert", "channel", "remove", "team")
    assert product.json("alert", "channel", "list") == {"channels": []}


def test_a_release_that_is_rolled_back_is_one_mail(tmp_path: Path, wine: Wine, mail: MailServer) -> None:
    product = Product(tmp_path / "home").wait_until_ready()
    try:
        with product.client() as client, mail:
            client.register("wine", wine.forest, reference=wine.reference, label="cultivar")
            client.create_endpoint("wine", "wine:1")
            client.add_channel("team", mail.url)
            candidate = client.register("wine", wine.logistic, reference=wine.reference, label="cultivar")
            # Nobody can load what somebody deleted.
            for digest in {candidate["digest"], candidate["serving_digest"]}:
                (product.home / "artifacts" / digest).unlink()
            client.start_release("wine", "wine:2")
            (subject,) = mail.wait(1)
            assert subject.startswith("[warning] wine: release wine-1 of wine:2 was rolled back:")
            (alert,) = client.alerts()
            assert client.acknowledge(alert["id"])["state"] == "resolved"
    finally:
        product.stop()
