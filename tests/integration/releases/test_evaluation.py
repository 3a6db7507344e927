"""Policies are evaluated on rows that went through the real log: what is known of the truth, and what is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import ConflictError, InvalidInputError, NotFoundError
from interlock.domain.model import ModelVersion
from interlock.domain.policy import read_policy
from interlock.domain.traffic import TrafficPlan
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS, REWARDS
from interlock.releases.evaluation import Evaluation, Evaluations, Question
from interlock.releases.evaluations_apart import EvaluationsApart
from interlock.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"), Field(name="color", datatype="BYTES")),
    outputs=(Field(name="label", datatype="INT64"),),
    task="binary",
    classes=(0, 1),
)
# What a row earns on average: red wine is better served by the second version, white by the first.
MEANS = {("m:1", "red"): 0.2, ("m:1", "white"): 0.6, ("m:2", "red"): 0.5, ("m:2", "white"): 0.3}


@dataclass
class World:
    """Endpoint `e`, its log, and hands to fill it."""

    log: DeltaLog
    evaluations: Evaluations
    commits: int = 0

    def assign(
        self, rows: int, share: float = 0.2, *, seed: int = 0, lost_of_second: float = 0.0, **constant: Any
    ) -> NDArray[np.object_]:
        """Commit rows of release `e-1` with their rewards, but for some of the second version; returns the ids."""
        self.commits += 1
        rng = np.random.default_rng(seed)
        to_second = rng.random(rows) < share
        versions = np.where(to_second, "m:2", "m:1").astype(object)
        colors = rng.choice(["red", "white"], rows).astype(object)
        x = rng.normal(size=rows)
        chance = np.array([MEANS[key] for key in zip(versions, colors, strict=True)]) + 0.1 * np.tanh(x)
        ids = np.array([f"{self.commits}-{number}" for number in range(rows)], dtype=object)
        given = {
            "prediction_id": ids.tolist(), "unit": ids.tolist(), "request_id": ids.tolist(),
            "assigned_version": versions.tolist(), "version": versions.tolist(),
            "propensity": np.where(to_second, share, 1 - share).tolist(), "release_id": ["e-1"] * rows,
            "role": np.where(to_second, "challenger", "champion").tolist(),
            "event_at": [NOW + timedelta(seconds=number) for number in range(rows)],
        } | {name: [value] * rows for name, value in constant.items()}  # fmt: skip
        table = {name: pa.nulls(rows, PREDICTIONS.field(name).type) for name in PREDICTIONS.names}
        table |= {name: pa.array(values, PREDICTIONS.field(name).type) for name, values in given.items()}
        table["date"] = table["event_at"].cast(pa.date32())
        table |= {
            "input.x": pa.array(x),
            "input.color": pa.array(colors.tolist()),
            "output.label": pa.array([1] * rows),
        }
        self.log.append("predictions", "e", pa.table(table), {"test": self.commits})
        kept = ~to_second | (rng.random(rows) >= lost_of_second)
        self.reward(ids[kept], (rng.random(rows) < chance).astype(float)[kept])
        return ids

    def reward(self, ids: NDArray[np.object_], values: NDArray[np.float64]) -> None:
        table = {name: pa.nulls(len(ids), REWARDS.field(name).type) for name in REWARDS.names}
        table |= {"prediction_id": pa.array(ids.tolist()), "value": pa.array(values)}
        table |= {"name": pa.array(["bought"] * len(ids)), "at": pa.array([NOW] * len(ids), REWARDS.field("at").type)}
        self.log.append("rewards", "e", pa.table(table, schema=REWARDS), {"test": self.commits})

    def evaluate(self, policy: dict[str, Any], **more: Any) -> Evaluation:
        return self.evaluations.evaluate(Question(endpoint="e", policy=read_policy(policy), **more))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    with store.transaction() as tx:
        tx.endpoints.add(Endpoint(name="e", created_at=NOW, created_by="test"))
        tx.plans.append(TrafficPlan(endpoint="e", generation=1, champion="m:1"))
        tx.models.add(
            ModelVersion(
                name="m",
                version=1,
                digest="d",
                model_format="onnx",
                serving_digest="d",
                serving_format="onnx",
                placement="inline",
                contract=CONTRACT,
                created_at=NOW,
                created_by="test",
            )
        )
    yield World(DeltaLog(tmp_path / "log"), Evaluations(store, tmp_path / "log"))
    store.close()


def estimates(found: Evaluation) -> dict[str, Any]:
    return {each.estimator: each for each in found.estimates}


@pytest.mark.parametrize(
    ("policy", "truth"),
    [
        ({"shares": {"m:2": 1.0}}, 0.4),
        ({"shares": {"m:1": 0.5, "m:2": 0.5}}, 0.4),
        ({"shares": {"m:1": 1.0}, "segments": [{"when": {"color": "red"}, "shares": {"m:2": 1.0}}]}, 0.55),
        ({"shares": {"m:2": 1.0}, "segments": [{"when": {"color": ["red"]}, "shares": {"m:1": 1.0}}]}, 0.25),
    ],
)
def test_every_estimate_is_near_the_truth_and_its_interval_holds_it(
    world: World, policy: dict[str, Any], truth: float
) -> None:
    world.assign(20_000)
    found = world.evaluate(policy)
    assert (found.reward, found.rows, found.units, found.trusted) == ("bought", 20_000, 20_000, True)
    for name in ("ips", "snips", "dr"):
        each = estimates(found)[name]
        assert each.value == pytest.approx(truth, abs=0.03)
        assert each.lower < truth < each.upper
    assert estimates(found)["logged"].value == pytest.approx(0.4, abs=0.02)
    assert [(arm.version, arm.reward_coverage) for arm in found.arms] == [("m:1", 1.0), ("m:2", 1.0)]


def test_a_better_policy_is_surely_better_than_what_was_done(world: World) -> None:
    world.assign(20_000)
    best = world.evaluate({"shares": {"m:1": 1.0}, "segments": [{"when": {"color": "red"}, "shares": {"m:2": 1.0}}]})
    assert estimates(best)["dr"].lower > estimates(best)["logged"].upper


def test_rows_that_chance_did_not_assign_are_left_out_and_counted(world: World) -> None:
    world.assign(2000)
    world.assign(300, seed=1, propensity=1.0, release_id=None)
    world.assign(50, seed=2, role="pinned")
    found = world.evaluate({"shares": {"m:2": 1.0}})
    assert (found.rows, found.not_randomised) == (2000, 300)


def test_rows_of_releases_without_a_version_of_the_policy_support_nothing(world: World) -> None:
    world.assign(2000)
    world.assign(400, share=0.0, seed=1, release_id="e-2", propensity=0.9)
    found = world.evaluate({"shares": {"m:1": 0.5, "m:2": 0.5}})
    assert (found.rows, found.unsupported) == (2000, 400)
    assert world.evaluate({"shares": {"m:1": 1.0}}).rows == 2400


def test_a_version_that_was_never_logged_is_refused_by_name(world: World) -> None:
    world.assign(500)
    with pytest.raises(InvalidInputError, match="m:3 was never assigned; assigned by chance were m:1, m:2"):
        world.evaluate({"shares": {"m:1": 0.5, "m:3": 0.5}})
    with pytest.raises(InvalidInputError, match=r"m:3 was never assigned where color = red"):
        world.evaluate({"shares": {"m:1": 1.0}, "segments": [{"when": {"color": "red"}, "shares": {"m:3": 1.0}}]})


def test_without_any_row_that_chance_assigned_there_is_no_answer(world: World) -> None:
    world.assign(100, propensity=1.0)
    with pytest.raises(ConflictError, match="was assigned by chance"):
        world.evaluate({"shares": {"m:1": 1.0}})


def test_rewards_that_are_missing_more_often_for_one_version_are_doubted(world: World) -> None:
    world.assign(4000, lost_of_second=0.5)
    found = world.evaluate({"shares": {"m:2": 1.0}})
    assert found.without_reward == pytest.approx(400, abs=60)
    assert not found.trusted
    assert "which are missing may depend on the version" in found.doubts[0]


def test_a_range_of_time_is_kept_to(world: World) -> None:
    world.assign(3000)
    found = world.evaluate({"shares": {"m:2": 1.0}}, since=NOW, until=NOW + timedelta(seconds=2000))
    assert found.rows == 2000


def test_labels_are_a_reward_where_no_other_came(world: World) -> None:
    ids = world.assign(3000)
    table = {name: pa.nulls(1500, LABELS.field(name).type) for name in LABELS.names}
    table |= {
        "prediction_id": pa.array(ids[:1500].tolist()), "label": pa.array(["1"] * 1200 + ["0"] * 300),
        "label_text": pa.array(["1"] * 1200 + ["0"] * 300), "at": pa.array([NOW] * 1500, LABELS.field("at").type),
        "observed_at": pa.array([NOW] * 1500, LABELS.field("at").type),
    }  # fmt: skip
    world.log.append("labels", "e", pa.table(table, schema=LABELS), {"labels": 1})
    found = world.evaluate({"shares": {"m:2": 1.0}}, reward="quality")
    assert (found.reward, found.rows, found.without_reward) == ("quality", 1500, 1500)
    assert estimates(found)["logged"].value == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("policy", "more", "said"),
    [
        ({"shares": {"m:1": 1.0}}, {"reward": "clicks"}, "reward == 'clicks', is not logged; there is bought"),
        (
            {"shares": {"m:1": 1.0}, "segments": [{"when": {"size": 1}, "shares": {"m:2": 1.0}}]},
            {},
            "column 'size' is not logged; there is x, color",
        ),
        ({"shares": {"m:1": 1.0}}, {"alpha": 0.0}, "alpha == 0"),
    ],
)
def test_what_the_log_cannot_answer_is_refused(world: World, policy: Any, more: Any, said: str) -> None:
    world.assign(200)
    with pytest.raises(InvalidInputError, match=said):
        world.evaluate(policy, **more)


def test_an_endpoint_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.evaluations.evaluate(Question(endpoint="nope", policy=read_policy({"shares": {"m:1": 1.0}})))


def test_in_a_process_of_its_own_it_says_the_same(world: World, tmp_path: Path) -> None:
    world.assign(3000)
    asked = Question(
        endpoint="e", policy=read_policy({"shares": {"m:1": 0.5, "m:2": 0.5}}), since=NOW - timedelta(days=400)
    )
    apart = EvaluationsApart(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "log")
    assert apart.evaluate(asked) == world.evaluations.evaluate(asked)


@pytest.mark.parametrize(
    ("endpoint", "alpha", "error", "said"),
    [
        ("nope", 0.05, NotFoundError, "endpoint 'nope' does not exist"),
        ("e", 2.0, InvalidInputError, "alpha == 2, must be between 0 and 1"),
        ("e", 0.05, InvalidInputError, "neither rewards nor labels came"),
    ],
)
def test_what_is_refused_there_is_refused_here(
    world: World, tmp_path: Path, endpoint: str, alpha: float, error: type[Exception], said: str
) -> None:
    apart = EvaluationsApart(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "log")
    with pytest.raises(error, match=said):
        apart.evaluate(Question(endpoint=endpoint, policy=read_policy({"shares": {"m:1": 1.0}}), alpha=alpha))
