"""What the guard of an online learner says, on losses made for it."""

import numpy as np
import pytest

from interlock.learning import online_guard
from interlock.learning.online_guard import Evidence, Guarded


def _evidence(learner: float, good: float, no_change: float, rows: int = 1000, units: int | None = None) -> Evidence:
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 0.1, rows)
    losses = [np.clip(mean + shared + rng.normal(0, 0.02, rows), 0, None) for mean in (learner, good, no_change)]
    numbers = np.arange(rows)
    return Evidence(losses[0], losses[1], losses[2], numbers % (units or rows), numbers * 1_000_000)


def _judge(evidence: Evidence) -> Guarded:
    return online_guard.judge(evidence, loss="brier", good="wine:3", margin=0.05, planned=1000)


def test_what_is_better_is_published() -> None:
    said = _judge(_evidence(0.4, 0.5, 0.6))
    assert said.verdict == "publish"
    assert said.sentence.startswith("no worse on the newest 1,000 labels, Brier score 0.395 against 0.4943")


def test_who_publishes_by_time_alone_is_not_held_up_by_a_number_that_never_comes() -> None:
    evidence = _evidence(0.4, 0.5, 0.6)
    said = online_guard.judge(evidence, loss="brier", good="wine:3", margin=0.05, planned=1_000_000_000)
    assert said.verdict == "publish"


def test_what_is_as_good_is_published() -> None:
    assert _judge(_evidence(0.5, 0.5, 0.6)).verdict == "publish"


def test_what_is_surely_worse_goes_back() -> None:
    said = _judge(_evidence(0.6, 0.5, 0.9))
    assert (said.verdict, said.sentence[:15]) == ("go_back", "back to wine:3:")


def test_what_is_no_better_than_the_last_label_waits() -> None:
    said = _judge(_evidence(0.4, 0.5, 0.3))
    assert said.verdict == "wait"
    assert "no model at all" in said.sentence


def test_few_units_show_nothing_however_many_rows_they_have() -> None:
    said = _judge(_evidence(0.1, 0.5, 0.6, units=99))
    assert said.verdict == "wait"
    assert "1,000 labels of 99 units (keys or requests); 100 are needed" in said.sentence


def test_nothing_learnt_is_nothing_to_publish() -> None:
    assert _judge(online_guard.empty()).sentence == "waits: no label was learnt since wine:3"


def test_an_answer_that_is_none_goes_back() -> None:
    evidence = _evidence(0.1, 0.5, 0.6)
    evidence.learner[3] = np.nan
    assert _judge(evidence).verdict == "go_back"


def test_rows_that_the_snapshot_did_not_answer_are_left_out() -> None:
    evidence = _evidence(0.4, 0.5, 0.6)
    evidence.good[:300] = np.nan
    assert "newest 700 labels" in _judge(evidence).sentence


def test_evidence_grows_and_begins_anew_where_it_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online_guard, "MOST_ROWS", 1500)
    one = online_guard.joined(_evidence(0.4, 0.5, 0.6), _evidence(0.4, 0.5, 0.6, rows=400))
    assert len(one) == 1400
    assert len(online_guard.joined(one, _evidence(0.4, 0.5, 0.6, rows=200))) == 200


def test_an_equal_snapshot_is_seldom_called_worse_however_often_one_looks() -> None:
    """At most 5 % of streams, with a look at every 100 rows."""
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(100):
        learner, good = rng.random((2, 2000)) < 0.3
        for stop in range(100, 2001, 100):
            part = Evidence(
                learner[:stop].astype(float),
                good[:stop].astype(float),
                np.ones(stop),
                np.arange(stop),
                np.arange(stop) * 1_000_000,
            )
            if _judge(part).verdict == "go_back":
                wrong += 1
                break
    assert wrong <= 5
