from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import polars as pl
import pytest
from deltalake import DeltaTable
from tests.integration.predictions.conftest import version
from tests.integration.predictions.tables import content, digest, labels, predictions

from interlock.domain.access import Key
from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError
from interlock.predictions import pins
from interlock.predictions.delta_log import DeltaLog, Kind
from interlock.predictions.pins import Pins
from interlock.predictions.reader import LogReader
from interlock.predictions.sql import query
from interlock.predictions.upkeep import Upkeep

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KINDS: tuple[Kind, ...] = ("predictions", "labels")
ANN = Key(name="ann", role="operator", digest="d", created_at=NOW)


def made(home: "Home") -> Pins:
    return Pins(DeltaLog(home.settings.log), home.store, lambda: home.now)


def fill(home: "Home", first: int, commits: int, day: date = date(2026, 1, 1)) -> None:
    log = home.log
    for number in range(first, first + commits):
        log.append("predictions", "wine", predictions([number], day), {"spool": number + 1})


def a_month_passes(home: "Home") -> None:
    """Appends, retention, compaction, vacuum and the removal of commits, day by day."""
    for day in range(1, 31):
        fill(home, 100 + 2 * day, 2, date(2026, 1, 1) + timedelta(days=day))
        home.log.append("labels", "wine", labels([100 + day], by_request=True), {"spool": 100 + day})
        if day % 5 == 0:
            home.now = NOW + timedelta(days=day, hours=30)
            Upkeep(home.log, home.store, lambda: home.now, keep_hours=0, keep_commits=1).step()
            for kind in KINDS:
                DeltaTable(home.log.path(kind, "wine")).create_checkpoint()


def test_a_pin_reads_the_same_bit_for_bit_a_month_later(home: "Home") -> None:
    with home.store.transaction() as tx:
        tx.endpoints.add(Endpoint(name="wine", created_at=NOW, created_by="ann", retention_days=3))
    fill(home, 0, 20)
    home.log.append("labels", "wine", labels(range(5)), {"spool": 1})
    before = {kind: digest(content(home.log, kind)) for kind in KINDS}
    pin = made(home).create("wine", "training-v4", ANN)
    assert {kind: table.rows for kind, table in pin.tables.items()} == {"predictions": 20, "labels": 5}
    a_month_passes(home)
    assert len(home.log.files("predictions", "wine")) < 10
    assert "p0" not in content(home.log)["prediction_id"].to_pylist()
    root = made(home).root("wine", "training-v4")
    assert {kind: digest(content(DeltaLog(root), kind)) for kind in KINDS} == before
    assert pins.faults(home.settings.log, pin) == []
    # Other engines may also ask the log itself for the version.
    for kind in KINDS:
        table, there = pin.tables[kind], str(home.log.path(kind, "wine"))
        assert digest(DeltaTable(there, version=table.version).to_pyarrow_table()) == before[kind]
        assert pl.scan_delta(there, version=table.version).collect().height == table.rows


def test_everything_that_reads_a_log_reads_a_pin(home: "Home") -> None:
    fill(home, 0, 3)
    home.log.append("labels", "wine", labels([1]), {"spool": 1})
    made(home).create("wine", "v1", ANN)
    home.log.append("labels", "wine", labels([0, 2]), {"spool": 2})
    root = made(home).root("wine", "v1")
    reader = LogReader(root)
    assert reader.labelled("wine")["prediction_id"].to_pylist() == ["p1"]
    reader.close()
    assert query(root, "SELECT count(*) AS n, count(label) AS labels FROM wine_labelled") == [{"n": 3, "labels": 1}]


def test_a_pin_costs_no_space_until_the_log_lets_go(home: "Home") -> None:
    fill(home, 0, 3)
    made(home).create("wine", "v1", ANN)
    files = DeltaTable(made(home).root("wine", "v1") / "predictions" / "wine").file_uris()
    assert {home.log.path("predictions", "wine").joinpath(*file.split("/")[-2:]).stat().st_nlink for file in files} == {
        2
    }


def test_a_pin_is_in_the_audit_log_and_its_name_is_used_once(home: "Home") -> None:
    fill(home, 0, 1)
    pin = made(home).create("wine", "v1", ANN)
    with pytest.raises(ConflictError, match="wine@v1"):
        made(home).create("wine", "v1", ANN)
    assert made(home).list("wine") == [pin] == made(home).list()
    with home.store.read() as tx:
        (entry,) = tx.audit.list()
    assert (entry.action, entry.subject, entry.actor, entry.details["pin"]) == ("log.pin", "wine", "ann", "v1")


def test_what_cannot_be_pinned_is_named(home: "Home") -> None:
    with pytest.raises(NotFoundError, match="beer"):
        made(home).create("beer", "v1", ANN)
    with pytest.raises(InvalidInputError, match="pin name"):
        made(home).create("beer", "../v1", ANN)
    with pytest.raises(InvalidInputError, match="endpoint name"):
        made(home).create("..", "predictions", ANN)
    with pytest.raises(NotFoundError, match="wine@v1"):
        made(home).root("wine", "v1")
    assert made(home).list() == []


def test_a_pin_that_a_model_was_trained_on_stays_unless_forced(home: "Home") -> None:
    fill(home, 0, 1)
    made(home).create("wine", "v1", ANN)
    root = made(home).root("wine", "v1")
    with home.store.transaction() as tx:
        tx.models.add(msgspec.structs.replace(version(3), lineage={"pin": "wine@v1"}))
    with pytest.raises(ConflictError, match="m:3 was trained on pin wine@v1"):
        made(home).delete("wine", "v1", ANN)
    assert root.is_dir()
    made(home).delete("wine", "v1", ANN, force=True)
    assert not root.exists()
    assert content(home.log).num_rows == 1
    with home.store.read() as tx:
        newest = tx.audit.list()[0]
    assert (newest.action, newest.details) == ("log.unpin", {"pin": "v1", "trained": ["m:3"]})


def test_what_a_pin_that_died_half_way_left_is_no_hindrance(home: "Home") -> None:
    fill(home, 0, 2)
    left = home.settings.log / "pins" / "wine" / "v1" / "labels" / "wine"
    left.mkdir(parents=True)
    (left / "part.parquet").write_bytes(b"half")
    pin = made(home).create("wine", "v1", ANN)
    assert not left.exists()
    assert pins.faults(home.settings.log, pin) == []


def test_a_pin_whose_files_were_touched_says_so(home: "Home") -> None:
    fill(home, 0, 2)
    pin = made(home).create("wine", "v1", ANN)
    table = DeltaTable(pins.root(home.settings.log, pin) / "predictions" / "wine")
    table.delete("prediction_id = 'p0'")
    assert pins.faults(home.settings.log, pin) == ["predictions of wine@v1 is not what was pinned"]
    made(home).root("wine", "v1").rename(home.settings.log / "away")
    (fault,) = pins.faults(home.settings.log, pin)
    assert "cannot be read" in fault
