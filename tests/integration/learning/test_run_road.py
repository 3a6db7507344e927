"""One test a letter of the road, on a real store."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from interlock.domain.errors import ConflictError
from interlock.domain.retraining import Retraining
from interlock.domain.run import Judgement, Run, RunState
from interlock.learning import run_road
from interlock.learning.run_road import Mover
from interlock.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOVER = Mover("retraining", "system", NOW)
JUDGED = Judgement(
    passed=True, reason="better", loss="brier", rows=500, units=500, champion_loss=0.2, candidate_loss=0.1
)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = Store.open(store_url)
    yield store
    store.close()


def _run(number: int = 1, state: RunState = "queued", **changes: Any) -> Run:
    run = Run(
        id=f"e-run-{number}",
        endpoint="e",
        number=number,
        state=state,
        settings=Retraining(),
        mode="scratch",
        cause="by hand",
        created_at=NOW,
        created_by="anna",
        role="operator",
        parent="m:1",
        wants_release=True,
    )
    return msgspec.structs.replace(run, **changes)


def _at(store: Store, state: RunState, **changes: Any) -> Run:
    run = _run(state=state, **changes)
    with store.transaction() as tx:
        tx.runs.add(run)
    return run


def _moved(store: Store, move: Any, run: Run, *arguments: Any) -> Run:
    with store.transaction() as tx:
        move(tx, run, MOVER, *arguments)
    with store.read() as tx:
        return tx.runs.get(run.id)


def _actions(store: Store) -> list[str]:
    with store.read() as tx:
        assert tx.audit.verify().ok
        return [entry.action for entry in tx.audit.list()]


def test_a_one_run_at_a_time_is_asked_for(store: Store) -> None:
    with store.transaction() as tx:
        run_road.ask(tx, _run(), MOVER)
    with pytest.raises(ConflictError, match=r"has run e-run-1 \(queued\)"), store.transaction() as tx:
        run_road.ask(tx, _run(2), MOVER)
    assert _actions(store) == ["run.ask"]


def test_b_a_queued_run_is_begun(store: Store) -> None:
    moved = _moved(store, run_road.begin, _at(store, "queued"), "box")
    assert (moved.state, moved.place, moved.started_at, moved.stage) == ("training", "box", NOW, "reading")


def test_c_a_model_is_there(store: Store) -> None:
    moved = _moved(store, run_road.trained, _at(store, "training", progress=0.9, told="x"), {"loss": 0.5})
    assert (moved.state, moved.stage, moved.progress, moved.metrics) == ("judging", "examining", None, {"loss": 0.5})


def test_d_it_is_registered_with_its_judgement(store: Store) -> None:
    moved = _moved(store, run_road.register, _at(store, "judging"), JUDGED, "m:2")
    assert (moved.state, moved.version, moved.judgement, moved.reason) == ("registered", "m:2", JUDGED, "better")
    assert not moved.has_ended


def test_d_what_was_cancelled_is_not_registered(store: Store) -> None:
    run = _at(store, "judging", cancelled_by="anna")
    with pytest.raises(ConflictError, match="was cancelled by anna"):
        _moved(store, run_road.register, run, JUDGED, "m:2")


def test_e_its_release_is_started(store: Store) -> None:
    moved = _moved(store, run_road.release, _at(store, "registered", version="m:2"), "e-1")
    assert (moved.state, moved.release_id, moved.ended_at) == ("released", "e-1", NOW)


def test_f_it_is_kept(store: Store) -> None:
    moved = _moved(store, run_road.keep, _at(store, "registered", reason="better"), "nobody wanted a release")
    assert (moved.state, moved.reason) == ("kept", "better; nobody wanted a release")


def test_g_it_is_rejected(store: Store) -> None:
    worse = msgspec.structs.replace(JUDGED, passed=False, reason="worse")
    moved = _moved(store, run_road.reject, _at(store, "judging"), "worse", worse)
    assert (moved.state, moved.judgement, moved.version) == ("rejected", worse, None)


@pytest.mark.parametrize("state", ["training", "judging"])
def test_h_it_fails(store: Store, state: RunState) -> None:
    moved = _moved(store, run_road.fail, _at(store, state), "no labels")
    assert (moved.state, moved.reason) == ("failed", "no labels")


@pytest.mark.parametrize("state", ["queued", "training", "judging"])
def test_i_it_is_cancelled(store: Store, state: RunState) -> None:
    run = _at(store, state)
    if state != "queued":
        run = _moved(store, run_road.want_cancelled, run)
        assert (run.state, run.cancelled_by) == (state, "retraining")
    moved = _moved(store, run_road.cancel, run)
    assert (moved.state, moved.reason) == ("cancelled", "cancelled by retraining")


@pytest.mark.parametrize("state", ["training", "judging"])
def test_j_its_server_died_and_it_is_begun_once_more(store: Store, state: RunState) -> None:
    moved = _moved(store, run_road.lose, _at(store, state, place="box", pin="run-1"))
    assert (moved.state, moved.attempt, moved.place, moved.pin) == ("queued", 2, "", "run-1")


def test_k_its_server_died_again(store: Store) -> None:
    moved = _moved(store, run_road.lose, _at(store, "training", attempt=2))
    assert moved.state == "interrupted"
    assert "interlock run rerun e-run-1" in moved.reason


def test_a_process_that_was_given_up_cannot_register(store: Store) -> None:
    given_up = _at(store, "judging")
    again = _moved(store, run_road.lose, given_up)
    begun = _moved(store, run_road.begin, again, "")
    _moved(store, run_road.trained, begun, {})
    with pytest.raises(ConflictError, match=r"attempt 2.*attempt 1"):
        _moved(store, run_road.register, given_up, JUDGED, "m:2")


def test_how_far_it_is_does_not_overwrite_what_others_said_meanwhile(store: Store) -> None:
    run = _at(store, "training")
    _moved(store, run_road.want_cancelled, run)
    with store.transaction() as tx:
        noted = run_road.note(tx, run, NOW, progress=0.5)
    assert (noted.progress, noted.cancelled_by) == (0.5, "retraining")


ENDS: list[RunState] = ["released", "kept", "rejected", "failed", "cancelled", "interrupted"]


@pytest.mark.parametrize("state", ENDS)
def test_nothing_moves_what_has_ended(store: Store, state: RunState) -> None:
    run = _at(store, state)
    for move, *more in (
        (run_road.begin, ""), (run_road.trained, {}), (run_road.register, JUDGED, "m:2"), (run_road.release, "e-1"),
        (run_road.keep, ""), (run_road.reject, ""), (run_road.fail, ""), (run_road.cancel,), (run_road.lose,),
    ):  # fmt: skip
        with pytest.raises(ConflictError):
            _moved(store, move, run, *more)
    assert _actions(store) == []
