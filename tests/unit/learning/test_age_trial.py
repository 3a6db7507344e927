"""Worlds whose right answer turns at a known rate: what is measured of them, and what is proposed."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from interlock.domain.advice import Measured
from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError
from interlock.learning import judging
from interlock.learning.advising import Proposed, propose
from interlock.learning.age_trial import Grid, Losses, means
from interlock.learning.judging import Answered
from interlock.learning.rows import Labelled
from interlock.scoring.asking import Answers
from interlock.stats import model_decay
from interlock.stats.model_decay import DecayResult

DAYS, A_DAY = 90, 60
DAY = 86_400 * 10**6
CONTRACT = Contract(
    inputs=(),
    outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(0, 1),
)


def world(degrees_a_day: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Events, points of a plane, and on which side of a turning line they most likely are."""
    rng, events = np.random.default_rng(seed), np.arange(DAYS * A_DAY) * (DAY // A_DAY)
    points, angle = rng.normal(size=(len(events), 2)), np.radians(degrees_a_day * events / DAY)
    side = points[:, 0] * np.cos(angle) + points[:, 1] * np.sin(angle)
    return events, points, (rng.random(len(events)) < 1 / (1 + np.exp(-4 * side))).astype(np.int64)


def losses(grid: Grid, points: NDArray[np.float64], labels: NDArray[np.int64]) -> Losses:
    """Teach and ask as the grid says, by scikit-learn alone."""
    found: dict[tuple[int, int], Answered] = {}
    for number in range(grid.models):
        taught = slice(*grid.taught(number))
        model: Any = LogisticRegression().fit(points[taught], labels[taught])
        for stretch in range(number, grid.stretches):
            asked = slice(*grid.asked(stretch))
            table = model.predict_proba(points[asked])
            outputs = {"label": table.argmax(axis=1).tolist(), "probabilities": table.tolist()}
            answers = Answers(np.full(len(table), "ok", dtype=np.object_), outputs, Counter())
            here, order = labels[asked], np.arange(len(table))
            found[number, stretch] = judging.answered(CONTRACT, Labelled(here, order, order, order), answers)
    return means(found)


def advised(degrees_a_day: float, seed: int) -> tuple[DecayResult, Proposed]:
    events, points, labels = world(degrees_a_day, seed)
    grid = Grid.of(events, 14.0, 6)
    grid.check()
    found = losses(grid, points, labels)
    ages = found.ages(grid)
    decay = model_decay.analyze(found.model, found.stretch, ages, found.loss, alpha=0.05)
    measured = Measured(
        rows=len(events), loss="brier", fresh_loss=float(found.fresh.mean()), per_day=decay.per_day, lower=decay.lower,
        upper=decay.upper, models=decay.models, stretches=decay.stretches, span_days=float(ages.max()),
        run_seconds=30.0, runs_known=0, label_delay_days=0.1,
    )  # fmt: skip
    return decay, propose(measured, 0.05)


def test_the_faster_a_world_turns_the_shorter_the_interval() -> None:
    hours = []
    for rate in (0.3, 0.6, 1.5):
        proposal = advised(rate, 1)[1].proposal
        assert proposal is not None
        hours.append(proposal.every_hours)
    assert hours == sorted(set(hours), reverse=True)


@pytest.mark.parametrize("rate", [0.5, 1.5, 3.0])
def test_growth_is_found_whatever_the_seed(rate: float) -> None:
    assert all(advised(rate, seed)[1].proposal is not None for seed in range(8))


def test_a_world_that_stands_still_is_rarely_said_to_turn() -> None:
    found = [advised(0.0, seed) for seed in range(60)]
    # At one in twenty, more than seven of sixty would come once in fifty such tests; the bound is on the safe side.
    assert sum(proposed.proposal is not None for _, proposed in found) <= 6
    assert all(proposed.reason.startswith("no need seen") for _, proposed in found if proposed.proposal is None)
    assert abs(np.mean([decay.per_day for decay, _ in found])) < 2e-5


def test_models_learn_only_from_before_what_they_are_asked() -> None:
    events = world(0.0, 0)[0]
    grid = Grid.of(events, 14.0, 6)
    for number in range(grid.models):
        start, stop = grid.taught(number)
        assert stop <= grid.asked(number)[0]
        assert events[stop - 1] - events[start] <= 14 * DAY
    edges = [grid.asked(at) for at in range(grid.stretches)]
    assert all(before[1] == after[0] for before, after in pairwise(edges))
    assert edges[-1][1] == len(events)


def test_without_a_window_each_model_learns_from_the_beginning() -> None:
    grid = Grid.of(world(0.0, 0)[0], None, 4)
    assert [grid.taught(number)[0] for number in range(4)] == [0, 0, 0, 0]
    assert grid.taught(3)[1] > grid.taught(0)[1]


def test_a_log_shorter_than_the_window_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="declare a shorter window"):
        Grid.of(world(0.0, 0)[0], 400.0, 6)


def test_stretches_with_few_rows_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="at least 50 are needed"):
        Grid.of(np.arange(200) * DAY, 14.0, 6).check()


def test_rows_that_one_model_could_not_answer_count_for_none() -> None:
    all_of_it, part = np.array([True, True]), np.array([True, False])
    found = {
        (0, 0): Answered(np.array([0.1, 0.9]), all_of_it, None),
        (1, 0): Answered(np.array([0.3, 0.0]), part, None),
    }
    assert means(found).loss.tolist() == [0.1, 0.3]
