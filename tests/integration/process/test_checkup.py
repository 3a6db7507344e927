"""Each kind of damage, planted: it is found, mended where it can be, and said where it cannot."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from deltalake import DeltaTable
from tests.integration.predictions.conftest import Home, version, write
from tests.integration.predictions.tables import data_files
from tests.prediction_records import prediction

from interlock import bootstrap
from interlock.domain import image_file
from interlock.domain.alert import Delivery, Notice
from interlock.domain.errors import HomeError
from interlock.predictions import parts, segments
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.hashing import KEY_NAME, Hasher
from interlock.predictions.pins import Pins
from interlock.predictions.records import PredictionRecord
from interlock.process import home as home_folder
from interlock.process.checkup import Finding, examine
from interlock.settings import Settings
from interlock.store import Store


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    settings = Settings(home=tmp_path / "home")
    home_folder.prepare(settings)
    store = Store.open(settings.database_url)
    with store.transaction() as tx:
        tx.models.add(version(1))
    digest = version(1).digest
    (settings.artifacts / digest).write_bytes(b"")
    yield Home(settings, store)
    store.close()


def findings(home: Home, **options: bool) -> dict[str, Finding]:
    found = {finding.check: finding for finding in examine(home.settings, **options)}
    found.pop("artifacts")  # the versions here are made up
    return found


def outcomes(home: Home, **options: bool) -> dict[str, str]:
    """Whatever is not as it should be."""
    found: dict[str, str] = {
        name: finding.outcome for name, finding in findings(home, **options).items() if finding.outcome != "ok"
    }
    found.pop("processes")  # none runs
    return found


def with_photo(number: int) -> PredictionRecord:
    photo = image_file.encode_png(np.full((1, 1, 3), number, dtype=np.uint8))
    record = prediction(number)
    return msgspec.structs.replace(record, inputs=[*record.inputs, parts.pack_images("photo", [photo], 1.0)])


def pin(home: Home, name: str = "v1") -> None:
    Pins(DeltaLog(home.settings.log), home.store, lambda: home.now).create("wine", name, bootstrap.local_actor())


def everything(folder: Path) -> dict[str, str]:
    """Digest of every file; databases and locks aside, which are touched by being read."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock" and not path.name.startswith("store.db")
    }


def segment(home: Home, *numbers: int) -> Path:
    """A sealed segment that waits."""
    with home.spool() as spool:
        write(spool, *(prediction(number) for number in numbers))
    return segments.listing(home.settings.spools / "gw0")[-1].path


def test_a_home_in_order_is_found_to_be_so(home: Home) -> None:
    home.collect(prediction(1))
    pin(home)
    segment(home, 2)
    assert outcomes(home) == {}
    assert outcomes(home, repair=True) == {}


def test_without_being_asked_to_repair_it_changes_nothing(home: Home) -> None:
    home.collect(prediction(1))
    for plant in (torn_tail, orphan, drafts, damaged_counters):
        plant(home)
    before = everything(home.settings.home)
    assert set(outcomes(home).values()) == {"warning", "error"}
    assert everything(home.settings.home) == before


def torn_tail(home: Home) -> None:
    """As `kill -9` in the middle of a write leaves it."""
    sealed = segment(home, 101, 102)
    opened = segments.open_path(sealed.parent, int(sealed.stem))
    sealed.rename(opened)
    with opened.open("ab") as file:
        file.write(opened.read_bytes()[-40:-10])


def orphan(home: Home) -> None:
    """As a collector leaves it that is killed between the rows and their commit."""
    file = next(iter(data_files(home.log)))
    left = file.with_name("part-00000-of-nobody.parquet")
    left.write_bytes(file.read_bytes())
    day_ago = time.time() - 86_400
    os.utime(left, (day_ago, day_ago))


def drafts(home: Home) -> None:
    left = [
        home.settings.home / ".format.4711",
        home.settings.artifacts / ".new-x",
        home.settings.gateway_state / "gw0.new",
        home.settings.log / "predictions" / "wine" / "_delta_log" / "_commit_x.json.tmp",
        home.settings.spools / ".flush" / "x",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("half")


def damaged_counters(home: Home) -> None:
    (home.settings.spools / "gw0" / "spool.json").write_text('{"id": "gw')


def test_a_torn_tail_is_cut_and_the_rows_before_it_are_kept(home: Home) -> None:
    home.collect(prediction(1))
    torn_tail(home)
    found = findings(home)["spools"]
    assert (found.outcome, "half a record, never acknowledged" in found.detail) == ("warning", True)
    assert outcomes(home, repair=True) == {"spools": "repaired"}
    home.collector().step(commit_all=True)
    assert home.logged() == ["p1-0", "p101-0", "p102-0"]
    assert outcomes(home) == {}


def test_files_of_nobody_are_deleted(home: Home) -> None:
    home.collect(prediction(1))
    orphan(home)
    found = findings(home)["tables"]
    assert (found.outcome, "belong to no commit" in found.detail) == ("warning", True)
    assert outcomes(home, repair=True) == {"tables": "repaired"}
    assert (len(data_files(home.log)), home.logged()) == (1, ["p1-0"])


def test_a_file_of_a_commit_that_may_still_come_is_left_alone(home: Home) -> None:
    home.collect(prediction(1))
    orphan(home)
    os.utime(next(file for file in data_files(home.log) if "of-nobody" in file.name))
    assert outcomes(home, repair=True) == {}
    assert len(data_files(home.log)) == 2


def test_drafts_and_the_address_of_a_dead_server_are_deleted(home: Home) -> None:
    home.collect(prediction(1))
    drafts(home)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    # The second one's number is in use again, by a process that is no server.
    for pid in (ended.pid, os.getpid()):
        (home.settings.run / "server.json").write_text(json.dumps({"control": "http://127.0.0.1:1", "pid": pid}))
        (home.settings.run / "processes.json").write_text("[]")
        assert outcomes(home)["leftovers"] == "warning"
        assert outcomes(home, repair=True) == {"leftovers": "repaired"}
        assert list(home.settings.run.glob("*.json")) == []
    assert not any(path.read_bytes() == b"half" for path in home.settings.home.rglob("*") if path.is_file())
    assert (home.settings.home / "format").exists()


def test_a_pin_that_was_never_finished_is_deleted(home: Home) -> None:
    home.collect(prediction(1))
    pin(home)
    (home.settings.log / "pins" / "wine" / "v2" / "predictions").mkdir(parents=True)
    assert outcomes(home, repair=True) == {"leftovers": "repaired"}
    assert [path.name for path in (home.settings.log / "pins" / "wine").iterdir()] == ["v1"]


@pytest.mark.parametrize("collected", ["nothing", "counted", "logged"])
def test_counters_that_are_damaged_are_made_anew(home: Home, collected: str) -> None:
    home.collect(prediction(1, rows=3))
    segment(home, 2)
    if collected != "nothing":
        home.collector().step(commit_all=collected == "logged")
        segment(home, 3)
    before = home.sums()
    damaged_counters(home)
    assert outcomes(home)["spools"] == "error"
    assert outcomes(home, repair=True) == {"spools": "repaired"}
    assert home.sums() == before
    home.collect(prediction(4))
    expected = ["p1-0", "p1-1", "p1-2", "p2-0", *(["p3-0"] if collected != "nothing" else []), "p4-0"]
    assert home.logged() == expected
    assert (home.sums().acknowledged, home.sums().holds) == (len(expected), True)


def test_a_spool_whose_counters_are_damaged_while_nothing_waits_begins_anew(home: Home) -> None:
    home.collect(prediction(1))
    damaged_counters(home)
    assert outcomes(home, repair=True) == {"spools": "repaired"}
    home.collect(prediction(2))
    assert home.logged() == ["p1-0", "p2-0"]
    assert home.sums().holds


def test_a_spool_that_is_older_than_its_log_goes_on_behind_it(home: Home) -> None:
    """As after somebody put back an old copy of the spool folder alone."""
    home.collect(prediction(1))
    old = (home.settings.spools / "gw0" / "spool.json").read_bytes()
    home.collect(prediction(2))
    home.collect(prediction(3))
    (home.settings.spools / "gw0" / "spool.json").write_bytes(old)
    found = findings(home)["spools"]
    assert (found.outcome, "new rows would be taken for old ones" in found.detail) == ("error", True)
    assert outcomes(home, repair=True) == {"spools": "repaired"}
    home.collect(prediction(4))
    assert home.logged() == ["p1-0", "p2-0", "p3-0", "p4-0"]
    assert (home.sums().acknowledged, home.sums().holds) == (4, True)


def test_segments_of_nobody_known_cannot_be_mended(home: Home) -> None:
    path = segment(home, 1)
    damaged_counters(home)
    path.write_bytes(b"\0" * 200)
    found = findings(home, repair=True)["spools"]
    assert (found.outcome, "cannot be told" in found.detail) == ("error", True)


def test_rows_that_are_nowhere_are_counted_and_not_made_up(home: Home) -> None:
    with home.spool() as spool:
        write(spool, prediction(1, rows=2))
        spool.seal(force=True)
        write(spool, prediction(2))
    segments.sealed_path(home.settings.spools / "gw0", 1).unlink()
    for repair in (False, True):
        found = findings(home, repair=repair)["log"]
        assert (found.outcome, "2 acknowledged row(s) are missing of wine" in found.detail) == ("error", True)


def newest_commit(home: Home) -> None:
    (path,) = home.log.path("predictions", "wine").glob("_delta_log/*1.json")
    path.write_text(path.read_text()[:100])


def newest_checkpoint(home: Home) -> None:
    table = DeltaTable(home.log.path("predictions", "wine"))
    table.create_checkpoint()
    (path,) = home.log.path("predictions", "wine").glob("_delta_log/*.checkpoint.parquet")
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(("plant", "rows"), [(newest_commit, 1), (newest_checkpoint, 2)])
def test_a_table_is_read_without_the_commit_that_is_damaged(
    home: Home, plant: Callable[[Home], None], rows: int
) -> None:
    home.collect(prediction(1))
    home.collect(prediction(2))
    plant(home)
    assert outcomes(home)["tables"] == "error"
    found = findings(home, repair=True)
    assert (found["tables"].outcome, "set" in found["tables"].detail) == ("repaired", True)
    assert len(home.logged()) == rows
    # With the commit its row is gone: the sums say so, and nobody is told that all is well.
    assert found["log"].outcome == ("error" if rows == 1 else "ok")


def test_a_table_whose_old_commits_are_damaged_is_left_to_a_backup(home: Home) -> None:
    for number in range(1, 4):
        home.collect(prediction(number))
    (path,) = home.log.path("predictions", "wine").glob("_delta_log/*1.json")
    path.write_text("no commit")
    found = findings(home, repair=True)["tables"]
    assert (found.outcome, "restore a backup" in found.detail) == ("error", True)
    assert path.exists()


def test_a_file_that_a_pin_still_has_comes_back(home: Home) -> None:
    home.collect(prediction(1))
    pin(home)
    (file,) = data_files(home.log)
    file.unlink()
    assert outcomes(home)["tables"] == "error"
    assert outcomes(home, repair=True) == {"tables": "repaired"}
    assert home.logged() == ["p1-0"]


def test_rows_whose_file_is_gone_are_given_up_only_when_told_to(home: Home) -> None:
    home.collect(prediction(1))
    home.collect(prediction(2))
    next(iter(data_files(home.log))).unlink()
    found = findings(home, repair=True)["tables"]
    assert (found.outcome, "1 file(s) with 1 rows are missing" in found.detail) == ("error", True)
    assert outcomes(home, repair=True, give_up=True) == {"tables": "repaired"}
    assert len(home.logged()) == 1


def test_a_pin_that_is_not_what_it_was_cannot_be_mended(home: Home) -> None:
    home.collect(prediction(1))
    pin(home)
    DeltaTable(home.settings.log / "pins" / "wine" / "v1" / "predictions" / "wine").delete()
    found = findings(home, repair=True)["pins"]
    assert (found.outcome, "not what was pinned" in found.detail) == ("error", True)


def test_a_home_in_use_is_not_repaired(home: Home) -> None:
    with home_folder.locked(home.settings.home), pytest.raises(HomeError, match="in use by process"):
        list(examine(home.settings, repair=True))


def test_an_image_that_is_missing_or_damaged_is_found(home: Home) -> None:
    home.collect(with_photo(1), with_photo(2), with_photo(3))
    assert findings(home)["images"] == Finding("images", "ok", "3 image(s) are what rows name")
    first, second, _ = sorted((home.settings.log / "images" / "wine").glob("*/*.png"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    found = findings(home, repair=True)["images"]
    assert found.outcome == "error"
    assert f"{first.name} cannot be read: No such file" in found.detail
    assert f"{second.name} is damaged" in found.detail


def test_the_key_of_hashes_is_missed_where_hashes_are_and_only_there(home: Home) -> None:
    home.collect(prediction(1))
    assert findings(home)["privacy"].detail == "no key yet: nothing was hashed"
    key = home.settings.home / KEY_NAME
    digest = Hasher(home.settings.home).digest("red")
    home.collect(prediction(2, inputs={"x": [2.0], "kind~hash": [digest]}))
    assert findings(home)["privacy"].outcome == "ok"
    key.chmod(0o644)
    assert "is open to others (mode 644)" in findings(home)["privacy"].detail
    key.write_bytes(b"short")
    assert "must have 32; restore it from a backup" in findings(home)["privacy"].detail
    key.unlink()
    found = findings(home)["privacy"]
    assert (found.outcome, found.detail.split(":")[0]) == (
        "error", "privacy.key is missing, and the log of wine has hashes made with it"
    )  # fmt: skip


def test_notices_that_a_channel_refuses_are_told_of(home: Home) -> None:
    assert findings(home)["alerts"] == Finding(
        "alerts", "ok", "0 incident(s) that nobody has acknowledged, no notice was refused"
    )
    now = bootstrap.now()
    notice = Notice(kind="opened", endpoint="wine", severity="warning", title="t", text="x", at=now, alert=1)
    refused = Delivery(channel="team", notice=notice, next_try_at=now, attempts=3, last_error="it answered 500")
    with home.store.transaction() as tx:
        tx.deliveries.add([refused, msgspec.structs.replace(refused, last_error="", attempts=0)])
    assert findings(home)["alerts"] == Finding(
        "alerts", "warning", "1 notice(s) are tried again and again: team: it answered 500"
    )
