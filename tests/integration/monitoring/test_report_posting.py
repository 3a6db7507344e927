"""Reports of yesterday on their way: into the outbox once, and out of it by a real mail server."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.mail_server import MailServer, Receiver

from interlock.channels import sending
from interlock.domain.alert import Channel
from interlock.domain.endpoint import Endpoint
from interlock.monitoring.courier import Courier
from interlock.monitoring.daily_report import DailyReport, DailyReports
from interlock.monitoring.report_posting import ReportPosting
from interlock.store.service_hours import ServiceDelta

if TYPE_CHECKING:
    from tests.integration.monitoring.conftest import World

START = datetime(2013, 4, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def posting(world: "World") -> ReportPosting:
    return ReportPosting(world.store, DailyReports(world.store, world.reader), lambda: world.now)


def channel(world: "World", url: str = "http://127.0.0.1:1/", *, hour: int | None = 7, **more: object) -> None:
    made = Channel(name="team", url=url, created_at=world.now, created_by="ann", daily_report=hour, **more)  # type: ignore[arg-type]  # its fields
    with world.store.transaction() as tx:
        tx.channels.add(made)


def titles(world: "World") -> list[str]:
    with world.store.read() as tx:
        return [each.notice.title for each in tx.deliveries.waiting()]


def test_the_report_of_yesterday_is_posted_once_when_its_hour_has_come(world: "World") -> None:
    world.now = START
    channel(world)
    world.serve(START, 48)
    posts = posting(world)
    for hours, count in ((24 + 6, 0), (24 + 7, 1), (24 + 8, 1), (48 + 6, 1), (48 + 7, 2)):
        world.now = START + hours * HOUR
        posts.step()
        # Nor is it posted again by one that was just started, on this machine or on another one.
        posting(world).step()
        assert len(titles(world)) == count, hours
    assert [title.split(":")[0] for title in titles(world)] == ["[report] e, 2013-04-01", "[report] e, 2013-04-02"]


def test_who_was_added_after_the_hour_gets_the_first_one_tomorrow(world: "World") -> None:
    world.serve(START, 72)
    world.now = START + DAY + 8 * HOUR
    channel(world)
    assert posting(world).step() == 0
    world.now += DAY
    assert posting(world).step() == 1
    assert titles(world)[0].startswith("[report] e, 2013-04-02")


def test_after_days_of_being_down_only_the_newest_day_is_told(world: "World") -> None:
    world.now = START
    channel(world)
    world.serve(START, 24 * 5)
    world.now = START + 5 * DAY + 9 * HOUR
    assert posting(world).step() == 1
    assert titles(world)[0].startswith("[report] e, 2013-04-05")


def test_a_day_of_silence_is_told_and_an_endpoint_that_sleeps_is_not(world: "World") -> None:
    world.now = START
    channel(world)
    with world.store.transaction() as tx:
        tx.endpoints.add(Endpoint(name="unused", created_at=START, created_by="ann"))
    world.serve(START, 24)
    world.now = START + 2 * DAY + 8 * HOUR
    assert posting(world).step() == 1
    assert titles(world) == ["[report] e, 2013-04-02: no traffic"]
    world.now = START + 20 * DAY
    assert posting(world).step() == 0


@pytest.mark.parametrize(("hour", "endpoints"), [(None, ()), (7, ("other",))])
def test_who_does_not_want_it_gets_none(world: "World", hour: int | None, endpoints: tuple[str, ...]) -> None:
    world.now = START
    channel(world, hour=hour, endpoints=endpoints)
    world.serve(START, 24)
    world.now = START + DAY + 8 * HOUR
    assert posting(world).step() == 0


def test_one_report_that_cannot_be_made_holds_up_no_other(world: "World", caplog: pytest.LogCaptureFixture) -> None:
    class Broken(DailyReports):
        def of(self, endpoint: str, day: object) -> DailyReport:
            if endpoint == "a":
                raise RuntimeError("no such luck")
            return super().of(endpoint, day)  # type: ignore[arg-type]  # a date

    world.now = START
    channel(world)
    world.serve(START, 24)
    with world.store.transaction() as tx:
        tx.endpoints.add(Endpoint(name="a", created_at=START, created_by="ann"))
        hours = tx.service_hours.between("e", START, START + DAY)
    with world.store.transaction() as tx:
        for hour in hours:
            latency = np.array(hour.latency_counts)
            tx.service_hours.add(ServiceDelta("a", "m:1", hour.hour, hour.requests, 0, hour.rows, latency))
    world.now = START + DAY + 8 * HOUR
    posts = ReportPosting(world.store, Broken(world.store, world.reader), lambda: world.now)
    assert (posts.step(), posts.step()) == (1, 0)
    assert caplog.text.count("the report of a on 2013-04-01 cannot be made") == 1, "tried again after a while"
    world.now += timedelta(minutes=11)
    posts.step()
    assert caplog.text.count("cannot be made") == 2


def test_a_mail_shows_the_report_as_a_page_and_as_text(world: "World") -> None:
    mail = MailServer()
    with mail:
        world.now = START
        channel(world, mail.url)
        world.append("labels", world.serve(START, 24))
        world.now = START + DAY + 7 * HOUR
        assert posting(world).step() == 1
        assert Courier(world.store, sending.send, lambda: world.now).step() == 1
        (subject,) = mail.wait(1)
    assert subject.startswith("[report] e, 2013-04-01:")
    shown, plain = (mail.mails[0].get_body((kind,)) for kind in ("html", "plain"))
    assert shown is not None
    assert plain is not None
    for word in ("Quality of m:1", "precision", "roc_auc", "480 labels for 480 rows"):
        assert word in shown.get_content()
        assert word in plain.get_content()
    assert "<table" in shown.get_content()
    assert "<table" not in plain.get_content()


def test_a_webhook_gets_it_in_a_few_lines(world: "World") -> None:
    with Receiver() as receiver:
        world.now = START
        channel(world, f"http://{receiver.address}/")
        world.serve(START, 24)
        world.now = START + DAY + 7 * HOUR
        posting(world).step()
        Courier(world.store, sending.send, lambda: world.now).step()
    (body,) = receiver.bodies
    assert (body["kind"], body["endpoint"], body["alert"]) == ("report", "e", None)
    assert "480 rows in 480 requests" in body["text"]
    assert "<" not in body["text"]
