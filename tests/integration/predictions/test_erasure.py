import os
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from tests.integration.predictions.conftest import write
from tests.integration.predictions.tables import content, data_files, digest, labels, predictions, scores
from tests.prediction_records import prediction

from interlock.domain.access import Key
from interlock.domain.errors import InvalidInputError, NotFoundError, OverloadedError
from interlock.predictions import compaction, log_lock, pins
from interlock.predictions.delta_log import DeltaLog, Kind
from interlock.predictions.erasure import Erased, Eraser
from interlock.predictions.hashing import Hasher
from interlock.predictions.pins import Pins
from interlock.predictions.reader import LogReader

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Key(name="ann", role="admin", digest="d", created_at=NOW)
ALICE = "alice@example.org"
KINDS: tuple[Kind, ...] = ("predictions", "labels", "scores")


def eraser(home: "Home") -> Eraser:
    log = DeltaLog(home.settings.log)
    return Eraser(
        log,
        home.store,
        home.settings.spools,
        home.settings.home / "unit.key",
        lambda: home.now,
        Hasher(home.settings.home),
    )


def forget(home: "Home", unit: str = ALICE) -> Erased:
    return eraser(home).erase("wine", unit, ANN)


def fill(home: "Home") -> None:
    """Predictions 0 to 9 of others and 100 to 104 of Alice, in common files, with labels by id and by request."""
    log = home.log
    for number in range(5):
        rows = [predictions([2 * number, 2 * number + 1]), predictions([100 + number], unit=ALICE)]
        log.append("predictions", "wine", pa.concat_tables(rows), {"spool": number + 1})
        log.append(
            "labels", "wine", labels([2 * number, 100 + number], by_request=number % 2 == 1), {"spool": number + 1}
        )
        log.append("scores", "wine", scores([2 * number, 100 + number]), {"spool": number + 1})


def others(home: "Home") -> dict[Kind, pa.Table]:
    """What must be left."""
    keep = {kind: content(home.log, kind) for kind in KINDS}
    ids = [f"p{number}" for number in range(100, 105)] + [f"q{number}" for number in range(100, 105)]
    return {kind: _without(rows, ids) for kind, rows in keep.items()}


def _without(rows: pa.Table, ids: list[str]) -> pa.Table:
    named = [
        row["prediction_id"] not in ids and row.get("request_id") not in ids
        for row in rows.select([c for c in ("prediction_id", "request_id") if c in rows.column_names]).to_pylist()
    ]
    return rows.filter(pa.array(named))


def found_anywhere(folder: Path, text: str) -> list[Path]:
    """Files below a folder in which a text stands, as it is or in a column of a Parquet file."""
    import pyarrow.parquet as pq

    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            inside = path.suffix == ".parquet" and text in str(pq.ParquetFile(path).read().to_pylist())
            if inside or text.encode() in path.read_bytes():
                found.append(path)
    return found


def test_nothing_of_a_unit_is_left_anywhere_and_everything_else_is(home: "Home") -> None:
    fill(home)
    left = {kind: digest(rows) for kind, rows in others(home).items()}
    erased = forget(home)
    assert erased.rows == {"predictions": 5, "labels": 5, "scores": 5}
    assert {kind: digest(content(DeltaLog(home.settings.log), kind)) for kind in KINDS} == left
    assert found_anywhere(home.settings.log, ALICE) == []
    assert found_anywhere(home.settings.log, "p101") == []
    assert {home.log.transaction_version(kind, "wine", "spool") for kind in KINDS} == {5}
    assert forget(home).rows == {}


def test_a_unit_is_found_in_a_log_that_is_a_link(home: "Home", tmp_path: Path) -> None:
    elsewhere = tmp_path / "a disk & more"
    elsewhere.mkdir()
    home.settings.log.symlink_to(elsewhere)
    fill(home)
    Pins(DeltaLog(home.settings.log), home.store, lambda: home.now).create("wine", "v1", ANN)
    assert forget(home).rows["predictions"] == 5
    assert found_anywhere(elsewhere, ALICE) == []


def test_nothing_is_left_in_files_that_were_replaced_before(home: "Home") -> None:
    fill(home)
    table = DeltaTable(home.log.path("predictions", "wine"))
    compaction.compact(table, compaction.Job((), 64 * 1024 * 1024))
    assert len(data_files(home.log)) == 6
    assert forget(home).rows["predictions"] == 5
    assert found_anywhere(home.settings.log, ALICE) == []
    assert len(data_files(home.log)) == 1


def test_pins_that_it_touches_are_redacted_and_others_stay(home: "Home") -> None:
    made = Pins(DeltaLog(home.settings.log), home.store, lambda: home.now)
    home.log.append("predictions", "wine", predictions([50]), {"early": 1})
    before = made.create("wine", "before", ANN)
    fill(home)
    after = made.create("wine", "after", ANN)
    home.later(60)
    assert forget(home).pins == ["after"]
    redacted, same = made.list("wine")
    assert same == before
    assert (redacted.name, redacted.redacted_at, redacted.tables["predictions"].rows) == ("after", home.now, 11)
    assert redacted.tables["predictions"].digest != after.tables["predictions"].digest
    assert [pins.faults(home.settings.log, pin) for pin in (redacted, same)] == [[], []]
    assert found_anywhere(home.settings.log, ALICE) == []
    reader = LogReader(made.root("wine", "after"))
    assert reader.new_rows("wine", None)[1].num_rows == 11
    reader.close()
    with pytest.raises(DeltaError):
        DeltaTable(home.log.path("predictions", "wine"), version=after.tables["predictions"].version)
    assert DeltaTable(home.log.path("predictions", "wine"), version=0).to_pyarrow_table().num_rows == 1


def test_the_audit_log_names_the_unit_by_a_keyed_hash_only(home: "Home") -> None:
    fill(home)
    first, second = forget(home), forget(home)
    assert first.unit_hash == second.unit_hash != forget(home, "bob").unit_hash
    with home.store.read() as tx:
        entries = tx.audit.list()[::-1]
        assert tx.audit.verify().ok
    assert [entry.action for entry in entries[:2]] == ["log.forget", "log.forgotten"]
    assert entries[1].details["rows"] == {"predictions": 5, "labels": 5, "scores": 5}
    assert found_anywhere(home.settings.home, "alice") == []
    assert (home.settings.home / "unit.key").stat().st_mode & 0o777 == 0o600


def test_what_waits_and_what_is_in_quarantine_goes_and_sums_still_hold(home: "Home") -> None:
    misfit = {"x": ["text"], "kind": ["red"]}
    with home.spool() as spool:
        write(spool, prediction(1, rows=2, unit=ALICE), prediction(2), prediction(3, inputs=misfit, unit=ALICE))
        write(spool, prediction(4, inputs=misfit, unit=f"not {ALICE}"))
    home.collector().step(commit_all=True)
    before = home.sums()
    erased = forget(home)
    assert (erased.rows, erased.quarantined) == ({"predictions": 2}, 1)
    assert home.logged() == ["p2-0"]
    assert home.sums() == before
    assert (before.logged, before.quarantined, before.holds) == (3, 2, True)
    assert len(found_anywhere(home.settings.home, ALICE)) == 1


def test_a_unit_with_quotes_is_found_exactly(home: "Home") -> None:
    names = ["o'hara", "o''hara", "' OR true --", "o%"]
    for number, name in enumerate(names):
        home.log.append("predictions", "wine", predictions([number], unit=name), {"spool": number + 1})
    for name in names:
        assert forget(home, name).rows == {"predictions": 1}
    assert content(home.log).num_rows == 0


def test_it_goes_on_where_somebody_died(home: "Home", monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home)
    made = Pins(DeltaLog(home.settings.log), home.store, lambda: home.now)
    made.create("wine", "v1", ANN)
    left = {kind: digest(rows) for kind, rows in others(home).items()}
    forget(home, "nobody")
    real, deaths, until_death = Path.unlink, 0, 0

    def dies_soon(path: Path, missing_ok: bool = False) -> None:
        nonlocal until_death
        until_death -= 1
        if until_death == 0:
            raise KeyboardInterrupt
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", dies_soon)
    for attempt in range(100):
        until_death = 3 + 2 * (attempt % 5)
        try:
            forget(home)
            break
        except KeyboardInterrupt:
            deaths += 1
            assert made.list("wine")[0].redacted_at is not None
    assert deaths > 3
    assert {kind: digest(content(DeltaLog(home.settings.log), kind)) for kind in KINDS} == left
    assert found_anywhere(home.settings.log, ALICE) == []
    assert pins.faults(home.settings.log, made.list("wine")[0]) == []


def test_files_of_a_commit_that_may_still_come_wait_for_the_next_run(home: "Home") -> None:
    fill(home)
    file = next(iter(data_files(home.log)))
    coming = file.with_name("coming.parquet")
    coming.write_bytes(file.read_bytes())
    assert forget(home).files_left == 1
    assert coming.exists()
    two_hours_ago = time.time() - 7200
    os.utime(coming, (two_hours_ago, two_hours_ago))
    assert forget(home).files_left == 0
    assert not coming.exists()


def test_it_finds_its_way_between_appends(home: "Home") -> None:
    fill(home)
    stop = Event()

    def append() -> None:
        log, number = DeltaLog(home.settings.log), 0
        while not stop.is_set():
            number += 1
            log.append("predictions", "wine", predictions([1000 + number]), {"other": number})

    thread = Thread(target=append)
    thread.start()
    try:
        assert forget(home).rows["predictions"] == 5
    finally:
        stop.set()
        thread.join()
    rows = content(DeltaLog(home.settings.log))
    assert ALICE not in rows["unit"].to_pylist()
    assert rows.num_rows == 10 + home.log.transaction_version("predictions", "wine", "other")


def test_a_name_of_no_log_is_refused_and_nothing_else_is_searched(home: "Home") -> None:
    fill(home)
    with pytest.raises(NotFoundError, match=r"'beer' does not exist; there is: wine"):
        eraser(home).erase("beer", ALICE, ANN)
    with pytest.raises(InvalidInputError, match="endpoint name"):
        eraser(home).erase("..", ALICE, ANN)
    assert ALICE in content(home.log)["unit"].to_pylist()


def test_it_waits_for_whoever_holds_the_log(home: "Home", monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home)
    monkeypatch.setattr(log_lock.exclusive.__wrapped__, "__kwdefaults__", {"wait_seconds": 0.05})  # type: ignore[attr-defined]  # a minute otherwise
    with log_lock.exclusive(home.settings.log), pytest.raises(OverloadedError, match="try again"):
        forget(home)
    assert ALICE in content(home.log)["unit"].to_pylist()
