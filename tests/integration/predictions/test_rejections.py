from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from interlock.predictions.records import RejectedCount, RejectedRecord, RejectedSample
from interlock.store.rejections import Rejection

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = int(NOON.timestamp()) // 3600
AT_US = int(NOON.timestamp()) * 1_000_000


def record(requests: int, *bodies: bytes) -> RejectedRecord:
    counts = [RejectedCount(HOUR, "", "", requests), RejectedCount(HOUR, "x", "value", requests)]
    samples = [RejectedSample(slot, AT_US, "x == 1", body) for slot, body in enumerate(bodies)]
    return RejectedRecord("wine", AT_US, counts, samples)


def test_refused_requests_are_counted_once_and_are_no_rows_of_the_log(home: "Home") -> None:
    home.collect(record(3, b"a", b"b"), record(2, b"c"))
    home.collect(record(1), slot="gw1")
    home.collector().step(commit_all=True)
    with home.store.read() as tx:
        found = tx.rejections.between("wine", NOON, NOON + timedelta(hours=1))
        bodies = tx.rejections.bodies("wine", NOON, NOON + timedelta(hours=1))
    assert found == [Rejection(NOON, "", "", 6), Rejection(NOON, "x", "value", 6)]
    assert sorted(body.body for body in bodies) == [b"b", b"c"]
    assert list(home.settings.spools.glob("*/*.sealed")) == []
    assert home.log.endpoints("predictions") == []
