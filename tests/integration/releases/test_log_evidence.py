"""The gates on rows that went through the real log and its reader."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.release import Release, ReleasePlan
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS, REWARDS, SCORES
from interlock.predictions.reader import LogReader
from interlock.releases import gates
from interlock.releases.evidence import Evidence
from interlock.releases.log_evidence import LogEvidence

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="BYTES"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=("late", "on time"),
)
OUTPUTS = [("output.label", pa.string()), ("output.probabilities", pa.list_(pa.float64()))]
ROWS = 1500


@pytest.fixture
def log(tmp_path: Path) -> DeltaLog:
    return DeltaLog(tmp_path)


@pytest.fixture
def evidence_log(log: DeltaLog, tmp_path: Path) -> Iterator[LogEvidence]:
    reader = LogReader(tmp_path)
    yield LogEvidence(log, reader)
    reader.close()


def append(log: DeltaLog, kind: Any, base: pa.Schema, rows: list[dict[str, Any]], outputs: bool = True) -> None:
    schema = pa.schema([*base, *(pa.field(*output) for output in OUTPUTS if outputs)])
    version = log.version(kind, "flights")
    log.append(
        kind, "flights", pa.Table.from_pylist(rows, schema=schema), {"test": 1 + (-1 if version is None else version)}
    )


def fill(log: DeltaLog, *, scoring_fails_every: int | None = None) -> None:
    """A release at 10 %: the challenger leans to the wrong side; scoring may fail for it on every n-th row."""
    rng = np.random.default_rng(1)
    predictions, scores, labels = [], [], []
    for number in range(ROWS):
        is_late = bool(rng.random() < 0.3)
        good = float(np.clip(rng.normal(0.7 if is_late else 0.2, 0.1), 0, 1))
        answers = {"champion": [good, 1 - good], "challenger": [1 - good, good]}
        role = "challenger" if number % 10 == 0 else "champion"
        other = "champion" if role == "challenger" else "challenger"
        at = NOW + timedelta(minutes=number)
        ids = {"prediction_id": f"p{number}", "release_id": "flights-1", "at": at}
        predictions.append(
            {
                **ids,
                "event_at": at,
                "date": at.date(),
                "version": "m:2" if role == "challenger" else "m:1",
                "assigned_version": "m:2" if role == "challenger" else "m:1",
                "role": role,
                "attempt_status": "ok",
                "unit": f"u{number}",
                "step": 0,
                "output.probabilities": answers[role],
            }
        )
        failed = scoring_fails_every is not None and other == "challenger" and number % scoring_fails_every == 1
        score = {"status": "model_error"} if failed else {"status": "ok", "output.probabilities": answers[other]}
        scores.append({**ids, "version": "m:2", **score})
        label = {"prediction_id": f"p{number}", "label_text": "late" if is_late else "on time", "at": at}
        labels.append({**label, "observed_at": at + timedelta(hours=2), "batch_row": 0, "source": "natural"})
    append(log, "predictions", PREDICTIONS, predictions)
    append(log, "scores", SCORES, scores)
    append(log, "labels", LABELS, labels, outputs=False)


def judge(evidence_log: LogEvidence) -> dict[str, Any]:
    release = Release(
        id="flights-1",
        endpoint="flights",
        strategy="canary",
        state="running",
        candidate="m:2",
        champion="m:1",
        plan=ReleasePlan(),
        created_at=NOW,
        created_by="ann",
    )
    has_labels, rows = evidence_log.has_labels("flights"), evidence_log.paired("flights", "flights-1")
    return gates.judge(Evidence(release, release.created_at, (), CONTRACT, has_labels, rows))


def test_a_worse_candidate_shows_in_the_log(log: DeltaLog, evidence_log: LogEvidence) -> None:
    fill(log)
    found = judge(evidence_log)
    assert found["quality"].outcome == "breach"
    assert found["quality"].counts == {"champion": ROWS, "challenger": ROWS}
    assert found["quality"].details["maturity_seconds"] == 7200
    assert found["scoring_errors"].outcome == "ok"


def test_labels_of_a_release_are_waited_for_as_long_as_they_took_before_it(
    log: DeltaLog, evidence_log: LogEvidence
) -> None:
    at = NOW - timedelta(days=3)
    row = {"at": at, "event_at": at, "date": at.date(), "role": "champion", "unit": "u", "attempt_status": "ok"}
    append(log, "predictions", PREDICTIONS, [{**row, "prediction_id": f"a{number}"} for number in range(50)])
    said = {"at": at, "observed_at": at + timedelta(hours=9), "label_text": "late", "batch_row": 0, "source": "natural"}
    append(log, "labels", LABELS, [{**said, "prediction_id": f"a{number}"} for number in range(50)], outputs=False)
    fill(log)
    found = judge(evidence_log)["quality"]
    assert found.details["maturity_seconds"] == 9 * 3600
    assert found.counts["champion"] == ROWS - 7 * 60


def test_rows_that_the_candidate_cannot_score_show_in_the_log(log: DeltaLog, evidence_log: LogEvidence) -> None:
    fill(log, scoring_fails_every=9)
    found = judge(evidence_log)
    assert found["scoring_errors"].outcome == "breach"
    assert found["scoring_errors"].details["champion_failures"] == 0


def test_an_empty_log_is_not_enough_data(evidence_log: LogEvidence) -> None:
    assert not evidence_log.has_labels("flights")
    outcomes = {kind: gate.outcome for kind, gate in judge(evidence_log).items()}
    assert outcomes == dict.fromkeys(outcomes, "not_enough_data")


def test_the_version_changes_with_every_table(log: DeltaLog, evidence_log: LogEvidence) -> None:
    before = evidence_log.evidence_version("flights")
    fill(log)
    after = evidence_log.evidence_version("flights")
    assert before == (None, None, None, None)
    assert after == evidence_log.evidence_version("flights") == (0, 0, 0, None)


def compared(evidence_log: LogEvidence, *, reward: str | None, late: float = 0.0) -> dict[str, Any]:
    plan = ReleasePlan(steps=(0.5,), reward=reward, missing_reward=0.0 if late else None, reward_hours=late)
    release = Release(
        id="flights-1", endpoint="flights", strategy="ab_test", state="running", candidate="m:2", champion="m:1",
        plan=plan, created_at=NOW, created_by="ann", stages=(0,), shares=(0.5,),
    )  # fmt: skip
    rewards = [reward] if reward else []
    rows = evidence_log.assigned("flights", "flights-1", rewards, answers=reward is None)
    asked = ("sample_ratio", "effect")
    at = NOW + timedelta(days=30)
    return gates.judge(Evidence(release, at, (), CONTRACT, True, rows, None, "", "", asked))


def split(log: DeltaLog) -> None:
    """An even split without keys: the challenger leans to the wrong side, and is bought from twice as often.

    Some of its rows the champion answered; they stay the challenger's.
    """
    rng = np.random.default_rng(2)
    predictions, labels, rewards = [], [], []
    for number in range(ROWS):
        is_late = bool(rng.random() < 0.3)
        assigned = "m:2" if rng.random() < 0.5 else "m:1"
        good = float(np.clip(rng.normal(0.7 if is_late else 0.2, 0.1), 0, 1))
        fell_back = assigned == "m:2" and number % 10 == 0
        answered = "m:1" if fell_back else assigned
        at = NOW + timedelta(minutes=number)
        predictions.append(
            {
                "prediction_id": f"p{number}", "request_id": f"q{number}", "request_row": 0, "release_id": "flights-1",
                "at": at, "event_at": at, "date": at.date(), "version": answered, "assigned_version": assigned,
                "role": "challenger" if answered == "m:2" else "champion", "unit": f"u{number}", "step": 0,
                "attempt_status": "model_error" if fell_back else "ok", "propensity": 0.5,
                "output.probabilities": [good, 1 - good] if answered == "m:1" else [1 - good, good],
            }
        )  # fmt: skip
        said = {"prediction_id": f"p{number}", "at": at, "observed_at": at + timedelta(hours=2), "batch_row": 0}
        labels.append({**said, "label_text": "late" if is_late else "on time", "source": "natural"})
        if rng.random() < (0.4 if assigned == "m:2" else 0.2):
            rewards.append({**said, "name": "sold", "value": 1.0, "source": "shop", "weight": 1.0})
    append(log, "predictions", PREDICTIONS, predictions)
    append(log, "labels", LABELS, labels, outputs=False)
    append(log, "rewards", REWARDS, rewards, outputs=False)


def test_arms_are_compared_by_the_loss_of_the_answers_that_callers_got(
    log: DeltaLog, evidence_log: LogEvidence
) -> None:
    split(log)
    found = compared(evidence_log, reward=None)
    assert found["sample_ratio"].outcome == "ok"
    effect = found["effect m:2"]
    assert (effect.metric, effect.outcome, effect.details["verdict"]) == ("effect.brier", "breach", "worse")
    assert effect.reason.startswith("Brier score 0.")


def test_rewards_count_as_assigned_and_rows_without_one_count_from_their_age_on(
    log: DeltaLog, evidence_log: LogEvidence
) -> None:
    split(log)
    effect = compared(evidence_log, reward="sold", late=3.0)["effect m:2"]
    assert effect.details["verdict"] == "better"
    assert effect.details["champion_mean"] == pytest.approx(0.2, abs=0.05)
    assert effect.details["challenger_mean"] == pytest.approx(0.4, abs=0.06)
    assert effect.counts["champion"] + effect.counts["challenger"] == ROWS
    too_late = compared(evidence_log, reward="sold", late=1.0)["effect m:2"]
    assert too_late.outcome == "not_enough_data"  # no reward came within an hour, so nothing differs
    # Only who bought has a reward: means of those would be 1 on both sides. Told, not compared.
    alone = compared(evidence_log, reward="sold")
    assert alone["sample_ratio"].outcome == "not_comparable"


def test_an_arm_without_rows_yet_is_not_enough_data(evidence_log: LogEvidence) -> None:
    for reward in (None, "sold"):
        found = compared(evidence_log, reward=reward)
        assert found["effect m:2"].outcome == "not_enough_data"
        assert found["sample_ratio"].outcome == "ok"
