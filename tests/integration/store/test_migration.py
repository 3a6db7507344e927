"""Databases of every released program become those of this one, and keep what is in them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.store import revisions

from interlock.domain.endpoint import Endpoint
from interlock.store import Store
from interlock.store.spools import SegmentRows

WHEN = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def check(store: Store) -> None:
    """What revision 0001 held is there, and can be worked with."""
    with store.read() as tx:
        assert [version.ref for version in tx.models.list()] == ["wine:1", "wine:2"]
        assert tx.models.get("wine:1").parity is not None
        assert tx.models.get("wine:1").warnings == ("élan",)
        assert tx.endpoints.get("wine") == Endpoint(
            name="wine", created_at=WHEN, created_by="ann", deadline_ms=250.0, retention_days=0
        )
        plan = tx.plans.current("wine")
        assert (plan.generation, plan.challenger, plan.traffic_share) == (2, "wine:2", 0.05)
        (release,) = tx.releases.active()
        assert (release.id, len(tx.releases.looks(release.id))) == ("wine-1", 1)
        assert [key.name for key in tx.keys.list()] == ["ann"]
        assert tx.audit.verify().ok
        (counts,) = tx.gate_counts.list("wine-1")
        assert (counts.units, counts.failed_units, counts.latency_counts[7]) == (3, 1, 3)
        assert tx.spools.rows_upto("gw0-abc", "wine", 9) == SegmentRows(10, 2, 1, 1)
        assert tx.profiles.between("wine", WHEN - timedelta(hours=1), WHEN)[0][2] == b"\x00profile\xff"
        assert [gateway.id for gateway in tx.gateways.live(WHEN)] == ["gw0"]
        (verdict,) = tx.verdicts.list("wine")
        assert verdict.check.value == 0.25
        assert tx.cursors.get("monitoring:wine") == "2026-01-02"
        assert tx.pins.list() == []
    with store.transaction() as tx:
        assert tx.gate_counts.new_units("wine-1", 0, True, ["u1", "u3"]) == 1
        tx.verdicts.append([verdict])
        tx.audit.append(WHEN, "ann", "admin", "test", "wine", {})
        assert tx.audit.verify().entries == 3
        assert len(tx.verdicts.list("wine")) == 2


@pytest.mark.parametrize("revision", revisions.REVISIONS)
def test_a_database_of_an_older_program_is_led_forward_where_it_is(tmp_path: Path, revision: str) -> None:
    revisions.write(revision, tmp_path / "store.db")
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    check(store)
    store.close()


@pytest.mark.parametrize("revision", revisions.REVISIONS)
def test_a_backup_of_an_older_program_is_led_forward_in_any_database(tmp_path: Path, url: str, revision: str) -> None:
    revisions.write(revision, tmp_path / "backup.db")
    store = Store(url)
    store.load(tmp_path / "backup.db")
    check(store)
    store.close()


def test_every_table_of_a_revision_has_a_row_to_lead_forward(tmp_path: Path) -> None:
    for revision in revisions.REVISIONS:
        revisions.write(revision, tmp_path / f"{revision}.db")
        found = revisions.rows(f"sqlite:///{tmp_path / f'{revision}.db'}")
        assert [name for name, rows in found.items() if not rows] == []
