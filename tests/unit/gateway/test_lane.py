"""Batches of calls, with a model that is told how to behave."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import (
    DeadlineExceededError,
    ModelFailedError,
    OverloadedError,
    RunnerLostError,
)
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.domain.traffic import TrafficPlan
from interlock.gateway import lane as lanes
from interlock.gateway.calls import Answered, Call
from interlock.gateway.columns import Rows
from interlock.gateway.in_flight import InFlight
from interlock.gateway.lane import Lane
from interlock.gateway.served import LoadedVersion, ServedEndpoint, serve

pytestmark = pytest.mark.anyio
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"),), outputs=(Field(name="prediction", datatype="FP64"),), task="regression"
)
POISON = -1.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Model:
    """Doubles x. A row of `POISON` spoils its batch; what is asked later than at once waits for `may_go_on`."""

    rows_in_loop: int = 0
    batches: list[list[float]] = field(default_factory=list)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    dies: int = 0

    def predict_now(self, columns: Columns) -> dict[str, NDArray[Any]]:
        self.batches.append(columns["x"].tolist())
        if POISON in columns["x"]:
            raise ModelFailedError("m:1", "model_error", "poison")
        return {"prediction": columns["x"] * 2}

    async def predict(self, columns: Columns, deadline_seconds: float) -> dict[str, NDArray[Any]]:
        await self.may_go_on.wait()
        if self.dies:
            self.dies -= 1
            raise RunnerLostError("m:1")
        return self.predict_now(columns)

    async def close(self) -> None:
        """Nothing to free."""


@dataclass
class Settled:
    """What came back from the lane."""

    answers: list[tuple[float, float]] = field(default_factory=list)
    errors: list[tuple[float, ModelFailedError]] = field(default_factory=list)

    def answered(self, calls: list[Call], answered: Answered) -> None:
        given = [x for call in calls for x in call.rows.matrix or ()]
        self.answers += zip(given, answered.plain["prediction"], strict=True)
        assert answered.columns["x"].tolist() == given

    def failed(self, call: Call, error: ModelFailedError) -> None:
        assert call.rows.matrix is not None
        self.errors.append((call.rows.matrix[0], error))


@dataclass
class World:
    model: Model
    settled: Settled
    served: ServedEndpoint
    lane: Lane

    def put(self, *xs: float, seconds: float = 5.0) -> Call:
        loop = asyncio.get_running_loop()
        call = Call(self.served, Rows(len(xs), matrix=list(xs)), 0)
        call.choice, call.future = self.served.split.choices[0], loop.create_future()
        call.deadline_at = loop.time() + seconds
        self.lane.put(call)
        return call


def world(tmp_path: Path, **more: Any) -> World:
    model, settled = Model(**more), Settled()
    version = ModelVersion(
        name="m",
        version=1,
        digest="0" * 64,
        model_format="onnx",
        serving_digest="0" * 64,
        serving_format="onnx",
        placement="inline",
        contract=CONTRACT,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        created_by="test",
    )
    loaded = LoadedVersion(version, model)
    served = serve(TrafficPlan(endpoint="e", generation=1, champion="m:1"), {"m:1": loaded})
    return World(model, settled, served, Lane(loaded, settled, InFlight(tmp_path / "in_flight")))


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_calls_of_one_turn_are_one_batch(tmp_path: Path) -> None:
    here = world(tmp_path, rows_in_loop=10)
    for x in (1.0, 2.0, 3.0):
        here.put(x)
    assert here.model.batches == []
    await turns()
    assert here.model.batches == [[1.0, 2.0, 3.0]]
    assert here.settled.answers == [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]


async def test_a_turn_computes_no_more_rows_than_fit_it(tmp_path: Path) -> None:
    here = world(tmp_path, rows_in_loop=4)
    for xs in ((1.0, 2.0), (3.0,), (4.0, 5.0), (6.0,)):
        here.put(*xs)
    await turns()
    assert here.model.batches == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


async def test_what_waits_for_a_batch_is_the_next_one(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.put(1.0)
    await turns()
    here.put(2.0)
    here.put(3.0)
    await turns()
    here.model.may_go_on.set()
    await turns()
    assert here.model.batches == [[1.0], [2.0, 3.0]]


async def test_small_requests_do_not_wait_for_a_large_one(tmp_path: Path) -> None:
    here = world(tmp_path, rows_in_loop=2)
    here.put(1.0, 2.0, 3.0)
    await turns()
    here.put(4.0)
    await turns()
    assert here.model.batches == [[4.0]]


@pytest.mark.parametrize("rows_in_loop", [0, 10])
async def test_a_bad_row_does_not_spoil_its_neighbours(tmp_path: Path, rows_in_loop: int) -> None:
    here = world(tmp_path, rows_in_loop=rows_in_loop)
    here.model.may_go_on.set()
    for x in (1.0, POISON, 3.0):
        here.put(x)
    await turns(40)
    assert here.settled.answers == [(1.0, 2.0), (3.0, 6.0)]
    assert [x for x, _ in here.settled.errors] == [POISON]


@pytest.mark.parametrize("rows_in_loop", [0, 10])
async def test_callers_who_have_gone_cost_nothing(tmp_path: Path, rows_in_loop: int) -> None:
    here = world(tmp_path, rows_in_loop=rows_in_loop)
    here.model.may_go_on.set()
    here.put(1.0).future.cancel()
    here.put(2.0)
    await turns()
    assert here.model.batches == [[2.0]]


async def test_deadlines_end_the_wait_also_while_the_model_works(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.put(1.0, seconds=0.02)
    here.put(2.0, seconds=5.0)
    await asyncio.sleep(0.05)
    assert [(x, type(error)) for x, error in here.settled.errors] == [(1.0, DeadlineExceededError)]
    here.model.may_go_on.set()
    await turns()
    assert here.settled.answers == [(2.0, 4.0)]
    assert len(here.settled.errors) == 1


async def test_a_lost_process_fails_each_call_once_as_lost(tmp_path: Path) -> None:
    here = world(tmp_path, dies=1)
    here.model.may_go_on.set()
    calls = [here.put(x) for x in (1.0, 2.0)]
    await turns()
    assert [type(error) for _, error in here.settled.errors] == [RunnerLostError] * 2
    # Whoever asks again after that goes alone.
    for call in calls:
        call.retries = 1
        here.lane.put(call)
    await turns()
    assert here.model.batches == [[1.0], [2.0]]


async def test_too_much_is_refused_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    here = world(tmp_path)
    for number in range(lanes.MOST_CALLS):
        here.put(float(number))
    with pytest.raises(OverloadedError, match="1024 requests wait for m:1 already"):
        here.put(1.0)
    here.model.may_go_on.set()
    await turns(100)
    assert len(here.settled.answers) == lanes.MOST_CALLS
    here.put(*[1.0] * lanes.MOST_ROWS)
    with pytest.raises(OverloadedError):
        here.put(1.0)
