from collections import Counter
from typing import Any

import numpy as np
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.run import Judgement
from interlock.learning import judging
from interlock.learning.judging import Answered, Case
from interlock.learning.rows import Labelled
from interlock.scoring.asking import Answers

BINARY = Contract(
    inputs=(),
    outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(0, 1),
)
LABELS_ONLY = Contract(inputs=(), outputs=(Field(name="label", datatype="INT64"),), task="binary", classes=(0, 1))
REGRESSION = Contract(inputs=(), outputs=(Field(name="prediction", datatype="FP64"),), task="regression")
HOUR = 3_600_000_000


def _rows(labels: Any, start: int = 0) -> Labelled:
    count = len(labels)
    events = (start + np.arange(count)) * HOUR
    return Labelled(np.asarray(labels), events, events + HOUR // 2, np.arange(count))


def _answers(contract: Contract, **outputs: list[Any]) -> Answers:
    rows = len(next(iter(outputs.values())))
    return Answers(np.full(rows, "ok", dtype=np.object_), outputs, Counter())


def _probable(contract: Contract, rows: Labelled, probabilities: Any) -> Answered:
    table = np.column_stack([1 - probabilities, probabilities])
    answers = _answers(contract, label=table.argmax(axis=1).tolist(), probabilities=table.tolist())
    return judging.answered(contract, rows, answers)


def _judged(champion: Any, candidate: Any, *, margin: float = 0.0, noise: int = 0) -> Judgement:
    rng = np.random.default_rng(noise)
    truth = rng.integers(0, 2, 3000)
    training, held_out = _rows(truth[:2000]), _rows(truth[2000:], 2000)
    case = Case(BINARY, "m:1", "the new model", training, held_out, margin)
    said = [_probable(BINARY, held_out, share(held_out.labels)) for share in (champion, candidate)]
    return judging.judge(case, *said)


def _sure(labels: Any) -> Any:
    return np.where(labels == 1, 0.9, 0.1)


def _unsure(labels: Any) -> Any:
    return np.where(labels == 1, 0.6, 0.4)


def test_a_better_model_passes_and_the_sentence_says_by_how_much() -> None:
    found = _judged(_unsure, _sure)
    assert found.passed
    assert (found.rows, found.units) == (1000, 1000)
    assert found.candidate_loss == pytest.approx(0.01)
    assert found.champion_loss == pytest.approx(0.16)
    assert found.reason == ("better than m:1: Brier score 0.01 against 0.16 on the same 1,000 newest labelled rows")
    assert found.metrics == {"accuracy": 1.0, "champion.accuracy": 1.0}


def test_a_worse_model_does_not_pass() -> None:
    found = _judged(_sure, _unsure)
    assert not found.passed
    assert found.reason.startswith("worse than m:1: Brier score 0.16 against 0.01")


def test_the_same_model_passes() -> None:
    assert _judged(_sure, _sure).passed


def test_a_margin_forgives_a_small_loss() -> None:
    slightly_worse = lambda labels: np.where(labels == 1, 0.899, 0.101)  # noqa: E731
    assert not _judged(_sure, slightly_worse).passed
    assert _judged(_sure, slightly_worse, margin=0.05).passed


def test_a_model_that_beats_the_champion_but_no_naive_forecast_does_not_pass() -> None:
    found = _judged(lambda labels: np.where(labels == 1, 0.2, 0.8), lambda labels: np.where(labels == 1, 0.4, 0.6))
    assert not found.passed
    assert "no better than saying the usual share of each class: Brier score 0.36 against 0.24" in found.reason


def test_on_a_stream_that_repeats_itself_the_last_label_is_the_baseline_to_beat() -> None:
    truth = np.tile(np.repeat([0, 1], 100), 20)
    training, held_out = _rows(truth[:3000]), _rows(truth[3000:], 3000)
    case = Case(BINARY, "m:1", "the new model", training, held_out, 0.0)
    candidate, champion = (
        _probable(BINARY, held_out, np.where(held_out.labels == 1, share, 1 - share)) for share in (0.8, 0.7)
    )
    found = judging.judge(case, champion, candidate)
    assert found.baselines["last_label"] < 0.02 < found.candidate_loss
    assert not found.passed
    assert "no better than saying the last known label" in found.reason


def test_classes_alone_are_judged_by_the_share_of_wrong_ones() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 1500)
    training, held_out = _rows(truth[:1000]), _rows(truth[1000:], 1000)
    right, flipped = held_out.labels, np.where(np.arange(500) % 4 == 0, 1 - held_out.labels, held_out.labels)
    case = Case(LABELS_ONLY, "m:1", "the new model", training, held_out, 0.0)
    said = [
        judging.answered(LABELS_ONLY, held_out, _answers(LABELS_ONLY, label=each.tolist())) for each in (flipped, right)
    ]
    found = judging.judge(case, *said)
    assert found.passed
    assert (found.loss, found.champion_loss, found.candidate_loss) == ("zero_one", 0.25, 0.0)
    assert set(found.baselines) == {"majority", "last_label"}


def test_numbers_are_judged_by_their_distance_and_beside_mean_and_last_value() -> None:
    values = np.sin(np.arange(2000) / 50) * 10
    training, held_out = _rows(values[:1500]), _rows(values[1500:], 1500)
    case = Case(REGRESSION, "m:1", "the new model", training, held_out, 0.0)
    said = [
        judging.answered(REGRESSION, held_out, _answers(REGRESSION, prediction=(held_out.labels + off).tolist()))
        for off in (1.0, 0.05)
    ]
    found = judging.judge(case, *said)
    assert found.passed
    assert found.candidate_loss == pytest.approx(0.05)
    assert found.baselines["last_value"] < 0.2 < found.baselines["mean"]


def test_rows_that_only_the_new_model_cannot_answer_count_against_it() -> None:
    truth = np.random.default_rng(2).integers(0, 2, 1500)
    training, held_out = _rows(truth[:1000]), _rows(truth[1000:], 1000)
    champion = _probable(BINARY, held_out, _unsure(held_out.labels))
    answers = _answers(
        BINARY, label=held_out.labels[1:].tolist(), probabilities=[[1 - y, y] for y in held_out.labels[1:].tolist()]
    )
    answers.status = np.array(["timeout", *["ok"] * 499], dtype=np.object_)
    candidate = judging.answered(BINARY, held_out, answers)
    found = judging.judge(Case(BINARY, "m:1", "the new model", training, held_out, 0.0), champion, candidate)
    assert (found.rows, found.candidate_failures, found.champion_failures) == (499, 1, 0)
    assert not found.passed
    assert found.reason == "it could not answer 1 held-out rows, and the champion 0"


def test_without_any_answer_nothing_passes() -> None:
    held_out = _rows(np.array([0, 1] * 60))
    nothing = judging.answered(BINARY, held_out, Answers(np.full(120, "timeout", dtype=np.object_), {}, Counter()))
    found = judging.judge(Case(BINARY, "m:1", "the new model", held_out, held_out, 0.0), nothing, nothing)
    assert not found.passed
    assert "no held-out rows that both versions answered" in found.reason
