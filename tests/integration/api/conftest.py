import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from tests.integration.predictions.conftest import decided, label, labels, rewarded, version, write
from tests.prediction_records import START_US, prediction

from interlock import bootstrap
from interlock.api.app import create_app
from interlock.domain.endpoint import Endpoint
from interlock.predictions.spool import Spool
from interlock.process.home import prepare
from interlock.process.sockets import listen, url
from interlock.settings import Settings


@dataclass(frozen=True)
class Plane:
    """The control plane over a real store in a real home folder, without gateways."""

    app: FastAPI
    client: httpx.Client
    keys: dict[str, str]

    def header(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[role]}"}


@contextmanager
def _serving(app: FastAPI) -> Iterator[httpx.Client]:
    """Real HTTP: what a test client in process would forgive, uvicorn does not."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    with closing(listen("127.0.0.1", 0, option="--port")) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with httpx.Client(base_url=url(*listener.getsockname()), timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def _keys(settings: Settings) -> dict[str, str]:
    ring = bootstrap.build_key_ring(settings)
    actor = bootstrap.local_actor()
    keys = {
        role: ring.create(role, role, actor=actor)[1] for role in ("scorer", "viewer", "operator", "approver", "admin")
    }
    return keys | {"limited": ring.create("limited", "operator", actor=actor, endpoints=("wine",))[1]}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), allowed_hosts=("box.example",))
    prepare(settings)
    bootstrap.migrate(settings)
    app = create_app(bootstrap.build_services(settings))
    with _serving(app) as client:
        yield Plane(app, client, _keys(settings))


@pytest.fixture
def open_plane(tmp_path: Path) -> Iterator[Plane]:
    """As started with --no-auth."""
    settings = Settings(home=tmp_path, no_auth=True)
    prepare(settings)
    bootstrap.migrate(settings)
    app = create_app(bootstrap.build_services(settings))
    with _serving(app) as client:
        yield Plane(app, client, {})


@pytest.fixture(scope="module")
def logged_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A control plane over a log: `wine` with three predictions and what was said of them, and no live collector."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    prepare(settings)
    bootstrap.migrate(settings)
    _fill(settings)
    app = create_app(bootstrap.build_services(settings))
    with _serving(app) as client:
        yield Plane(app, client, _keys(settings))


def _fill(settings: Settings) -> None:
    records = [
        *(prediction(number, unit=f"u{number}") for number in (1, 2)),
        prediction(3, version="m:2", event_at_us=[START_US + 86_400_000_000]),
        labels(label("p1-0", False), label("p9-0", True)),
        labels(label("p1-0", True, source="human"), at_us=START_US + 1),
        decided("p1-0", True),
        rewarded("p1-0", {"revenue": 2.5}),
        rewarded("p3-0", {"revenue": 1.0, "click": 0.0}),
    ]
    with Spool(settings.spools / "gw0") as spool:
        write(spool, *records)
    store = bootstrap.build_store(settings)
    with store.transaction() as tx:
        tx.models.add(version(1))
        tx.models.add(version(2))
        tx.endpoints.add(Endpoint(name="wine", created_at=bootstrap.now(), created_by="test"))
        tx.endpoints.add(Endpoint(name="new", created_at=bootstrap.now(), created_by="test"))
    bootstrap.build_collector(settings).step(commit_all=True)
    store.close()
