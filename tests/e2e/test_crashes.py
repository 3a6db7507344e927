"""kill -9 of anything at any time: everything goes on, and nothing acknowledged is lost or doubled."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product, is_alive

from interlock.domain.errors import InterlockError

_BACK_SECONDS = 30


def _restarted(product: Product, name: str, old: int) -> int:
    """The part's new process id, once the supervisor has started it again."""
    deadline = time.monotonic() + _BACK_SECONDS
    while time.monotonic() < deadline:
        pid = product.parts()[name]
        if pid is not None and pid != old:
            return pid
        time.sleep(0.02)
    raise AssertionError(f"{name} was not restarted: {''.join(product.said)}")


@pytest.fixture
def acknowledged(product: Product) -> Iterator[list[str]]:
    """Ids that callers were given; at the end each is in the log once."""
    with product.client() as client:
        ids = [row["id"] for row in client.sql("SELECT prediction_id AS id FROM wine")]
        yield ids
        client.wait_until_logged(60)
        logged = [row["id"] for row in client.sql("SELECT prediction_id AS id FROM wine")]
        assert len(logged) == len(set(logged))
        # Rows of a request whose answer never reached the caller may be there too.
        assert set(ids) <= set(logged)
        assert client.reconciliation()["wine"]["holds"] is True


@pytest.mark.parametrize("part", ["gw0", "collector", "scorer", "controller", "api"])
def test_a_killed_part_comes_back_and_nothing_is_lost(
    product: Product, wine: Wine, acknowledged: list[str], part: str
) -> None:
    client = product.client()
    old = product.parts()[part]
    acknowledged += client.predict("wine", wine.heldout).ids
    os.kill(old, signal.SIGKILL)
    deadline = time.monotonic() + _BACK_SECONDS
    answered = 0
    while answered < 20:
        assert time.monotonic() < deadline
        try:
            acknowledged += client.predict("wine", wine.heldout.head(3)).ids
            answered += 1
        except InterlockError:
            assert part == "gw0"  # only what was under way in the killed worker itself
    assert _restarted(product, part, old) != old
    # The control plane answers too, once it is back: its socket never closed.
    assert client.status()["gateways"]
    client.close()


def test_while_the_gateway_is_down_callers_wait_and_are_not_refused(
    product: Product, wine: Wine, acknowledged: list[str]
) -> None:
    old = product.parts()["gw0"]
    with product.client() as warm:
        warm.predict("wine", wine.heldout.head(1))
    os.kill(old, signal.SIGKILL)
    with product.client() as fresh:
        acknowledged += fresh.predict("wine", wine.heldout.head(3)).ids
    _restarted(product, "gw0", old)


def test_predictions_go_on_while_the_control_plane_is_stopped(
    product: Product, wine: Wine, acknowledged: list[str]
) -> None:
    stopped = [product.parts()[name] for name in ("api", "controller", "scorer", "collector")]
    client = product.client()
    client.predict("wine", wine.heldout.head(1))
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(20):
            acknowledged += client.predict("wine", wine.heldout.head(5)).ids
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    client.close()


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_has_everything(tmp_path: Path, wine: Wine) -> None:
    product = Product(tmp_path / "home").wait_until_ready()
    client = product.client()
    client.register("wine", wine.forest, reference=wine.reference, label="cultivar")
    client.create_endpoint("wine", "wine:1")
    ids = client.predict("wine", wine.heldout).ids
    client.label("wine", dict(zip(ids, wine.truth.tolist(), strict=True)))
    client.close()
    children = product.descendants()
    assert product.stop(signal.SIGKILL) == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    again = Product(tmp_path / "home")
    again.key = product.key
    again.wait_until_ready()
    try:
        with again.client() as client:
            assert client.predict("wine", wine.heldout.head(1)).values == [wine.truth[0]]
            rows = client.sql("SELECT prediction_id AS id, label FROM wine_labelled WHERE label IS NOT NULL")
            assert sorted(row["id"] for row in rows) == sorted(ids)
            assert client.reconciliation()["wine"]["holds"] is True
    finally:
        assert again.stop() == 0


def test_sigterm_drains_everything_to_the_log(tmp_path: Path, wine: Wine) -> None:
    product = Product(tmp_path / "home").wait_until_ready()
    client = product.client()
    client.register("wine", wine.forest, reference=wine.reference)
    client.create_endpoint("wine", "wine:1")
    ids = client.predict("wine", wine.heldout).ids
    client.close()
    assert product.stop() == 0
    assert not list((tmp_path / "home" / "spool").glob("*/*.open"))
    assert not list((tmp_path / "home" / "spool").glob("*/*.sealed"))
    from deltalake import DeltaTable

    table = DeltaTable(tmp_path / "home" / "log" / "predictions" / "wine").to_pyarrow_table(columns=["prediction_id"])
    assert sorted(table["prediction_id"].to_pylist()) == sorted(ids)
