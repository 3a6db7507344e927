"""Channels against real servers."""

import logging
import socket
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime

import msgspec
import pytest
from tests.mail_server import MailServer, Receiver

from interlock.channels import sending
from interlock.channels.deadline import within
from interlock.domain.alert import Channel, Delivery, Notice
from interlock.domain.errors import InvalidInputError, NotDeliveredError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOTICE = Notice(
    kind="opened", endpoint="wine", severity="critical", title="[critical] wine: bad", text="first\nsecond", at=NOON,
    alert=3,
)  # fmt: skip
DELIVERY = Delivery(channel="team", notice=NOTICE, next_try_at=NOON, id=7)


def channel(url: str) -> Channel:
    return Channel(name="team", url=url, created_at=NOON, created_by="ann")


def why_not(url: str) -> str:
    with pytest.raises(NotDeliveredError) as failed:
        sending.send(channel(url), DELIVERY)
    return str(failed.value)


def test_a_webhook_gets_the_notice_as_json() -> None:
    with Receiver() as receiver:
        sending.send(channel(f"http://me:p%40ss@{receiver.address}/hook?a=b"), DELIVERY)
    assert receiver.bodies == [
        {
            "delivery": 7, "kind": "opened", "alert": 3, "endpoint": "wine", "severity": "critical",
            "title": "[critical] wine: bad", "text": "[critical] wine: bad\nfirst\nsecond",
            "at": "2026-01-01T12:00:00Z",
        }
    ]  # fmt: skip
    assert receiver.headers[0]["Authorization"] == f"Basic {b64encode(b'me:p@ss').decode()}"
    assert receiver.headers[0]["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_answers_anything_else_has_not_taken_it(status: int) -> None:
    with Receiver(status) as receiver:
        assert f"answered {status}" in why_not(f"http://{receiver.address}/hook")
    assert len(receiver.bodies) == 1


def test_a_mail_has_subject_and_every_line() -> None:
    with MailServer() as server:
        sending.send(channel(server.url), DELIVERY)
        assert server.wait(1) == ["[critical] wine: bad"]
    (mail,) = server.mails
    assert (mail["From"], mail["To"]) == ("interlock@example.org", "team@example.org")
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == ["first", "second"]
    assert "first\nsecond" in body.get_content().replace("\r\n", "\n")


def test_a_server_that_is_dead_is_told_plainly_and_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    with Receiver() as receiver, MailServer() as server:
        hook = f"http://me:p4ssword@{receiver.address}/s3cret"
        mail = server.url.replace("127", "me:p4ssword@127", 1)
    with caplog.at_level(logging.DEBUG):
        said = why_not(hook) + why_not(mail)
    assert said.count("refused") == 2
    for secret in ("p4ssword", "s3cret"):
        assert secret not in said + caplog.text


def test_a_url_that_leads_nowhere_is_refused_when_it_is_added() -> None:
    for url in ("https://hooks.example/x", "mailto://me:secret@mail.example?to=a@example.org", "json://host/x"):
        sending.check(url)
    for url in ("nonsense://secretpart", "slack://secretpart"):
        with pytest.raises(InvalidInputError) as refused:
            sending.check(url)
        assert "secretpart" not in str(refused.value)
        assert "Apprise" in str(refused.value)


def test_a_service_that_breaks_has_not_taken_the_notice() -> None:
    unspeakable = msgspec.structs.replace(DELIVERY, notice=msgspec.structs.replace(NOTICE, text="\ud800"))
    with MailServer() as server:
        with pytest.raises(NotDeliveredError, match="UnicodeEncodeError"):
            sending.send(channel(server.url), unspeakable)
        sending.send(channel(server.url), DELIVERY)
        assert server.wait(1) == ["[critical] wine: bad"]


class Dripping:
    """Takes a request and answers it a byte at a time, for ever."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self._listener, self._listener.accept()[0] as connection:
            connection.recv(65536)
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not self.ended.wait(0.05):
                    connection.sendall(b"a")
            except OSError:
                self.ended.set()

    def close(self) -> None:
        self.ended.set()
        self._thread.join()


def test_a_webhook_that_drips_bytes_is_left_after_a_total_time_and_may_be_tried_again() -> None:
    dripping = Dripping()
    try:
        began = time.monotonic()
        with pytest.raises(NotDeliveredError):
            sending.send(channel(f"http://{dripping.address}/hook"), DELIVERY, seconds=0.5)
        assert time.monotonic() - began < 5
        # The connection is closed, not left to a thread that nobody waits for.
        assert dripping.ended.wait(5)
    finally:
        dripping.close()
    with Receiver() as receiver:
        for _ in range(100):
            try:
                sending.send(channel(f"http://{receiver.address}/hook"), DELIVERY)
                break
            except NotDeliveredError:
                time.sleep(0.05)
    assert len(receiver.bodies) == 1


def test_a_service_that_hangs_is_left_and_not_begun_again_before_it_has_ended() -> None:
    release, begun = threading.Event(), []

    def hang() -> None:
        begun.append(1)
        release.wait(30)

    with pytest.raises(NotDeliveredError, match=r"within 0\.2 s"):
        within(0.2, "hanging", hang)
    with pytest.raises(NotDeliveredError, match="has not ended yet"):
        within(0.2, "hanging", hang)
    assert begun == [1]
    release.set()


def test_what_sending_raises_is_raised_by_who_waits() -> None:
    def fail() -> None:
        raise NotDeliveredError("it answered 500")

    with pytest.raises(NotDeliveredError, match="500"):
        within(5, "failing", fail)
