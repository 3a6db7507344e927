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
from interlock.predictions.log_schema import LABELS, PREDICTIONS, SCORES
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
    log.append(kind, "flights", pa.Table.from_pylist(rows, schema=schema), {"test": 1})


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
    assert before == (None, None, None)
    assert after == evidence_log.evidence_version("flights") == (0, 0, 0)
