"""What an endpoint's records survive, and what happens when they cannot be written."""

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from interlock.predictions import unrecorded


class Disk:
    """The disk below the spool: full when told so, slow to sync, and counting syncs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full, self.sync_seconds, self.syncs = False, 0.0, 0
        self._write, self._fsync = os.write, os.fsync
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "fsync", self.fsync)

    def write(self, descriptor: int, data: bytes) -> int:
        if self.is_full and "/spool/" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(".open"):
            self.syncs += 1
            time.sleep(self.sync_seconds)
        self._fsync(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_full_disk_refuses_and_recovers(price_world: Any, start: Any, disk: Disk) -> None:
    with start(price_world) as server:
        disk.is_full = True
        refused = server.price()
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "1"
        assert "not recorded, so not answered: No space left on device" in refused.json()["error"]
        disk.is_full = False
        assert server.price().status_code == 200
        assert len(price_world.predictions()) == 1
    assert unrecorded.load(price_world.settings.spools / "gw0") == {}


def test_full_disk_serves_and_counts_where_the_endpoint_says_so(
    world: Any, start: Any, models: Any, disk: Disk
) -> None:
    champion = world.register("price:1", models.PRICE, models.price_model())
    world.plan("price", champion, when_full="serve_and_count")
    with start(world) as server:
        assert "X-Interlock-Unrecorded" not in server.price().headers
        disk.is_full = True
        answers = [server.price() for _ in range(3)]
        disk.is_full = False
        assert [answer.status_code for answer in answers] == [200] * 3
        assert {answer.headers["X-Interlock-Unrecorded"] for answer in answers} == {"1"}
        assert unrecorded.load(world.settings.spools / "gw0") == {"price": 3}
        acknowledged = 'interlock_acknowledged_rows{endpoint="price",slot="gw0"} 4.0'
        server.wait(lambda: acknowledged in server.client.get("/metrics").text)
    assert len(world.predictions()) == 1


def test_durable_answers_leave_after_the_disk_has_them_and_share_its_syncs(
    world: Any, start: Any, models: Any, disk: Disk
) -> None:
    champion = world.register("price:1", models.PRICE, models.price_model())
    world.plan("price", champion, durability="disk")
    disk.sync_seconds = 0.1
    with start(world) as server, ThreadPoolExecutor(16) as pool:
        began = time.monotonic()
        assert server.price().status_code == 200
        assert time.monotonic() - began >= 0.1
        before = disk.syncs
        answers = list(pool.map(lambda _: server.price(), range(32)))
        assert {answer.status_code for answer in answers} == {200}
        assert 1 <= disk.syncs - before <= 8
    assert sum(len(record.request_ids) for record in world.predictions()) == 33


def test_ordinary_answers_do_not_wait_for_the_disk(price_world: Any, start: Any, disk: Disk) -> None:
    with start(price_world) as server:
        disk.sync_seconds = 2.0
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(server.price).result(1.5).status_code == 200
