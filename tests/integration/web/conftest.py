import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from tests.integration.api.conftest import _keys, _serving

from interlock import bootstrap
from interlock.domain.access import Key
from interlock.domain.alert import Alert, Symptom
from interlock.domain.contract import Contract, Field
from interlock.domain.gateway_state import GatewayState
from interlock.domain.model import ModelVersion
from interlock.domain.release import ReleasePlan
from interlock.domain.verdict import Check, Verdict
from interlock.process.home import prepare
from interlock.settings import Settings
from interlock.stats import log_histogram
from interlock.store import Store
from interlock.store.service_hours import ServiceDelta

HOUR = datetime(2026, 3, 1, 11, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Pages:
    """The control port with its pages over a real store, without gateways."""

    app: FastAPI
    url: str
    keys: dict[str, str]
    store: Store

    @contextmanager
    def visitor(self) -> Iterator[httpx.Client]:
        """A browser without cookies, which follows no redirect by itself."""
        with httpx.Client(base_url=self.url, timeout=60) as browser:
            yield browser

    @contextmanager
    def signed_in(self, role: str) -> Iterator[httpx.Client]:
        with self.visitor() as browser:
            answer = sign_in(browser, self.keys[role])
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            yield browser


def token(page: str) -> str:
    """What the forms of a page carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def sign_in(browser: httpx.Client, key: str, **more: str) -> httpx.Response:
    form = token(browser.get("/sign-in").text)
    return browser.post("/sign-in", data={"csrf": form, "key": key, **more})


def act(browser: httpx.Client, page: str, path: str, **form: str) -> httpx.Response:
    """Send a form as the page that has it would."""
    return browser.post(path, data={"csrf": token(browser.get(page).text), **form})


@contextmanager
def _pages(settings: Settings, *, fill: bool) -> Iterator[Pages]:
    prepare(settings)
    bootstrap.migrate(settings)
    app = bootstrap.build_control_app(settings)
    store: Store = app.state.services.store
    if fill:
        _fill(app)
    with _serving(app) as client:
        keys = {} if settings.no_auth else _keys(settings)
        yield Pages(app, str(client.base_url).rstrip("/"), keys, store)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Endpoints `wine`, with traffic, verdicts and a release, and `other`, with nothing yet."""
    with _pages(Settings(home=tmp_path_factory.mktemp("home")), fill=True) as found:
        yield found


@pytest.fixture
def empty_pages(tmp_path: Path) -> Iterator[Pages]:
    with _pages(Settings(home=tmp_path / "empty"), fill=False) as found:
        yield found


@pytest.fixture
def open_pages(tmp_path: Path) -> Iterator[Pages]:
    """As started with --no-auth."""
    with _pages(Settings(home=tmp_path, no_auth=True), fill=True) as found:
        yield found


def version(number: int, name: str = "wine") -> ModelVersion:
    contract = Contract(
        inputs=(
            Field(name="alcohol", datatype="FP64", minimum=11.0, maximum=14.8),
            Field(name="grape", datatype="BYTES", categories=("riesling", EVIL), nullable=True),
        ),
        outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
        task="binary",
        classes=(0, 1),
    )
    return ModelVersion(
        name=name, version=number, digest="ab" * 32, model_format="onnx", serving_digest="ab" * 32,
        serving_format="onnx", placement="inline", contract=contract, created_at=HOUR, created_by="test", row_us=12.5,
        warnings=("trained long ago",) if number == 1 else (),
    )  # fmt: skip


def alert(endpoint: str, sentence: str) -> Alert:
    symptom = Symptom(key="k", rule="drift", severity="critical", sentence=sentence, since=HOUR)
    return Alert(endpoint=endpoint, day=HOUR, state="firing", severity="critical", symptoms=(symptom,), opened_at=HOUR)


def _fill(app: FastAPI) -> None:
    services = app.state.services
    actor = Key(name="ops", role="operator", digest="", created_at=HOUR)
    with services.store.transaction() as tx:
        for each in (version(1), version(2), version(1, name="other")):
            tx.models.add(each)
    services.endpoints.create("wine", "wine:1", actor=actor)
    services.endpoints.create("other", "other:1", actor=actor)
    services.releases.start("wine", "wine:2", plan=ReleasePlan(), actor=actor)
    latency = np.bincount([log_histogram.index(4_000.0)] * 300, minlength=log_histogram.SIZE)
    with services.store.transaction() as tx:
        for back in range(3):
            hour = HOUR - timedelta(hours=back)
            tx.service_hours.add(ServiceDelta("wine", "wine:1", hour, 300, 3, 300, latency))
            tx.profiles.merge_all("wine", {("wine:1", hour): lambda _: b""})
        tx.verdicts.append(_verdicts())
        tx.alerts.add(alert("wine", f"alcohol of wine:1 drifted {EVIL}"))
        tx.gateways.beat(GatewayState(id="gw0", at=datetime(2100, 1, 1, tzinfo=UTC), pid=1))  # never silent


def _verdicts() -> list[Verdict]:
    def verdict(days_ago: int, **check: Any) -> Verdict:
        start = HOUR.replace(hour=0) - timedelta(days=days_ago)
        said = Check(version="wine:1", expected="as in training", rows=1200, **check)
        return Verdict(endpoint="wine", window_start=start, window_end=start + timedelta(days=1), check=said, at=HOUR)

    reason = {"reason": "mean 13 on the reference, now 9"}
    return [
        verdict(2, name="drift.alcohol", signal="input", outcome="ok", value=0.02),
        verdict(1, name="drift.alcohol", signal="input", outcome="breach", value=0.4, details=reason),
        verdict(1, name="drift.grape", signal="input", outcome="no_data", value=None),
        verdict(1, name="failures", signal="service", outcome="ok", value=0.01),
        verdict(3, name="roc_auc", signal="quality", outcome="ok", value=0.81),
    ]
