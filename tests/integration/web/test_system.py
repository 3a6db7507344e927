import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.integration.web.conftest import EVIL, Pages, _pages
from tests.integration.web.test_overview import words

from interlock import bootstrap
from interlock.domain.gateway_state import GatewayState
from interlock.predictions import reconciliation
from interlock.predictions.reconciliation import Reconciliation, ReconciliationReport
from interlock.settings import Settings

NEVER_SILENT = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Pages]:
    """A home whose parts have reported: all run, both logs add up."""
    settings = Settings(home=tmp_path)
    with _pages(settings, fill=True) as pages:
        _processes(settings, gw0="running", collector="running")
        _sums(settings, wine=sums(), other=sums())
        with pages.store.transaction() as tx:
            plans = {plan.endpoint: plan.generation for plan in tx.plans.all_current()}
            tx.gateways.beat(GatewayState(id="gw0", at=NEVER_SILENT, pid=1, generations=plans))
        yield pages


def sums(**more: int | bool) -> Reconciliation:
    given = {"acknowledged": 1200, "logged": 1190, "waiting": 10, "quarantined": 0, "unrecorded": 0, "holds": True}
    return Reconciliation(**{**given, **more})  # type: ignore[arg-type]  # numbers, and one truth


def _processes(settings: Settings, **states: str) -> None:
    parts = [{"name": name, "pid": 7, "state": state, "restarts": 2} for name, state in states.items()]
    (settings.run / "processes.json").write_text(json.dumps(parts))


def _sums(settings: Settings, **endpoints: Reconciliation) -> None:
    report = ReconciliationReport(written_at=bootstrap.now(), lag_seconds=0.8, endpoints=endpoints)
    reconciliation.save(settings.run / reconciliation.NAME, report)


def read(pages: Pages, role: str = "viewer", path: str = "/system") -> str:
    with pages.signed_in(role) as browser:
        return words(browser.get(path).text)


def test_parts_gateways_and_sums_are_shown(running: Pages) -> None:
    page = read(running)
    assert "Everything runs" in page
    assert "collector running brings records into the log 7 2×" in page
    assert "gw0 serves every plan 0.0 s ago 2 nothing to say" in page
    assert "wine adds up 1,200 1,190 10 0 0" in page
    assert "0.8 s behind" in page
    assert "store sqlite" in page


def test_what_is_wrong_stands_first(running: Pages) -> None:
    settings = running.app.state.services.settings
    _sums(settings, wine=sums(holds=False))
    assert "The log of wine does not add up" in read(running)
    _processes(settings, gw0="running", collector="waiting")
    assert "collector is down" in read(running)
    with running.store.transaction() as tx:
        tx.gateways.remove("gw0")
    page = read(running)
    assert "No gateway answers" in page
    assert "requests may go unanswered" in page


def test_a_gateway_says_what_it_lacks(running: Pages) -> None:
    with running.store.transaction() as tx:
        tx.gateways.beat(GatewayState(id="gw1", at=NEVER_SILENT, pid=2, generations={"wine": 1}))
        broken = {"wine:2": EVIL}
        tx.gateways.beat(GatewayState(id="gw2", at=NEVER_SILENT, pid=3, load_errors=broken))
    page = read(running)
    assert "gw1 loading" in page
    assert "other: plan 0 of 1" in page
    assert "gw2 cannot load a version" in page
    assert "A gateway cannot load a version" in page
    assert f"wine:2: {EVIL}" in page
    with running.signed_in("viewer") as browser:
        assert EVIL not in browser.get("/system/now").text


def test_folders_are_measured_when_asked(running: Pages) -> None:
    (running.app.state.services.settings.artifacts / "ab").write_bytes(bytes(2_500_000))
    assert "2.5 MB" not in read(running)
    assert "artifacts 2.5 MB model files" in read(running, path="/system?measure=true")


def test_a_limited_key_sees_the_sums_of_its_endpoints_only(running: Pages) -> None:
    page = read(running, "limited")
    assert "wine adds up" in page
    assert "other adds up" not in page
    assert "other: plan" not in page


def test_before_anything_was_reported_nothing_is_called_fine(empty_pages: Pages) -> None:
    page = read(empty_pages)
    assert "No gateway answers" in page
    assert "The supervisor has not reported yet." in page
    assert "The collector has not reported yet." in page
    (empty_pages.app.state.services.settings.run / reconciliation.NAME).write_text("{")
    assert "the collector's report cannot be read" in read(empty_pages)
