"""A candidate scores the past: real models, a real log, and what the report says of both."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ModelFailedError
from interlock.domain.replay import Replay, ReplayReport
from interlock.predictions.log_schema import LABELS
from interlock.scoring.replay_plan import plan_of
from interlock.scoring.replaying import Replaying

if TYPE_CHECKING:
    from tests.integration.scoring.conftest import World

NOW = datetime.now(UTC)
Run = Callable[..., ReplayReport]


def replay(candidate: str = "m:2", **fields: Any) -> Replay:
    given = {"id": "e-replay-1", "endpoint": "e", "champion": "m:1", "state": "running", "created_by": "test"}
    return Replay(candidate=candidate, created_at=NOW, heard_at=NOW, **{**given, **fields})


@pytest.fixture
def run(world: "World", tmp_path: Path) -> Iterator[Run]:
    """Runs a replay, and closes it."""
    made: list[Replaying] = []

    def go(candidate: str = "m:2", *, contract: Contract | None = None, **fields: Any) -> ReplayReport:
        with world.store.read() as tx:
            plan = plan_of(tx, replay(candidate, **fields))
        if contract is not None:
            changed = msgspec.structs.replace(plan.candidate, contract=contract)
            plan = type(plan)(plan.replay, plan.champion, changed, plan.deadline_seconds, plan.unlogged)
        scratch = tmp_path / f"scratch-{len(made)}"
        scratch.mkdir()
        made.append(Replaying(plan, world.root / "log", world.root / "artifacts", scratch, lambda: NOW))
        return made[-1].run(lambda _done, _total: None)

    yield go
    for each in made:
        each.close()


def label(world: "World", ids: list[str], values: list[float], **constant: Any) -> None:
    table = {name: pa.nulls(len(ids), LABELS.field(name).type) for name in LABELS.names}
    table |= {
        "prediction_id": pa.array(ids),
        "label": pa.array([str(value) for value in values]),
        "label_number": pa.array(values, pa.float64()),
        "label_text": pa.array([str(value) for value in values]),
        "observed_at": pa.array([NOW] * len(ids), LABELS.field("observed_at").type),
        "at": pa.array([NOW] * len(ids), LABELS.field("at").type),
    }
    table |= {name: pa.array([value] * len(ids), LABELS.field(name).type) for name, value in constant.items()}
    world.log.append("labels", "e", pa.table(table, schema=LABELS), {"labels": 1})


def test_every_row_is_scored_and_compared_with_the_logged_answer(world: "World", run: Run) -> None:
    ids = world.predict([1.0, 2.0, 3.0], release_id=None)
    report = run()
    assert (report.rows, report.scored) == (3, 3)
    # The log says 0.5 to every row, the candidate 3 * x.
    assert report.agreement.rows == 3
    assert report.agreement.mean_change == pytest.approx(np.mean([2.5, 5.5, 8.5]))
    assert report.agreement.largest_change == pytest.approx(8.5)
    assert report.agreement.same_share == 0.0
    assert world.scores() == {id: ("m:2", "ok", 3.0 * x) for id, x in zip(ids, [1, 2, 3], strict=True)}


def test_its_scores_name_the_replay_and_no_release(world: "World", run: Run) -> None:
    world.release()
    world.predict([1.0])
    run()
    table = world.log.table("scores", "e")
    assert table is not None
    rows = table.to_pyarrow_table().to_pylist()
    assert [(row["replay_id"], row["release_id"]) for row in rows] == [("e-replay-1", None)]
    assert world.reader.paired("e", "r").num_rows == 0
    # Paired scoring of the release goes on beside it.
    assert world.scorer().step() == 1
    assert world.reader.paired("e", "r")["challenger.prediction"].to_pylist() == [3.0]


def test_rows_that_fail_are_named_with_their_error_and_spoil_no_neighbour(world: "World", run: Run) -> None:
    ids = world.predict([1.0, None, -4.0, *[2.0] * 20])
    report = run()
    assert (report.rows, report.scored, report.failed.rows) == (23, 21, 2)
    said = {each.prediction_id: (each.status, each.error) for each in report.failed.examples}
    assert said[ids[1]] == ("model_error", "ValueError: x is missing")
    assert said[ids[2]][0] == "invalid_output"
    assert "must be finite" in said[ids[2]][1]
    assert report.failed.reasons["model_error: ValueError: x is missing"] == 1
    assert world.scores()[ids[1]] == ("m:2", "model_error", None)


def test_rows_that_the_candidates_contract_refuses_are_not_asked_for(world: "World", run: Run) -> None:
    ids = world.predict([1.0, None, 7.0])
    strict = Contract(
        inputs=(Field(name="x", datatype="FP64", minimum=0.0, maximum=5.0, declared=True),),
        outputs=(Field(name="prediction", datatype="FP64"),),
        task="regression",
    )
    report = run(contract=strict)
    assert (report.scored, report.failed.rows, report.refused.rows) == (1, 0, 2)
    assert {(each.prediction_id, each.error) for each in report.refused.examples} == {
        (ids[1], "x == nan, must not be missing"),
        (ids[2], "x == 7.0, must be between 0 and 5"),
    }
    assert world.scores().keys() == {ids[0]}


def test_an_input_that_the_log_lacks_is_said(world: "World", run: Run) -> None:
    world.predict([1.0, 2.0])
    wider = Contract(
        inputs=(Field(name="x", datatype="FP64", nullable=True), Field(name="age", datatype="FP64")),
        outputs=(Field(name="prediction", datatype="FP64"),),
        task="regression",
    )
    report = run(contract=wider)
    assert (report.scored, report.refused.rows) == (0, 2)
    assert report.refused.reasons == {"the log lacks input 'age'": 2}
    assert report.agreement.rows == 0


def test_rows_of_which_a_rule_kept_an_input_out_are_withheld(world: "World", run: Run) -> None:
    world.predict([1.0], withheld=["input.x"])
    world.predict([2.0])
    report = run()
    assert (report.rows, report.scored, report.withheld.rows) == (2, 1, 1)
    assert report.withheld.reasons == {"a privacy rule keeps the values of input.x out of the log": 1}


def test_rows_that_another_version_answered_are_answered_by_the_champion_too(world: "World", run: Run) -> None:
    world.predict([1.0, 2.0], version="m:3", assigned_version="m:3", role="challenger")
    world.predict([5.0])
    report = run()
    assert report.asked_champion == 2
    # The champion says 2 * x to the first two, and said 0.5 to the last.
    assert report.agreement.rows == 3
    assert report.agreement.mean_change == pytest.approx((1.0 + 2.0 + 14.5) / 3, abs=1e-5)
    assert "the champion was asked for 2 rows" in report.notes[0]


def test_pinned_requests_are_left_out(world: "World", run: Run) -> None:
    world.predict([1.0], role="pinned")
    world.predict([1.0])
    assert run().rows == 1


def test_a_range_of_time_is_kept_to_and_an_empty_one_is_said(world: "World", run: Run) -> None:
    world.predict([1.0, 2.0])
    assert run(since=NOW + timedelta(hours=1)).notes == ("the log holds no rows of this time",)
    assert run(until=NOW - timedelta(hours=1)).rows == 0
    assert run(since=NOW - timedelta(hours=1), until=NOW + timedelta(hours=1)).rows == 2


def test_a_limit_takes_an_even_sample_always_the_same(world: "World", run: Run) -> None:
    world.predict(np.arange(5000.0).tolist())
    report = run(limit=500)
    assert 400 <= report.rows <= 500
    sampled = set(world.scores())
    assert "a sample of" in report.notes[0]
    # Even: about as many of the second half as of the first.
    later = sum(int(id.split("-")[1]) >= 2500 for id in sampled)
    assert 0.4 < later / len(sampled) < 0.6
    world.log.root.joinpath("scores").rename(world.root / "before")
    run(limit=500, id="e-replay-2")
    assert set(world.scores()) == sampled


def test_quality_is_compared_on_the_same_labelled_rows(world: "World", run: Run) -> None:
    x = np.random.default_rng(3).uniform(0.0, 1.0, 600)
    ids = world.predict(x.tolist(), unit=[f"u{number}" for number in range(600)])
    # The truth is what the candidate says: it is surely better than 0.5 for everything.
    label(world, ids[:500], (3 * x[:500]).tolist())
    report = run()
    assert report.quality is not None
    assert (report.quality.loss, report.quality.rows) == ("absolute_error", 500)
    assert report.quality.candidate_loss == pytest.approx(0.0, abs=1e-6)
    assert report.quality.champion_loss == pytest.approx(np.abs(3 * x[:500] - 0.5).mean())
    assert report.quality.difference == pytest.approx(-np.abs(3 * x[:500] - 0.5).mean())
    assert (report.quality.units, report.quality.verdict) == (500, "better")
    assert report.quality.coverage == pytest.approx(500 / 600)


def test_labels_of_rows_that_were_drawn_with_chances_of_their_own_are_left_out(world: "World", run: Run) -> None:
    ids = world.predict([1.0] * 300)
    label(world, ids, [3.0] * 300, source="annotator", weight=2.5)
    assert run().quality is None


def test_rows_of_one_unit_are_one_piece_of_evidence(world: "World", run: Run) -> None:
    ids = world.predict([1.0] * 600, unit="u")
    label(world, ids, [3.0] * 600)
    report = run()
    assert report.quality is not None
    assert (report.quality.units, report.quality.verdict) == (1, "not_enough_data")


def test_slices_name_where_the_answers_move(world: "World", run: Run) -> None:
    # 3 * x is near the logged 0.5 for small x, and far from it for large ones.
    world.predict(np.linspace(0.0, 10.0, 1000).tolist())
    report = run()
    assert report.slices[0].column == "x"
    assert report.slices[0].value.startswith("over 8.9")
    assert report.slices[0].rows == pytest.approx(100, abs=2)
    assert report.slices[0].mean_change > 25
    (output,) = report.outputs
    assert (output.output, output.champion_mean) == ("prediction", 0.5)
    assert output.total_variation > 0.9


def test_a_candidate_that_hangs_ends_the_replay_in_minutes_and_not_in_weeks(
    world: "World", run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock.scoring.asking._SECONDS_PER_ROW", 0.0)
    monkeypatch.setattr("interlock.scoring.past_rows.BATCH_ROWS", 2048)
    world.predict([-2.0] * 6000)
    with pytest.raises(ModelFailedError, match="it hangs on every row"):
        run("m:3")
