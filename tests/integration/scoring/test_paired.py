import logging
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.integration.scoring.conftest import NOW

from interlock.domain.errors import ConflictError, ModelFailedError
from interlock.domain.ports import Columns
from interlock.domain.release import Decision, Watch
from interlock.domain.traffic import TrafficPlan
from interlock.releases.watch import turned
from interlock.scoring.asking import AskedVersion

if TYPE_CHECKING:
    from tests.integration.scoring.conftest import World


def test_each_row_is_scored_by_the_version_that_did_not_answer(world: "World") -> None:
    world.release()
    by_champion = world.predict([1.0, 2.0])
    by_challenger = world.predict([5.0], version="m:2", assigned_version="m:2", role="challenger")
    assert world.scorer().step() == 3
    assert world.scores() == {
        by_champion[0]: ("m:2", "ok", 3.0),
        by_champion[1]: ("m:2", "ok", 6.0),
        by_challenger[0]: ("m:1", "ok", pytest.approx(10.0)),
    }
    paired = world.reader.paired("e", "r").to_pylist()
    assert [(row["champion.prediction"], row["challenger.prediction"]) for row in paired][:2] == [
        (0.5, 3.0),
        (0.5, 6.0),
    ]


def test_inputs_come_with_the_rows_where_gates_ask_by_them(world: "World") -> None:
    world.release()
    world.predict([1.0, 2.0])
    world.scorer().step()
    paired = world.reader.paired("e", "r", ["x", "nothing"])
    assert paired["slice.x"].to_pylist() == [1.0, 2.0]
    assert [name for name in paired.column_names if name.startswith("slice.")] == ["slice.x"]


def test_rows_outside_the_release_and_pinned_rows_are_left_alone(world: "World") -> None:
    world.release()
    world.predict([1.0], release_id=None)
    world.predict([1.0], release_id="another")
    world.predict([1.0], version="m:2", assigned_version="m:2", role="pinned")
    assert world.scorer().step() == 0
    assert world.scores() == {}


def test_a_challenger_that_failed_live_is_not_asked_again(world: "World") -> None:
    world.release()
    ids = world.predict([1.0], assigned_version="m:2", attempt_status="timeout")
    assert world.scorer().step() == 1
    assert world.scores() == {ids[0]: ("m:2", "timeout", None)}
    assert world.reader.paired("e", "r")["challenger_status"].to_pylist() == ["timeout"]


def test_one_bad_row_does_not_spoil_its_neighbours(world: "World", caplog: pytest.LogCaptureFixture) -> None:
    world.release()
    ids = world.predict([1.0, None, -4.0, *[2.0] * 97])
    with caplog.at_level(logging.WARNING):
        world.scorer().step()
    scores = world.scores()
    assert scores[ids[1]] == ("m:2", "model_error", None)
    assert scores[ids[2]] == ("m:2", "invalid_output", None)
    assert [scores[id] for id in ids[3:]] == [("m:2", "ok", 6.0)] * 97
    assert "x is missing" in caplog.text


def test_scores_are_exactly_once_when_the_scorer_dies_after_its_append(world: "World") -> None:
    world.release()
    world.predict([1.0, 2.0])
    assert world.scorer().step() == 2
    # It died before anything else; the next one knows only what the log says.
    again = world.scorer()
    assert again.step() == 0
    more = world.predict([3.0])
    assert again.step() == 1
    assert world.scorer().step() == 0
    assert world.scores()[more[0]] == ("m:2", "ok", 9.0)
    assert len(world.scores()) == 3


def test_another_scorer_at_the_same_time_doubles_nothing(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    world.release()
    world.predict([1.0])
    late = world.scorer()
    late.step()
    world.predict([2.0])
    world.scorer().step()
    # It had read the log before the other one wrote, and writes after it.
    late.step()
    assert len(world.scores()) == 2
    monkeypatch.setattr(late._delta_log, "append", _refuse)
    world.predict([3.0])
    assert late.step() == 0
    monkeypatch.undo()
    assert late.step() == 1
    assert len(world.scores()) == 3


def _refuse(*_: object) -> bool:
    raise ConflictError("another process wrote")


def test_a_candidate_that_cannot_be_loaded_fails_on_every_row(world: "World", caplog: pytest.LogCaptureFixture) -> None:
    world.release(candidate="m:4")
    ids = world.predict([1.0, 2.0])
    with caplog.at_level(logging.WARNING):
        assert world.scorer().step() == 2
    assert world.scores() == {id: ("m:4", "model_error", None) for id in ids}
    assert "m:4" in caplog.text


def test_a_hanging_candidate_does_not_hang_scoring(world: "World") -> None:
    world.release(candidate="m:3")
    fine = world.predict([1.0, 2.0])
    scorer = world.scorer()
    scorer.step()
    assert world.scores()[fine[0]] == ("m:3", "ok", 3.0)
    hangs = world.predict([-2.0, -2.0, -2.0])
    began = monotonic()
    assert scorer.step() == 2
    assert monotonic() - began < 60
    scores = world.scores()
    assert {scores[id][1] for id in hangs if id in scores} <= {"timeout", "breaker_open"}


def test_a_machine_that_stood_still_costs_a_version_one_row(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    world.release(candidate="m:3")
    ids = world.predict([1.0, 2.0])
    scorer = world.scorer()
    scorer.step()
    many = world.predict([float(at) for at in range(1, 101)])
    monkeypatch.setattr(AskedVersion, "predict", _too_late)
    scorer.step()
    monkeypatch.undo()
    ids += world.predict([3.0])
    scorer.step()
    scores = world.scores()
    assert [scores[id][1] for id in ids] == ["ok"] * 3
    assert [scores[id][1] for id in many if id in scores] == ["timeout"]


def _too_late(asked: AskedVersion, columns: Columns) -> dict[str, Any]:
    raise ModelFailedError(asked.version.ref, "timeout", "the machine stood still")


def test_paused_releases_are_scored_and_ended_ones_are_not(world: "World") -> None:
    release = world.release()
    with world.store.transaction() as tx:
        tx.releases.update(msgspec.structs.replace(release, state="paused"))
    world.predict([1.0])
    scorer = world.scorer()
    assert scorer.step() == 1
    with world.store.transaction() as tx:
        tx.releases.update(msgspec.structs.replace(release, state="rolled_back"))
    world.predict([1.0])
    assert scorer.step() == 0


def test_after_a_promotion_the_champion_before_scores_what_its_successor_answers(world: "World") -> None:
    release = world.release()
    promotion = Decision(outcome="promote", reason="good", at=NOW)
    watched = Watch(until=NOW + timedelta(hours=1), step=3, promotion=promotion)
    promoted = msgspec.structs.replace(release, state="promoted", watch=watched)
    with world.store.transaction() as tx:
        tx.releases.update(promoted)
        tx.plans.append(TrafficPlan(endpoint="e", generation=1, champion="m:2", release_id="r", step=3))
    world.predict([1.0], step=0)
    (id,) = world.predict([5.0], step=3, version="m:2", assigned_version="m:2")
    scorer = world.scorer()
    assert scorer.step() == 1
    version, status, answer = world.scores()[id]
    assert (version, status) == ("m:1", "ok")
    assert answer == pytest.approx(10.0)
    (row,) = turned(world.reader.paired("e", "r"), 3).to_pylist()
    assert (row["challenger.prediction"], row["champion.prediction"]) == (0.5, pytest.approx(10.0))
    with world.store.transaction() as tx:
        tx.releases.update(msgspec.structs.replace(promoted, watch=msgspec.structs.replace(watched, outcome="kept")))
    world.predict([5.0], step=3, version="m:2", assigned_version="m:2")
    assert scorer.step() == 0


def test_without_a_release_nothing_is_read(world: "World") -> None:
    assert world.scorer().step() == 0


def test_a_release_before_the_first_prediction_waits(world: "World") -> None:
    world.release()
    scorer = world.scorer()
    assert scorer.step() == 0
    world.predict([1.0])
    assert scorer.step() == 1


def test_rows_that_a_privacy_rule_keeps_out_get_no_score_and_harm_nobody(
    world: "World", caplog: pytest.LogCaptureFixture
) -> None:
    world.release()
    world.predict([None, None], withheld=["input.x"])
    kept = world.predict([1.0])
    scorer = world.scorer()
    with caplog.at_level(logging.WARNING):
        assert scorer.step() == 1
    assert list(world.scores()) == kept
    assert "a privacy rule keeps the values of input.x out of the log" in caplog.text
    world.predict([None], withheld=["input.x"])
    assert scorer.step() == 0
    assert list(world.scores()) == kept


def test_outputs_that_a_rule_keeps_out_of_the_log_are_not_in_the_scores_either(world: "World") -> None:
    with world.store.transaction() as tx:
        endpoint = tx.endpoints.get("e")
        tx.endpoints.update(msgspec.structs.replace(endpoint, privacy={"output.prediction": "hash"}))
    world.release()
    (id,) = world.predict([1.0])
    assert world.scorer().step() == 1
    assert world.scores() == {id: ("m:2", "ok", None)}
