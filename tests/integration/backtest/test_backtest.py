"""Plans tried on a real log, with a real model: what stops a fault, and that an equal version is not stopped."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression

from interlock.backtest.launch import Backtests, Places
from interlock.backtest.report import Backtest, BacktestTask, Fault
from interlock.backtest.run import run
from interlock.domain.contract import Contract, Field
from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError
from interlock.domain.model import ModelVersion
from interlock.domain.release import ReleasePlan
from interlock.domain.traffic import TrafficPlan
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS
from interlock.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"), Field(name="y", datatype="FP64")),
    outputs=(Field(name="prediction", datatype="FP64"),),
    task="regression",
)
PLAN = ReleasePlan(steps=(0.01, 0.1, 0.5, 1.0), min_labels=500)
QUICK = ReleasePlan(steps=(0.5, 1.0), min_labels=500)


@dataclass
class World:
    """Endpoint `e`, its champion `m:1` (2 x + y), and one request a second for some hours, each with its label."""

    store: Store
    root: Path

    def backtest(self, fault: Fault, plan: ReleasePlan = PLAN, **more: Any) -> Backtest:
        task = BacktestTask(endpoint="e", strategy=more.pop("strategy", "canary"), plan=plan, fault=fault, **more)
        return run(task, self.store, self.root / "log", self.root / "artifacts", START + timedelta(days=1))


def _log(root: Path, rows: int, labelled: bool) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=rows), rng.normal(size=rows)
    ids = [f"{number:06}" for number in range(rows)]
    at = [START + timedelta(seconds=number) for number in range(rows)]
    given: dict[str, Any] = {
        "prediction_id": ids, "request_id": ids, "unit": ids, "at": at, "event_at": at,
        "version": ["m:1"] * rows, "assigned_version": ["m:1"] * rows, "role": ["champion"] * rows,
        "attempt_status": ["ok"] * rows, "latency_us": [2000] * rows, "date": [each.date() for each in at],
    }  # fmt: skip
    table = {name: pa.nulls(rows, PREDICTIONS.field(name).type) for name in PREDICTIONS.names}
    table |= {name: pa.array(values, PREDICTIONS.field(name).type) for name, values in given.items()}
    table |= {"input.x": pa.array(x), "input.y": pa.array(y), "output.prediction": pa.array(2 * x + y)}
    log = DeltaLog(root)
    log.append("predictions", "e", pa.table(table), {"test": 1})
    if labelled:
        truth = 2 * x + y + rng.normal(0, 0.3, rows)
        seen = [each + timedelta(minutes=10) for each in at]
        said: dict[str, Any] = {
            "prediction_id": ids, "label": [str(each) for each in truth], "label_text": [str(each) for each in truth],
            "label_number": truth, "observed_at": seen, "at": seen, "source": ["truth"] * rows, "weight": [1.0] * rows,
            "batch_row": list(range(rows)),
        }  # fmt: skip
        labels = {name: pa.nulls(rows, LABELS.field(name).type) for name in LABELS.names}
        labels |= {name: pa.array(values, LABELS.field(name).type) for name, values in said.items()}
        log.append("labels", "e", pa.table(labels), {"test": 1})


def _world(root: Path, *, rows: int = 8000, labelled: bool = True) -> World:
    store = Store.open(f"sqlite:///{root / 'store.db'}")
    x = np.random.default_rng(1).normal(size=(50, 2))
    content = to_onnx(LinearRegression().fit(x, x @ [2, 1]), x[:1].astype(np.float32)).SerializeToString()
    digest = hashlib.sha256(content).hexdigest()
    (root / "artifacts").mkdir()
    (root / "artifacts" / digest).write_bytes(content)
    version = ModelVersion(
        name="m", version=1, digest=digest, model_format="onnx", serving_digest=digest, serving_format="onnx",
        placement="inline", contract=CONTRACT, created_at=START, created_by="test", row_us=5.0,
    )  # fmt: skip
    with store.transaction() as tx:
        tx.models.add(version)
        tx.endpoints.add(Endpoint(name="e", created_at=START, created_by="test"))
        tx.plans.append(TrafficPlan(endpoint="e", generation=1, champion="m:1"))
    if rows:
        _log(root / "log", rows, labelled)
    return World(store, root)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = _world(tmp_path)
    yield world
    world.store.close()


def test_a_failing_candidate_is_stopped_with_few_users_harmed(world: World) -> None:
    found = world.backtest(Fault(errors=0.1))
    assert (found.end, found.champion, found.rows) == ("stopped", "m:1", 8000)
    assert found.requests < 2000
    assert found.harmed <= 10
    assert found.sentence.startswith("m:1 failing 10 % of requests would have been stopped after ")
    assert "users harmed: failures on the same rows" in found.sentence
    assert {gate.metric: gate.outcome for gate in found.gates}["scoring_errors"] == "breach"


def test_a_wrongly_fed_column_is_stopped_by_labels(world: World) -> None:
    found = world.backtest(Fault(column="y"))
    assert found.end == "stopped"
    assert "mean absolute error" in found.reason
    # 500 labels are asked for, each ten minutes late: 1,100 requests; a label counts once it is ripe.
    assert 1100 <= found.requests <= 3000
    assert 0 < found.harmed <= found.candidate_requests <= 0.2 * found.requests


def test_an_equal_candidate_is_promoted(world: World) -> None:
    found = world.backtest(Fault(), QUICK)
    assert (found.end, found.harmed) == ("promoted", 0)
    assert "would NOT have been stopped: promoted after" in found.sentence


def test_a_shadow_harms_nobody(world: World) -> None:
    plan = msgspec.structs.replace(PLAN, steps=(0.0, 1.0))
    found = world.backtest(Fault(errors=0.1), plan, strategy="shadow")
    assert (found.end, found.candidate_requests, found.harmed) == ("stopped", 0, 0)


def test_the_same_seed_gives_the_same(world: World) -> None:
    assert world.backtest(Fault(errors=0.1), seed=3) == world.backtest(Fault(errors=0.1), seed=3)


def test_without_labels_a_wrongly_fed_column_is_not_seen(tmp_path: Path) -> None:
    world = _world(tmp_path, labelled=False)
    found = world.backtest(Fault(column="y"), QUICK)
    assert (found.end, found.labelled) == ("promoted", 0)
    assert "quality was not decided: no labels have arrived" in found.reason
    world.store.close()


def test_a_history_that_is_too_short_decides_nothing(world: World) -> None:
    found = world.backtest(Fault(errors=0.1), limit=30)
    assert (found.end, found.rows) == ("undecided", 30)


@pytest.mark.parametrize(
    ("fault", "more", "error", "said"),
    [
        (Fault(column="z"), {}, InvalidInputError, "m:1 takes no such input; it takes: x, y"),
        (Fault(errors=1.5), {}, InvalidInputError, "errors == 1.5, must be a share"),
        (Fault(errors=0.1), {"strategy": "bandit"}, InvalidInputError, "a backtest is of canary or shadow"),
        (Fault(errors=0.1), {"since": START + timedelta(days=3)}, ConflictError, "answered no logged row"),
    ],
)
def test_what_cannot_be_tried_is_refused(
    world: World, fault: Fault, more: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        world.backtest(fault, **more)


def test_inputs_that_the_log_does_not_have_are_not_made_up(world: World) -> None:
    with world.store.transaction() as tx:
        endpoint = tx.endpoints.get("e")
        tx.endpoints.update(msgspec.structs.replace(endpoint, privacy={"output.prediction": "drop"}))
    found = world.backtest(Fault(errors=0.1))
    assert {gate.metric: gate.outcome for gate in found.gates}["quality"] == "not_comparable"


def test_it_runs_in_a_process_of_its_own(world: World) -> None:
    apart = Backtests(Places(f"sqlite:///{world.root / 'store.db'}", world.root / "log", world.root / "artifacts"))
    task = BacktestTask(endpoint="e", strategy="canary", plan=PLAN, fault=Fault(column="y"))
    assert apart.run(task).requests == world.backtest(Fault(column="y")).requests
    with pytest.raises(NotFoundError, match="endpoint 'nope' does not exist"):
        apart.run(msgspec.structs.replace(task, endpoint="nope"))
