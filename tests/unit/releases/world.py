"""A world around releases: a gateway, traffic and labels, moved by hand. No log: paired rows are held in memory."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from interlock.domain.access import Key
from interlock.domain.application_gates import ApplicationGates, judge
from interlock.domain.application_record import ApplicationTest
from interlock.domain.application_tests import (
    Consistency,
    Findings,
    Memory,
    RobustnessCase,
    RowCounts,
    Speed,
)
from interlock.domain.contract import Contract, Field
from interlock.domain.endpoint import Endpoint
from interlock.domain.evidence import StepDelta
from interlock.domain.gateway_state import GatewayState
from interlock.domain.model import ModelVersion, Placement
from interlock.domain.release import Release, ReleasePlan, Strategy
from interlock.domain.traffic import TrafficPlan
from interlock.releases.controller import ReleaseController
from interlock.releases.service import Releases
from interlock.stats.log_histogram import SIZE, indices
from interlock.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)

BINARY = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(0, 1),
)

PLAN = ReleasePlan(steps=(0.1, 0.5, 1.0))


def make_version(number: int, contract: Contract = BINARY, placement: Placement = "inline") -> ModelVersion:
    """`wine:N`."""
    return ModelVersion(
        name="wine",
        version=number,
        digest="d",
        model_format="onnx",
        serving_digest="d",
        serving_format="onnx",
        placement=placement,
        contract=contract,
        created_at=NOW,
        created_by="ann",
    )


def furnish(store: Store) -> None:
    """Endpoint `wine`, served by `wine:1`; `wine:2` and `wine:3` are registered."""
    with store.transaction() as tx:
        for number in (1, 2, 3):
            tx.models.add(make_version(number))
        tx.endpoints.add(Endpoint(name="wine", created_at=NOW, created_by="ann"))
        tx.plans.append(TrafficPlan(endpoint="wine", generation=1, champion="wine:1"))


def application_test(
    version: str = "wine:2",
    *,
    number: int = 1,
    endpoint: str = "wine",
    failed_rows: int = 0,
    gates: ApplicationGates | None = None,
    champion: str = "",
    **findings: Any,
) -> ApplicationTest:
    """A stored test of `wine:2` on 100 rows, of which the model failed on some."""
    gates = gates or ApplicationGates()
    found = Findings(
        answering=RowCounts(in_file=100, rows=100, answered=100 - failed_rows, failed=failed_rows),
        consistency=Consistency(rows=50),
        robustness=(RobustnessCase(field="x", given="missing", outcome="refused"),),
        speed=Speed(
            requests=500, p50_ms=1, p95_ms=2, p99_ms=3, deadline_ms=1000, callers=4, rows_per_second=900, failures=0
        ),
        memory=Memory(before_bytes=0, after_bytes=0, requests=1000),
        **findings,
    )
    return ApplicationTest(
        version=version,
        number=number,
        at=NOW,
        by="ann",
        endpoint=endpoint,
        champion=champion,
        data="heldout.csv",
        data_sha256="d",
        gates=gates,
        results=judge(gates, found),
        findings=found,
    )


def paired_rows(
    labels: Sequence[Any],
    champion: Sequence[Any],
    challenger: Sequence[Any],
    *,
    output: str = "probabilities",
    delay_minutes: Any = 30.0,
    units: Sequence[str] | None = None,
    champion_status: Sequence[str] | None = None,
    challenger_status: Sequence[str] | None = None,
) -> pa.Table:
    """Rows that both versions scored, one a minute, with labels `delay_minutes` later."""
    rows = len(labels)
    start = int(NOW.timestamp() * 1e6)
    event = start + np.arange(rows) * 60_000_000
    observed = event + (np.broadcast_to(delay_minutes, rows) * 60e6).astype(np.int64)
    known = np.array([label is not None for label in labels], dtype=bool)
    time = pa.timestamp("us", tz="UTC")
    numbers = [float(label) if isinstance(label, int | float | np.number) else None for label in labels]
    return pa.table(
        {
            "prediction_id": [str(number) for number in range(rows)],
            "unit": list(units) if units is not None else [f"u{number}" for number in range(rows)],
            "event_at": pa.array(event, time),
            "step": pa.array([0] * rows, pa.int32()),
            "champion_status": list(champion_status or ["ok"] * rows),
            "challenger_status": list(challenger_status or ["ok"] * rows),
            f"champion.{output}": list(champion),
            f"challenger.{output}": list(challenger),
            "label": pa.array([None if label is None else str(label) for label in labels], pa.string()),
            "label_number": pa.array(numbers, pa.float64()),
            "observed_at": pa.array(observed, time, mask=~known),
        }
    )


ASSIGNED = pa.schema(
    [
        ("unit", pa.string()),
        ("assigned_version", pa.string()),
        ("step", pa.int32()),
        ("propensity", pa.float64()),
        ("event_at", pa.timestamp("us", tz="UTC")),
        ("reward.sold", pa.float64()),
        ("rewarded_at.sold", pa.timestamp("us", tz="UTC")),
    ]
)


class Rows:
    """Rows held in memory, in place of the log."""

    def __init__(self) -> None:
        self.table = pa.table({})
        self.assigned_table = ASSIGNED.empty_table()
        self.labels = False
        self.reads = 0
        self.broken = False

    def evidence_version(self, endpoint: str) -> tuple[Any, ...]:
        return (self.table.num_rows, self.labels, self.assigned_table.num_rows)

    def assigned(
        self, endpoint: str, release_id: str, rewards: Sequence[str], *, answers: bool, inputs: Sequence[str] = ()
    ) -> pa.Table:
        self.reads += 1
        return self.assigned_table

    def has_labels(self, endpoint: str) -> bool:
        return self.labels

    def paired(self, endpoint: str, release_id: str, slices: Sequence[str] = ()) -> pa.Table:
        self.reads += 1
        if self.broken:
            raise OSError("the disk is gone")
        return self.table


class World:
    """A gateway, traffic and labels around a release of `wine:2`, moved by hand."""

    def __init__(self, store: Store, now: datetime, key: Key, seed: int = 0) -> None:
        self.store, self.now, self.rows = store, now, Rows()
        self.rng = np.random.default_rng(seed)
        self.releases = Releases(store, self.clock)
        self.controller = self.new_controller()
        self._key = key

    def clock(self) -> datetime:
        return self.now

    def new_controller(self) -> ReleaseController:
        return ReleaseController(self.store, self.rows, self.clock)

    def start(self, plan: ReleasePlan = PLAN, strategy: Strategy = "canary", *others: str) -> None:
        self.releases.start("wine", "wine:2", *others, plan=plan, strategy=strategy, actor=self._key)

    def approve(self) -> None:
        bob = msgspec.structs.replace(self._key, name="bob")
        self.releases.approve("wine-1", actor=bob, reason="read the evidence")

    def draft(self) -> Release:
        return Release(
            id="wine-1",
            endpoint="wine",
            strategy="canary",
            state="draft",
            candidate="wine:2",
            champion="wine:1",
            plan=PLAN,
            created_at=self.now,
            created_by="ann",
        )

    def pause(self) -> None:
        self.releases.pause("wine-1", actor=self._key)

    def resume(self) -> None:
        self.releases.resume("wine-1", actor=self._key)

    @property
    def plan(self) -> TrafficPlan:
        with self.store.read() as tx:
            return tx.plans.current("wine")

    @property
    def release(self) -> Release:
        with self.store.read() as tx:
            return tx.releases.get("wine-1")

    @property
    def state(self) -> str:
        return self.release.state

    @property
    def reason(self) -> str:
        decision = self.release.decision
        return decision.reason if decision else ""

    def beat(self, **changes: Any) -> None:
        state = GatewayState(id="gw0", at=self.now, pid=1, generations={"wine": self.plan.generation})
        values = {name: getattr(state, name) for name in state.__struct_fields__}
        with self.store.transaction() as tx:
            tx.gateways.beat(GatewayState(**{**values, **changes}))

    def traffic(self, units: int, champion_fails: float = 0.0, challenger_fails: float = 0.0) -> None:
        """Requests as the current plan routes them."""
        plan = self.plan
        if plan.release_id is None or plan.step is None:
            return
        assigned = self.rng.multinomial(units, list(plan.shares.values()))
        with self.store.transaction() as tx:
            for (version, share), number in zip(plan.shares.items(), assigned, strict=True):
                side = version != plan.champion
                latencies = indices(self.rng.lognormal(7.5, 0.3, number))
                histogram = np.bincount(latencies, minlength=SIZE)
                failed = int(self.rng.binomial(number, challenger_fails if side else champion_fails))
                delta = StepDelta(plan.release_id, plan.step, side, int(number), failed, histogram, version, share)
                tx.gate_counts.add(delta)

    def earn(self, units: int, means: Mapping[str, float]) -> None:
        """New units as the current plan routes them, one a second, each with a reward `sold` of 0 or 1 at once."""
        plan = self.plan
        if plan.release_id is None:
            return
        versions, shares = list(plan.shares), np.array(list(plan.shares.values()))
        drawn = self.rng.choice(len(versions), size=units, p=shares)
        start = self.rows.assigned_table.num_rows
        times = [NOW + timedelta(seconds=start + number) for number in range(units)]
        rows = {
            "unit": [f"u{start + number}" for number in range(units)],
            "assigned_version": [versions[each] for each in drawn],
            "step": [plan.step] * units,
            "propensity": shares[drawn],
            "event_at": times,
            "reward.sold": [float(self.rng.random() < means[versions[each]]) for each in drawn],
            "rewarded_at.sold": times,
        }
        new = pa.table(rows, schema=ASSIGNED)
        self.rows.assigned_table = pa.concat_tables([self.rows.assigned_table, new])

    def label(self, rows: int, error: float) -> None:
        """Paired, labelled rows; the challenger's log odds are off by `error`, the champion's by 0.3."""
        self.rows.labels = True
        truth = self.rng.normal(-1, 1, rows)
        labels = (self.rng.random(rows) < 1 / (1 + np.exp(-truth))).astype(int)
        sides = [1 / (1 + np.exp(-(truth + off))) for off in (0.3, error)]
        champion, challenger = (np.stack([1 - side, side], 1).tolist() for side in sides)
        self.rows.table = paired_rows(labels.tolist(), champion, challenger)

    def label_after(self, rows: int, error: float) -> None:
        """Rows that the promoted candidate has answered, off by `error`; its old champion, off by 0.3, scored them.

        As the log has them: it calls champion who answered.
        """
        step = self.plan.step
        self.label(rows, error)
        sides = {"champion": "challenger", "challenger": "champion"}
        names = [
            ".".join([sides.get(side, side), *rest])
            for side, *rest in (name.split(".") for name in self.rows.table.column_names)
        ]
        turned = self.rows.table.rename_columns(names)
        at = turned.column_names.index("step")
        self.rows.table = turned.set_column(at, "step", pa.array([step] * rows, pa.int32()))

    def look(self, seconds: float = 0.5) -> None:
        self.now += timedelta(seconds=seconds)
        self.beat()
        self.controller.step()
