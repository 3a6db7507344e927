"""The courier with real servers that die and come back, and with a program that is killed."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from tests.mail_server import MailServer, Receiver

from interlock.channels import addresses, sending
from interlock.domain.access import Key
from interlock.domain.alert import Channel, Delivery, Notice
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError
from interlock.monitoring.alert_channels import AlertChannels
from interlock.monitoring.courier import Courier
from interlock.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ADMIN = Key(name="root", role="admin", digest="", created_at=NOON)


@dataclass
class Post:
    """An outbox with a courier."""

    store: Store
    now: datetime = NOON

    @property
    def courier(self) -> Courier:
        return Courier(self.store, sending.send, lambda: self.now)

    @property
    def channels(self) -> AlertChannels:
        return AlertChannels(
            self.store, lambda: self.now, check=sending.check, masked=addresses.masked, send=sending.send
        )

    def add(self, name: str, url: str) -> None:
        with self.store.transaction() as tx:
            tx.channels.add(Channel(name=name, url=url, created_at=NOON, created_by="root"))

    def put(self, channel: str, *titles: str) -> None:
        with self.store.transaction() as tx:
            tx.deliveries.add(_delivery(channel, title) for title in titles)

    def waiting(self) -> list[Delivery]:
        with self.store.read() as tx:
            return tx.deliveries.waiting()


def _delivery(channel: str, title: str) -> Delivery:
    notice = Notice(kind="opened", endpoint="e", severity="warning", title=title, text="text", at=NOON, alert=1)
    return Delivery(channel=channel, notice=notice, next_try_at=NOON)


@pytest.fixture
def post(store_url: str) -> Iterator[Post]:
    store = Store(store_url)
    yield Post(store)
    store.close()


def test_a_mail_server_that_is_dead_loses_no_notice(post: Post) -> None:
    server = MailServer().start()
    server.stop()
    post.add("team", server.url)
    post.put("team", "first", "second")
    pauses = []
    for _ in range(3):
        assert post.courier.step() == 0
        pauses.append((post.waiting()[0].next_try_at - post.now).total_seconds())
        post.now = max(each.next_try_at for each in post.waiting())
    assert pauses == [5, 10, 20]
    assert "refused" in post.waiting()[0].last_error
    with server:
        assert post.courier.step() == 2
        assert server.wait(2) == ["first", "second"]
    assert post.waiting() == []
    assert post.courier.step() == 0
    with post.store.read() as tx:
        first, second = tx.deliveries.of_alert(1)
    assert (first.attempts, first.delivered_at, first.last_error) == (4, post.now, "")
    assert second.delivered_at == post.now


def test_a_dead_channel_keeps_no_other_waiting_and_is_asked_once_a_pause(post: Post) -> None:
    with Receiver(500) as broken, Receiver() as well:
        post.add("broken", f"http://{broken.address}/x")
        post.add("well", f"http://{well.address}/x")
        post.put("broken", "a", "b", "c")
        post.put("well", "d")
        assert post.courier.step() == 1
        assert post.courier.step() == 0
    assert [each["title"] for each in broken.bodies] == ["a"]
    assert [each["title"] for each in well.bodies] == ["d"]


def test_of_two_couriers_one_delivers(post: Post) -> None:
    with Receiver() as receiver:
        post.add("hook", f"http://{receiver.address}/x")
        post.put("hook", "a")
        other = post.courier

        def send(channel: Channel, delivery: Delivery) -> None:
            assert other.step() == 0
            sending.send(channel, delivery)

        assert Courier(post.store, send, lambda: post.now).step() == 1
    assert len(receiver.bodies) == 1


def test_a_notice_that_is_never_taken_does_not_hold_up_the_others(post: Post) -> None:
    with Receiver(500) as receiver:
        post.add("hook", f"http://{receiver.address}/x")
        post.put("hook", "poison", "good")
        for _ in range(4):
            post.courier.step()
            post.now += 10 * SECOND
        receiver.status = 200
        post.now += 60 * SECOND
        post.courier.step()
        assert {each["title"] for each in receiver.bodies} == {"poison", "good"}
    assert post.waiting() == []


def test_what_waits_for_a_channel_that_is_removed_is_given_up(post: Post) -> None:
    post.add("team", "http://127.0.0.1:1/x")
    post.put("team", "a")
    post.channels.remove("team", actor=ADMIN)
    assert post.waiting() == []
    post.put("gone", "b")
    assert post.courier.step() == 0
    assert post.waiting() == []
    with post.store.read() as tx:
        given_up = tx.deliveries.of_alert(1)
        assert [each.given_up_at for each in given_up] == [NOON, NOON]
        assert given_up[0].last_error == "channel 'team' was removed"


_KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from interlock.channels import sending
from interlock.monitoring.courier import Courier
from interlock.store import Store

def send(channel, delivery):
    if sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    sending.send(channel, delivery)
    os.kill(os.getpid(), signal.SIGKILL)

Courier(Store(sys.argv[1]), send, lambda: datetime.now(UTC)).step()
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_courier_that_is_killed_delivers_at_least_once(post: Post, store_url: str, moment: str) -> None:
    with MailServer() as server:
        post.add("team", server.url)
        post.put("team", "first")
        killed = subprocess.run([sys.executable, "-c", _KILLED, store_url, moment], check=False)
        assert killed.returncode == -signal.SIGKILL
        # It had claimed the notice for a minute.
        post.now = datetime.now(UTC) + timedelta(minutes=1)
        assert post.courier.step() == 1
        assert server.wait(1)[0] == "first"
        # Twice if it was killed between the mail and the mark; the delivery's id tells a webhook so.
        assert len(server.mails) == (2 if moment == "after" else 1)
    assert post.waiting() == []


def test_a_channel_is_tested_past_the_outbox_and_says_what_happened(post: Post) -> None:
    with MailServer() as server:
        post.channels.add("team", server.url, actor=ADMIN)
        said = post.channels.test("team", actor=ADMIN)
        assert said == {
            "channel": "team", "url": f"mailto://127.0.0.1:{server.port}/…", "delivered": True, "error": "",
        }  # fmt: skip
        assert server.wait(1) == ["[test] Interlock, channel team"]
    said = post.channels.test("team", actor=ADMIN)
    assert said["delivered"] is False
    assert "refused" in said["error"]
    assert post.waiting() == []
    with pytest.raises(NotFoundError, match="there is: team"):
        post.channels.test("other", actor=ADMIN)


def test_a_channel_is_added_only_if_it_could_work_and_its_secrets_are_in_the_store_alone(post: Post) -> None:
    url = "https://hooks.example/services/T0P/s3cr3t"
    added = post.channels.add("hook", url, actor=ADMIN, least_severity="critical", endpoints=("wine",))
    assert (added["url"], added["least_severity"], added["endpoints"]) == (
        "https://hooks.example/…", "critical", ("wine",),
    )  # fmt: skip
    with pytest.raises(ConflictError):
        post.channels.add("hook", url, actor=ADMIN)
    for name, bad, severity in (("Hook", url, "info"), ("other", "x", "info"), ("other", url, "fatal")):
        with pytest.raises(InvalidInputError):
            post.channels.add(name, bad, actor=ADMIN, least_severity=severity)
    post.put("hook", "a")
    (listed,) = post.channels.list()
    assert listed["waiting"] == 1
    with post.store.read() as tx:
        assert tx.channels.get("hook").url == url
        said = f"{tx.audit.list()}{listed}{added}"
        assert [entry.action for entry in tx.audit.list()] == ["channel.add"]
    assert "s3cr3t" not in said
