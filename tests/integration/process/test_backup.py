"""Backups of a home in use, restored and audited as a home after a crash would be."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.integration.predictions.audit import audit
from tests.integration.predictions.conftest import Home, label, labels, version, write
from tests.integration.predictions.tables import content, digest
from tests.integration.store import revisions
from tests.postgres import PostgresServer
from tests.prediction_records import prediction

from interlock import bootstrap
from interlock.domain.access import Key
from interlock.domain.errors import HomeError, OverloadedError
from interlock.predictions import log_lock, pins
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.pins import Pins
from interlock.process import home as home_folder
from interlock.process.backup import MANIFEST, backup, restore
from interlock.settings import Settings
from interlock.store import Store

IN_RELEASE = {"release_id": "r1", "step": 0}


@pytest.fixture
def ann() -> Key:
    return bootstrap.local_actor()


@pytest.fixture
def home(tmp_path: Path, store_url: str) -> Iterator[Home]:
    """A home whose store is in it, or on PostgreSQL."""
    elsewhere = store_url if "postgresql" in store_url else ""
    settings = Settings(home=tmp_path / "home", store_url=elsewhere)
    home_folder.prepare(settings)
    store = Store.open(settings.database_url)
    with store.transaction() as tx:
        tx.models.add(version(1))
    yield Home(settings, store)
    store.close()


def test_of_a_run_of_retraining_its_log_and_what_it_kept_come_back(home: Home, tmp_path: Path, ann: Key) -> None:
    folder = home.settings.runs / "wine-run-1"
    (folder / "artifacts").mkdir(parents=True)
    for name in ("log.txt", "artifacts/notes.txt", "training.parquet", "model.skops"):
        (folder / name).write_text(name)
    backup(home.settings, tmp_path / "backup", ann)
    again = back(tmp_path / "backup", tmp_path / "again", ann).settings.runs / "wine-run-1"
    found = {path.relative_to(again).as_posix() for path in again.rglob("*") if path.is_file()}
    assert found == {"log.txt", "artifacts/notes.txt"}


def restored(settings: Settings) -> Home:
    return Home(settings, Store.open(settings.database_url))


def back(made: Path, folder: Path, ann: Key) -> Home:
    """The backup as a home of its own, whose store is in it."""
    settings = Settings(home=folder)
    restore(settings, made, ann)
    return restored(settings)


def test_everything_comes_back_as_it_was(home: Home, tmp_path: Path, ann: Key) -> None:
    (home.settings.artifacts / ("a" * 64)).write_bytes(b"a model")
    (home.settings.gateway_state / "gw0.json").write_text("{}")
    home.settings.unit_key.write_bytes(b"k" * 32)
    home.collect(prediction(1, rows=3), labels(label("p1-0", True)))
    home.collect(prediction(2, inputs={"x": ["text"], "kind": ["red"]}))
    pin = Pins(DeltaLog(home.settings.log), home.store, lambda: home.now).create("wine", "v1", ann)
    with home.spool() as spool:
        write(spool, prediction(3))
        made = backup(home.settings, tmp_path / "backup", ann)
        waiting = home.sums()
    again = back(tmp_path / "backup", tmp_path / "again", ann)
    left, right = (each.settings.home for each in (home, again))
    for name in ("format", "unit.key", "gateway/gw0.json", f"artifacts/{'a' * 64}"):
        assert (left / name).read_bytes() == (right / name).read_bytes()
        assert (left / name).stat().st_mode == (right / name).stat().st_mode
    before = revisions.rows(home.settings.database_url)
    after = revisions.rows(again.settings.database_url)
    assert [entry["action"] for entry in after["audit"]][-2:] == ["home.backup", "home.restore"]
    assert after["audit"][:-1] == before["audit"]
    assert {**after, "audit": []} == {**before, "audit": []}
    for kind in ("predictions", "labels"):
        assert digest(content(again.log, kind)) == digest(content(home.log, kind))
    assert again.sums() == waiting
    assert (waiting.logged, waiting.waiting, waiting.quarantined) == (3, 1, 1)
    again.collector().step(commit_all=True)
    assert again.logged() == ["p1-0", "p1-1", "p1-2", "p3-0"]
    assert pins.faults(again.settings.log, pin) == []
    assert made.store == ("postgresql" if home.settings.store_url else "sqlite")
    again.store.close()


def test_backups_under_load_lose_and_double_nothing(home: Home, tmp_path: Path, ann: Key) -> None:
    """Each is restored and brought to its end; the auditor knows what was acknowledged before each began."""
    stop, acknowledged = Event(), list[str]()

    def traffic() -> None:
        with home.spool() as spool:
            number = 0
            while not stop.wait(0.001):
                number += 1
                record = prediction(number, rows=number % 3 + 1, assigned=IN_RELEASE)
                write(spool, record)
                acknowledged.extend(record.prediction_ids)
                if number % 20 == 0:
                    spool.seal(force=True)

    def collect() -> None:
        collector = home.collector()
        while not stop.is_set():
            collector.step(commit_all=True)

    threads = [Thread(target=traffic), Thread(target=collect)]
    for thread in threads:
        thread.start()
    side_files = []
    try:
        for number in range(3):
            stop.wait(0.3)
            before = list(acknowledged)
            backup(home.settings, tmp_path / f"backup{number}", ann)
            side_files.append(tmp_path / f"acknowledged{number}")
            side_files[-1].write_text("".join(f"{name}\n" for name in before))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(acknowledged) > 300
    for number, side_file in enumerate(side_files):
        again = back(tmp_path / f"backup{number}", tmp_path / f"again{number}", ann)
        again.collector().step(commit_all=True)
        found = audit(again, side_file)
        assert found.is_clean, found
        again.store.close()


def test_a_restored_home_goes_on_counting_where_the_backup_stood(home: Home, tmp_path: Path, ann: Key) -> None:
    home.collect(prediction(1))
    backup(home.settings, tmp_path / "backup", ann)
    home.collect(prediction(2))
    again = back(tmp_path / "backup", tmp_path / "again", ann)
    again.collect(prediction(3))
    again.collect(prediction(4))
    assert again.logged() == ["p1-0", "p3-0", "p4-0"]
    assert (again.sums().acknowledged, again.sums().holds) == (3, True)
    again.store.close()


def test_a_backup_goes_into_an_empty_postgresql(
    home: Home, tmp_path: Path, ann: Key, postgresql: PostgresServer, postgresql_url: str
) -> None:
    home.collect(prediction(1))
    backup(home.settings, tmp_path / "backup", ann)
    taken = Settings(home=tmp_path / "again", store_url=postgresql_url)
    with pytest.raises(HomeError, match="not empty"):
        restore(taken, tmp_path / "backup", ann)
    assert not taken.home.exists()
    settings = Settings(home=tmp_path / "again", store_url=postgresql.url(postgresql.create()))
    restore(settings, tmp_path / "backup", ann)
    again = restored(settings)
    assert (again.logged(), again.sums().holds) == (["p1-0"], True)
    assert not (settings.home / "store.db").exists()
    again.store.close()


def test_files_that_a_pin_shares_with_the_log_are_shared_again(home: Home, tmp_path: Path, ann: Key) -> None:
    home.collect(prediction(1))
    Pins(DeltaLog(home.settings.log), home.store, lambda: home.now).create("wine", "v1", ann)
    backup(home.settings, tmp_path / "backup", ann)
    again = back(tmp_path / "backup", tmp_path / "again", ann)
    for folder in (tmp_path / "backup" / "log", again.settings.log):
        (file,) = (folder / "predictions" / "wine").rglob("part-*.parquet")
        (pinned,) = (folder / "pins" / "wine" / "v1" / "predictions").rglob("part-*.parquet")
        assert file.samefile(pinned)
    again.store.close()


def test_upkeep_waits_for_a_backup_and_a_collector_does_not(home: Home, tmp_path: Path, ann: Key) -> None:
    home.collect(prediction(1))
    with home.spool() as spool:
        write(spool, prediction(2))
        spool.seal(force=True)
        collector = home.collector()
        with log_lock.segments_held(home.settings.log):
            collector.step(commit_all=True)
            assert home.logged() == ["p1-0", "p2-0"]
            assert len(list((home.settings.spools / "gw0").glob("*.sealed"))) == 1
        collector.step(commit_all=True)
        assert list((home.settings.spools / "gw0").glob("*.sealed")) == []
    second = log_lock.segments_held(home.settings.log, wait_seconds=0.05)
    with log_lock.segments_held(home.settings.log), pytest.raises(OverloadedError), second:
        pass


@pytest.mark.parametrize("damage", ["changed", "missing", "no manifest", "newer", "outside"])
def test_a_backup_that_is_not_whole_is_refused_and_leaves_nothing(
    home: Home, tmp_path: Path, ann: Key, damage: str
) -> None:
    home.collect(prediction(1))
    made, settings = tmp_path / "backup", Settings(home=tmp_path / "again")
    backup(home.settings, made, ann)
    manifest = json.loads((made / MANIFEST).read_text())
    (file,) = (made / "log" / "predictions").rglob("part-*.parquet")
    if damage == "changed":
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        said = "damaged"
    elif damage == "missing":
        file.unlink()
        said = "missing"
    elif damage == "no manifest":
        (made / MANIFEST).unlink()
        said = "no whole backup"
    elif damage == "newer":
        (made / MANIFEST).write_text(json.dumps({**manifest, "format": 99}))
        said = "newer"
    else:
        (made / MANIFEST).write_text(json.dumps({**manifest, "files": {"../secret": "0"}}))
        said = "outside"
    with pytest.raises(HomeError, match=said):
        restore(settings, made, ann)
    assert not settings.home.exists()


def test_nothing_that_is_there_is_overwritten(home: Home, tmp_path: Path, ann: Key) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    with pytest.raises(HomeError, match="not empty"):
        backup(home.settings, tmp_path / "full", ann)
    backup(home.settings, tmp_path / "backup", ann)
    with pytest.raises(HomeError, match="not empty"):
        restore(Settings(home=tmp_path / "full"), tmp_path / "backup", ann)
    assert (tmp_path / "full" / "mine").read_text() == "mine"
    with pytest.raises(HomeError, match="not an Interlock home"):
        backup(Settings(home=tmp_path / "full"), tmp_path / "other", ann)


def test_a_backup_that_was_interrupted_is_not_taken_for_one(
    home: Home, tmp_path: Path, ann: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.collect(prediction(1))
    made = tmp_path / "backup"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", _die)
        with pytest.raises(KeyboardInterrupt):
            backup(home.settings, made, ann)
    assert not made.exists()
    backup(home.settings, made, ann)
    assert not made.with_name("backup.partial").exists()


def _die(*_: object) -> None:
    raise KeyboardInterrupt
