"""kill -9 of anything at any time: everything goes on, and nothing acknowledged is lost or doubled."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product, is_alive
from tests.load import Load, load

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


def test_of_a_killed_worker_only_what_was_in_its_hands_is_cut(tmp_path: Path, wine: Wine) -> None:
    product = Product(tmp_path / "home", "--workers", "2").wait_until_ready()
    callers = 8
    try:
        with product.client() as client:
            client.register("wine", wine.forest, reference=wine.reference, label="cultivar")
            client.create_endpoint("wine", "wine:1")
        address = (urlsplit(product.gateway).hostname or "", urlsplit(product.gateway).port or 0)
        with load(address, "/v2/models/wine/infer", _one_row(wine), callers=callers, key=product.key) as found:
            for part in ("gw0", "gw1", "gw0"):
                _await_answers(found, 300)
                before, old = found.failed, product.parts()[part]
                os.kill(old, signal.SIGKILL)
                _await_answers(found, 300)
                assert found.failed - before <= callers  # each has one request under way
                _restarted(product, part, old)
        assert set(found.statuses) == {200}
        with product.client() as client:
            client.wait_until_logged(60)
            assert client.reconciliation()["wine"]["holds"] is True
            (logged,) = client.sql("SELECT count(*) AS rows, count(DISTINCT prediction_id) AS ids FROM wine")
        # Some of the cut ones were recorded before their answer could leave.
        assert found.statuses[200] <= logged["rows"] == logged["ids"] <= found.total
    finally:
        product.stop()


def _await_answers(found: Load, count: int) -> None:
    upto, deadline = found.statuses.total() + count, time.monotonic() + _BACK_SECONDS
    while found.statuses.total() < upto:
        assert time.monotonic() < deadline
        time.sleep(0.02)


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


@pytest.fixture
def isolated(product: Product, wine: Wine) -> Callable[[], int]:
    """An endpoint whose model has a process of its own; says which process that is."""
    client = product.client()
    if not any(found["name"] == "cask" for found in client.models()):
        client.register("cask", wine.forest, reference=wine.reference, label="cultivar", compile=False)
        product.json("endpoint", "create", "cask", "--model", "cask:1", "--deadline-ms", "20000")

    def pid() -> int:
        found = [each for each in product.descendants() if b"start_runner" in _command_line(each)]
        assert len(found) == 1
        return found[0]

    client.predict("cask", wine.heldout.head(1))
    return pid


def test_a_killed_model_process_costs_no_caller_its_answer(
    product: Product, wine: Wine, isolated: Callable[[], int]
) -> None:
    stop = threading.Event()
    answered: list[int] = []

    def ask() -> None:
        with product.client() as client:
            while not stop.is_set():
                answered.append(len(client.predict("cask", wine.heldout.head(2)).ids))

    with ThreadPoolExecutor(6) as pool:
        callers = [pool.submit(ask) for _ in range(6)]
        killed = set()
        for _ in range(3):
            before = len(answered)
            killed.add(pid := isolated())
            os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + _BACK_SECONDS
            while len(answered) < before + 60 and time.monotonic() < deadline:
                time.sleep(0.02)
        stop.set()
        for caller in callers:
            caller.result()  # raises if any answer was none
    assert len(killed) == 3
    assert set(answered) == {2}


def test_callers_in_a_hurry_take_the_model_from_no_one(
    product: Product, wine: Wine, isolated: Callable[[], int]
) -> None:
    before = isolated()
    headers = {"Authorization": f"Bearer {product.key}", "X-Interlock-Deadline-Ms": "0.01"}
    with httpx.Client(base_url=product.gateway) as callers:
        for _ in range(8):
            assert callers.post("/v2/models/cask/infer", content=_one_row(wine), headers=headers).status_code == 504
    assert len(product.client().predict("cask", wine.heldout.head(2)).ids) == 2
    assert isolated() == before


def _one_row(wine: Wine) -> bytes:
    row = wine.heldout.iloc[0].items()
    inputs = [{"name": str(name), "shape": [1], "datatype": "FP64", "data": [float(value)]} for name, value in row]
    return json.dumps({"inputs": inputs}).encode()


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
