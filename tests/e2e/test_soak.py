"""Parts of a whole product are killed at random moments under load, and its PostgreSQL where it has one.

`make soak` kills a thousand of each, the suite a few.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from tests.e2e.auditor import Told, audit
from tests.e2e.conftest import Wine
from tests.e2e.product import Product
from tests.postgres import PostgresServer

from interlock.domain.errors import InterlockError
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import ProfileSpec
from interlock.store import Store

KILLS = int(os.environ.get("INTERLOCK_SOAK", "12"))
SEED = int(os.environ.get("INTERLOCK_SOAK_SEED", "1"))
POSTGRESQL = "postgresql"
_POSTGRESQL_EVERY = 6  # of so many kills, the second is the database's
_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


class Caller(threading.Thread):
    """Predicts and labels until told to stop, and notes only what it was told."""

    def __init__(self, product: Product, wine: Wine, told: Told, number: int) -> None:
        super().__init__()
        self._product, self._wine, self._told = product, wine, told
        self._rng = random.Random(number)
        self.stopping = threading.Event()
        self.errors: Counter[str] = Counter()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                with self._product.client() as client:
                    while not self.stopping.is_set():
                        self._ask(client)
            except InterlockError as error:
                self.errors[type(error).__name__] += 1

    def _ask(self, client: Any) -> None:
        first = self._rng.randrange(len(self._wine.heldout) - 3)
        rows = self._wine.heldout.iloc[first : first + self._rng.choice((1, 1, 3))]
        prediction = client.predict("wine", rows)
        self._told.answers.update(zip(prediction.ids, prediction.values, strict=True))
        if self._rng.random() < 0.1:
            label = int(self._wine.truth[first])
            client.label("wine", {prediction.ids[0]: label})
            self._told.labels[prediction.ids[0]] = str(label)


def kill_at_random(product: Product, kills: int, rng: random.Random, postgresql: PostgresServer | None) -> Counter[str]:
    """Kill one part after the other, also ones that have hardly started. A dead PostgreSQL is started again."""
    killed: Counter[str] = Counter()
    while killed.total() < kills:
        time.sleep(rng.uniform(0.0, 0.8))
        if postgresql is not None and killed.total() % _POSTGRESQL_EVERY == 1:
            postgresql.kill()
            time.sleep(rng.uniform(0.0, 1.0))
            postgresql.start()
            killed[POSTGRESQL] += 1
            continue
        name, pid = rng.choice(sorted(product.parts().items()))
        if pid is None:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed[name] += 1
    return killed


@pytest.fixture(params=["sqlite", POSTGRESQL])
def postgresql(request: pytest.FixtureRequest) -> PostgresServer | None:
    """The server that holds the store; None for SQLite."""
    if request.param == "sqlite":
        return None
    found: PostgresServer = request.getfixturevalue("mortal_postgresql")
    return found


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_doubled_however_often_parts_are_killed(
    tmp_path: Path, wine: Wine, postgresql: PostgresServer | None
) -> None:
    url = f"sqlite:///{tmp_path / 'home' / 'store.db'}"
    options = ["--workers", "2"]
    if postgresql is not None:
        url = postgresql.url(postgresql.create())
        options += ["--store-url", url.replace("+psycopg", "")]
    product = Product(tmp_path / "home", *options).wait_until_ready()
    told = Told()
    callers = [Caller(product, wine, told, number) for number in range(3)]
    try:
        with product.client() as client:
            client.register("wine", wine.forest, reference=wine.reference, label="cultivar")
            client.register("wine", wine.logistic, reference=wine.reference, label="cultivar")
            client.create_endpoint("wine", "wine:1")
            client.start_release("wine", "wine:2", plan={"steps": [0.3, 1.0], "require_labels": "yes"})
        for caller in callers:
            caller.start()
        wait_until_split(product)
        killed = kill_at_random(product, KILLS, random.Random(SEED), postgresql)
    finally:
        for caller in callers:
            caller.stopping.set()
        for caller in callers:
            caller.join(120)
    with product.client() as client:
        settle(product)
        client.wait_until_logged(60)
        sums = client.reconciliation()["wine"]
    assert product.stop() == 0
    assert sums["holds"] is True, sums
    assert killed.total() == KILLS
    assert (killed[POSTGRESQL] > 0) == (postgresql is not None)
    assert len(told.answers) > 20 * len(callers)
    rows, labels, profiles, specs = evidence(tmp_path / "home", url)
    assert set(rows["version"].to_pylist()) == {"wine:1", "wine:2"}
    found = audit(told, rows, labels, profiles, specs)
    assert found.is_clean, found


def wait_until_split(product: Product) -> None:
    """Wait until the release has begun: both versions shall answer while parts are killed."""
    deadline = time.monotonic() + 60
    with product.client() as client:
        while client.releases("wine")[0]["state"] != "running":
            assert time.monotonic() < deadline
            time.sleep(0.1)


def settle(product: Product) -> None:
    """Wait until every part is up again."""
    deadline = time.monotonic() + 60
    while not all(part["state"] == "running" for part in product.processes()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while True:
        try:
            with product.client() as client:
                client.status()
                return
        except InterlockError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def evidence(home: Path, url: str) -> tuple[pa.Table, dict[str, str], dict[str, list[bytes]], dict[str, ProfileSpec]]:
    """What files and store hold, read without the product."""
    rows = DeltaTable(home / "log" / "predictions" / "wine").to_pyarrow_table()
    given = DeltaTable(home / "log" / "labels" / "wine").to_pyarrow_table().sort_by("at")
    labels = dict(zip(given["prediction_id"].to_pylist(), given["label_text"].to_pylist(), strict=True))
    store = Store(url)
    profiles: dict[str, list[bytes]] = {}
    try:
        with store.read() as tx:
            versions = [tx.models.get(ref) for ref in ("wine:1", "wine:2")]
            for version, _, data in tx.profiles.between("wine", *_EVER):
                profiles.setdefault(version, []).append(data)
    finally:
        store.close()
    specs = {str(version.ref): ProfileSpec.from_dict((version.profile or {})["spec"]) for version in versions}
    return rows, labels, profiles, specs


@pytest.fixture(scope="module")
def small() -> tuple[Told, pa.Table, dict[str, str], dict[str, ProfileSpec]]:
    """Two rows, told and found."""
    spec = ProfileSpec.from_dict({"features": [{"name": "x", "kind": "numeric", "edges": [1.0], "categories": []}]})
    rows = pa.table(
        {"prediction_id": ["p1", "p2"], "version": ["m:1"] * 2, "output.label": [0, 1], "input.x": [0.5, 2]}
    )
    return Told({"p1": 0, "p2": 1}, {"p1": "0"}), rows, {"p1": "0"}, {"m:1": spec}


def test_the_auditor_is_content_with_what_is_right_and_finds_what_is_not(
    small: tuple[Told, pa.Table, dict[str, str], dict[str, ProfileSpec]],
) -> None:
    told, rows, labels, specs = small
    profile = Profile(specs["m:1"])
    profile.update({"x": [0.5, 2.0]})
    right = {"m:1": [profile.to_bytes()]}
    assert audit(told, rows, labels, right, specs).is_clean
    assert audit(told, rows.slice(1), labels, right, specs).lost == {"p1"}
    assert audit(told, pa.concat_tables([rows, rows.slice(1)]), labels, right, specs).doubled == {"p2"}
    assert audit(Told({"p1": 1}), rows, {}, right, specs).changed == {"p1"}
    assert audit(told, rows, {}, right, specs).lost_labels == {"p1"}
    assert audit(told, rows, labels, {"m:1": right["m:1"] * 2}, specs).miscounted == {"m:1 x"}
    assert audit(told, rows, labels, {}, specs).miscounted == {"m:1 x"}
