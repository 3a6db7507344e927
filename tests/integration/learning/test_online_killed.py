"""The learner's own process, killed with SIGKILL at any instant: every label is learnt, and none twice."""

import os
import pickle
import random
import signal
import time
from pathlib import Path

import pytest
from tests.integration.learning.online import ENDPOINT, ROWS, OnlineWorld

from interlock.process.handover import VARIABLE, encode
from interlock.process.learner import start_learner

pytestmark = pytest.mark.slow

COMMITS, EACH, SECONDS = 6, 150, 120.0


def test_killed_while_it_learns_it_learns_every_label_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, whole = OnlineWorld.made(tmp_path / "home"), OnlineWorld.made(tmp_path / "whole")
    monkeypatch.setenv(VARIABLE, encode(world.settings))
    for each in (world, whole):
        each.predict(0, COMMITS * EACH)
        each.declare(every_labels=250)
    folder = world.settings.learners / ENDPOINT
    folder.mkdir(parents=True)
    chance, kills = random.Random(0), 0
    for number in range(COMMITS):
        world.label(number * EACH, (number + 1) * EACH)
        process = start_learner(ENDPOINT, folder)
        kills += _killed_soon(world, process.pid, learnt=number * EACH, pause=chance.random() * 0.4)
        process.wait()
    for number in range(COMMITS):
        whole.label(number * EACH, (number + 1) * EACH)
        whole.learn()
    learner, expected = world.learn(), whole.learner()
    world.stop()
    whole.stop()
    assert kills == COMMITS
    assert learner.counts == expected.counts == {"learnt": COMMITS * EACH}
    assert learner.progress == expected.progress
    models = [pickle.loads(each.model_bytes()) for each in (world, whole)]
    assert [models[0].predict_proba_one(x) for x, _ in ROWS] == [models[1].predict_proba_one(x) for x, _ in ROWS]


def _killed_soon(world: OnlineWorld, pid: int, *, learnt: int, pause: float) -> int:
    """Kill it a moment after it has begun to move, which may be before or after its transaction."""
    until = time.monotonic() + SECONDS
    revision = world.learner().revision
    files = set((world.settings.learners / ENDPOINT).iterdir())
    while time.monotonic() < until:
        wrote = set((world.settings.learners / ENDPOINT).iterdir()) != files
        if wrote or world.learner().revision != revision or world.learner().counts.get("learnt", 0) > learnt:
            break
        time.sleep(0.005)
    time.sleep(pause if learnt % 2 == 0 else 0.0)
    os.kill(pid, signal.SIGKILL)
    return 1
