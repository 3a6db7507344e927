"""Online learning over a real log, a real store and real runner processes."""

import pickle
import random
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from river import evaluate, metrics
from tests.integration.learning.online import BEGIN, ENDPOINT, ROWS, OnlineWorld, blank_model

from interlock import bootstrap
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.releases.service import Releases
from interlock.settings import Settings


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home, to be copied: registering takes seconds."""
    folder = tmp_path_factory.mktemp("online")
    OnlineWorld.made(folder / "home").store.close()
    return folder / "home"


@pytest.fixture
def world(home: Path, tmp_path: Path) -> Iterator[OnlineWorld]:
    shutil.copytree(home, tmp_path / "home")
    settings = Settings(home=tmp_path / "home")
    made = OnlineWorld(settings, bootstrap.build_store(settings))
    yield made
    made.stop()
    made.store.close()


def test_progressive_accuracy_is_what_river_computes_on_the_same_stream(world: OnlineWorld) -> None:
    world.predict(0, len(ROWS))
    world.label(0, len(ROWS))
    world.declare()
    learner = world.learn()
    expected = evaluate.progressive_val_score(iter(ROWS), blank_model(), metrics.Accuracy()).get()
    assert learner.counts == {"learnt": len(ROWS)}
    assert learner.progress.rows == len(ROWS)
    assert 1 - learner.progress.wrong / learner.progress.rows == expected


def test_a_shadow_learner_registers_snapshots_and_never_serves(world: OnlineWorld) -> None:
    world.predict(0, 600)
    world.declare()
    for start in range(0, 600, 200):
        world.label(start, start + 200)
        world.learn()
    learner = world.learner()
    assert learner.snapshots >= 1
    assert learner.good != "phishing:1"
    assert world.champion() == "phishing:1"
    assert world.version(learner.good).lineage["parent"] in ("phishing:1", "phishing:2", "phishing:3")
    assert {"learner", "good", "no_change", "served"} >= set(learner.losses)


def test_a_snapshot_that_passes_becomes_the_champion_with_its_audit_entries(world: OnlineWorld) -> None:
    world.predict(0, 400)
    world.label(0, 400)
    world.declare(serve=True)
    learner = world.learn()
    assert (learner.good, world.champion(), learner.snapshots) == ("phishing:2", "phishing:2", 1)
    with world.store.read() as tx:
        assert tx.plans.current(ENDPOINT).warm == ("phishing:1",)
    assert world.audited()[-2:] == ["learner.publish", "endpoint.succeed"]
    assert learner.sentence.startswith("phishing:2 published: no worse on the newest 400 labels, Brier score")


def test_a_release_under_way_holds_snapshots_back_and_nothing_is_written_meanwhile(world: OnlineWorld) -> None:
    world.predict(0, 800)
    world.declare(serve=True)
    world.copy("other")
    started = Releases(world.store, bootstrap.now).start(ENDPOINT, "other:1", actor=world.actor, reason="a try")
    world.label(0, 800)
    waiting = world.learn()
    assert waiting.sentence == f"waits for the end of release {started.id}"
    assert (waiting.snapshots, world.champion(), world.learn().revision) == (0, "phishing:1", waiting.revision)
    Releases(world.store, bootstrap.now).rollback(ENDPOINT, actor=world.actor, reason="no")
    assert world.learn().good == world.champion() == "phishing:2"


def test_labels_are_learnt_once_whatever_comes_again(world: OnlineWorld) -> None:
    world.predict(0, 100)
    world.label(0, 60)
    world.declare()
    world.learn()
    world.label(0, 60)  # the same feed again
    world.label(0, 10, said=[not ROWS[n][1] for n in range(10)])  # and others say otherwise
    world.label(60, 100)
    learner = world.learn()
    assert learner.counts == {"learnt": 100, "duplicate": 60, "contradictory": 10}


def test_repeated_within_one_commit_they_are_learnt_once(world: OnlineWorld) -> None:
    ids = world.predict(0, 3)
    world.label(0, 6, said=[True] * 6, ids=[*ids, *ids])
    world.declare()
    assert world.learn().counts == {"learnt": 3, "duplicate": 3}


def test_labels_by_request_and_by_prediction_are_of_the_same_row(world: OnlineWorld) -> None:
    ids = world.predict(0, 4)
    requests, rows = [f"r-{id}" for id in ids], [0] * 4
    world.label(0, 4, ids=[None] * 4, request_id=requests, request_row=rows)
    world.declare()
    assert world.learn().counts == {"learnt": 4}
    world.label(0, 4)
    assert world.learn().counts == {"learnt": 4, "duplicate": 4}


def test_a_label_waits_for_its_prediction(world: OnlineWorld) -> None:
    world.label(0, 5)
    world.declare()
    assert world.learn().counts == {}
    world.label(0, 2)  # once more, and still too early
    assert world.learn().counts == {"duplicate": 2}
    world.predict(0, 5)
    assert world.learn().counts == {"duplicate": 2, "learnt": 5}
    world.label(0, 5)
    assert world.learn().counts == {"duplicate": 7, "learnt": 5}


def test_labels_beyond_bounds_are_counted_by_their_reason(world: OnlineWorld) -> None:
    world.predict(0, 40)
    later = BEGIN + timedelta(days=1)
    world.label(0, 5, source="stranger")
    world.label(5, 10, said=["maybe"] * 5)
    world.label(10, 15, observed_at=later + timedelta(days=3))
    world.label(15, 40)
    world.declare(bounds={"most_per_minute": 20})
    assert world.learn().counts == {"source": 5, "unusable": 5, "future": 5, "rate": 5, "learnt": 20}
    world.label(0, 15, at=later + timedelta(minutes=5))  # what was not admitted does not stand in the way of what is
    assert world.learn().counts["learnt"] == 35


def test_an_empty_feed_is_nothing_to_learn(world: OnlineWorld) -> None:
    world.declare()
    learner = world.learn()
    assert (learner.counts, learner.revision) == ({}, 1)
    world.predict(0, 5)
    assert world.learn().counts == {}


def test_only_labels_from_now_on_where_nothing_else_is_said(world: OnlineWorld) -> None:
    world.predict(0, 20)
    world.label(0, 10)
    world.declare(begin="now")
    world.label(10, 20)
    assert world.learn().counts == {"learnt": 10}


def test_poisoned_labels_set_the_learner_back_and_nothing_bad_is_published(world: OnlineWorld) -> None:
    world.predict(0, 2200)
    world.label(0, 1000)
    world.declare(serve=True, every_labels=100)
    good = world.learn().good
    chance = random.Random(0)
    for start in range(1000, 2200, 200):
        world.label(start, start + 200, said=[chance.random() < 0.5 for _ in range(200)])
        world.learn()
    assert world.champion() == world.learner().good
    assert _accuracy(world) > 0.85
    assert world.learner().good == good


def _accuracy(world: OnlineWorld) -> float:
    """Of what serves, by the true labels."""
    with (world.settings.artifacts / world.version(world.champion()).digest).open("rb") as file:
        model = pickle.load(file)
    return sum(bool(model.predict_one(x) == y) for x, y in ROWS) / len(ROWS)


def test_a_second_learner_of_the_same_endpoint_cannot_learn_beside_it(world: OnlineWorld) -> None:
    world.predict(0, 30)
    world.label(0, 10)
    world.declare()
    one, other = world.learner_process(), world.learner_process()
    try:
        assert one.step()
        other.step()
        world.label(10, 30)
        assert one.step()
        while other.step() or one.step():
            pass
    finally:
        one.close()
        other.close()
    assert world.learner().counts == {"learnt": 30}


def test_it_goes_on_where_it_was_saved_and_learns_the_same(world: OnlineWorld, home: Path, tmp_path: Path) -> None:
    world.predict(0, 500)
    world.declare()
    for start in range(0, 500, 50):
        world.label(start, start + 50)
        world.learn(anew=start % 150 == 0)
    interrupted = pickle.loads(world.model_bytes())
    shutil.copytree(home, tmp_path / "other")
    settings = Settings(home=tmp_path / "other")
    other = OnlineWorld(settings, bootstrap.build_store(settings))
    other.predict(0, 500)
    for start in range(0, 500, 50):
        other.label(start, start + 50)
    other.declare()
    other.learn()
    other.stop()
    whole = pickle.loads(other.model_bytes())
    assert [interrupted.predict_proba_one(x) for x, _ in ROWS] == [whole.predict_proba_one(x) for x, _ in ROWS]
    assert world.learner().progress.wrong == other.learner().progress.wrong
    other.store.close()


def test_a_replay_of_its_lessons_gives_the_same_model(world: OnlineWorld) -> None:
    world.predict(0, 900)
    world.declare()
    for start in range(0, 900, 300):
        world.label(start, start + 300)
        world.learn()
    good = world.learner().good
    found = world.replays.replay(good)
    assert (found.same_rows, found.same_predictions, found.is_same, found.missing) == (True, True, True, 0)
    assert found.lessons == world.version(good).lineage["lessons"]
    with pytest.raises(InvalidInputError, match="no snapshot"):
        world.replays.replay("phishing:1")


def test_a_replay_says_when_the_rows_are_gone(world: OnlineWorld) -> None:
    world.predict(0, 400)
    world.label(0, 400)
    world.declare()
    good = world.learn().good
    shutil.rmtree(world.settings.log / "predictions")
    world.predict(0, 390)
    found = world.replays.replay(good)
    assert (found.is_same, found.missing) == (False, 10)
    assert "10 of 400 rows are not in the log any more" in found.reason


def test_paused_it_keeps_what_it_has_and_resumed_it_goes_on(world: OnlineWorld) -> None:
    world.predict(0, 60)
    world.label(0, 30)
    world.declare()
    world.learn()
    assert world.learners.pause(ENDPOINT, world.actor).state == "paused"
    world.label(30, 60)
    assert world.learn().counts == {"learnt": 30}
    assert world.learners.status(ENDPOINT).behind == 30
    with pytest.raises(ConflictError, match="is paused, must be learning"):
        world.learners.pause(ENDPOINT, world.actor)
    world.learners.resume(ENDPOINT, world.actor)
    assert world.learn().counts == {"learnt": 60}
    assert world.learners.status(ENDPOINT).behind == 0


def test_set_back_by_hand_the_snapshot_before_serves_at_once(world: OnlineWorld) -> None:
    world.predict(0, 800)
    world.declare(serve=True)
    for start in (0, 400):
        world.label(start, start + 400)
        world.learn()
    assert world.champion() == world.learner().good == "phishing:3"
    back = world.learners.go_back(ENDPOINT, None, world.actor)
    assert (back.good, world.champion()) == ("phishing:2", "phishing:2")
    assert world.model_bytes() == (world.settings.artifacts / world.version("phishing:2").digest).read_bytes()
    world.copy("other")
    with pytest.raises(ConflictError, match="other:1 is no snapshot"):
        world.learners.go_back(ENDPOINT, "other:1", world.actor)


def test_it_stops_where_somebody_else_has_chosen_the_champion(world: OnlineWorld) -> None:
    world.predict(0, 800)
    world.label(0, 400)
    world.declare(serve=True)
    world.learn()
    Releases(world.store, bootstrap.now).rollback(ENDPOINT, to="phishing:1", actor=world.actor, reason="I say so")
    world.label(400, 800)
    learner = world.learn()
    assert (learner.state, world.champion()) == ("superseded", "phishing:1")
    assert "phishing:1 is the champion now, which this learner did not make" in learner.sentence
    assert world.learners.resume(ENDPOINT, world.actor).good == "phishing:1"


def test_missing_files_cost_what_was_learnt_since_the_last_snapshot(world: OnlineWorld) -> None:
    world.predict(0, 100)
    world.label(0, 50)
    world.declare()
    world.learn()
    world.stop()
    shutil.rmtree(world.settings.learners)
    world.label(50, 100)
    learner = world.learn()
    assert learner.counts == {"learnt": 100, "given_up": 50}
    assert learner.lessons == 50


def test_a_model_that_cannot_learn_is_refused(world: OnlineWorld) -> None:
    with pytest.raises(InvalidInputError, match="every_labels == 0, must be"):
        world.declare(every_labels=0)
    world.copy("other")
    with pytest.raises(ConflictError, match="release that first"):
        world.declare(serve=True, model="other:1")
