"""An endpoint with predictions of a day in a real log, of which a fifth have a label."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.integration.predictions.conftest import label, labels, version, write
from tests.prediction_records import START_US, prediction

from interlock import bootstrap
from interlock.api.services import Services
from interlock.domain.access import Key
from interlock.domain.endpoint import Endpoint
from interlock.domain.traffic import TrafficPlan
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.spool import Spool
from interlock.process.home import prepare
from interlock.settings import Settings

ROWS = 200
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Key(name="ann", role="operator", digest="d", created_at=NOW)


@dataclass(frozen=True)
class Reviewed:
    """Services over a filled home."""

    services: Services
    settings: Settings

    def say(self, endpoint: str, told: list[dict[str, object]]) -> None:
        """What the gateway does with labels: into the spool, and from there into the log."""
        given = [label(str(each["prediction_id"]), each["label"], source="annotator") for each in told]
        with Spool(self.settings.spools / "gw1") as spool:
            write(spool, labels(*given, endpoint=endpoint, at_us=START_US + 10**9))
        bootstrap.build_collector(self.settings).step(commit_all=True)


@pytest.fixture
def reviewed(tmp_path: Path) -> Iterator[Reviewed]:
    settings = Settings(home=tmp_path)
    prepare(settings)
    bootstrap.migrate(settings)
    rng = np.random.default_rng(1)
    records = []
    for number, score in enumerate(rng.random(ROWS).tolist()):
        outputs = {"label": [score >= 0.5], "probabilities": [[1 - score, score]]}
        records.append(prediction(number, outputs=outputs, unit=f"u{number}"))
    given = [label(f"p{number}-0", True) for number in range(0, ROWS, 5)]
    with Spool(settings.spools / "gw0") as spool:
        write(spool, *records, labels(*given))
    services = bootstrap.build_services(settings)
    with services.store.transaction() as tx:
        tx.models.add(version(1))
        tx.models.add(version(2))
        tx.endpoints.add(Endpoint(name="wine", created_at=NOW, created_by="test"))
        tx.plans.append(TrafficPlan(endpoint="wine", generation=1, champion="m:1"))
    bootstrap.build_collector(settings).step(commit_all=True)
    DeltaLog(settings.log).append("scores", "wine", _scores(["p1-0", "p2-0", "p5-0"]), {"test": 1})
    yield Reviewed(services, settings)
    services.reader.close()
    services.store.close()


def _scores(ids: list[str]) -> pa.Table:
    """What m:2 says of some rows: always false."""
    count = len(ids)
    times = pa.array([NOW] * count, pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "prediction_id": ids, "version": ["m:2"] * count, "release_id": ["wine-1"] * count,
            "status": ["ok"] * count, "at": times, "output.label": [False] * count,
        },
        schema=pa.schema(
            [("prediction_id", pa.string()), ("version", pa.string()), ("release_id", pa.string()),
             ("status", pa.string()), ("at", pa.timestamp("us", tz="UTC")), ("output.label", pa.bool_())]
        ),
    )  # fmt: skip
