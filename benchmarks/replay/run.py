"""How many rows a second a replay scores: a million logged rows through an ONNX model, one core.

Usage: `python -m benchmarks.replay.run [--rows N] [--model logistic|boosted] [--labels]`. It makes a log in a
folder of its own, runs the replay as the server's process does (`scoring.replaying`), and prints its report's figures.
The processor is bound to one core where the system can do that. Where others use it too, the figure by processor time
is the one to read.
"""

import argparse
import hashlib
import json
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from skl2onnx import to_onnx
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.log import data
from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.domain.replay import Replay, ReplayReport
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS
from interlock.scoring.replay_plan import ReplayPlan
from interlock.scoring.replaying import Replaying

COLUMNS = tuple(f"f{number:02d}" for number in range(10))
_MODELS = {
    "logistic": LogisticRegression,
    "boosted": lambda: HistGradientBoostingClassifier(max_iter=50, max_leaf_nodes=15),
}
_COMMIT_ROWS = 100_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_GOAL = 200_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure once and print what came of it."""
    options = _options(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="interlock-bench-", dir=options.folder) as folder:
        root = Path(folder)
        version = _model(root, options.model)
        fill(root, options.rows, labels=options.labels)
        began = time.process_time()
        report = _replay(root, version)
        processor_seconds = time.process_time() - began
    found = {
        "model": options.model,
        "rows": report.rows,
        "compared": report.agreement.rows,
        "labelled": report.quality.rows if report.quality else 0,
        "seconds": report.seconds,
        "rows_per_second": round(report.rows / report.seconds),
        "processor_seconds": round(processor_seconds, 3),
        "rows_per_processor_second": round(report.rows / processor_seconds),
        "goal": _GOAL,
        "most_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(found) if options.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


def _model(root: Path, kind: str) -> ModelVersion:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, len(COLUMNS)))
    y = (rng.random(20_000) < 1 / (1 + np.exp(-x[:, 0]))).astype(int)
    graph = to_onnx(_MODELS[kind]().fit(x, y), x[:1].astype(np.float32), options={"zipmap": False})
    content = graph.SerializeToString()
    digest = hashlib.sha256(content).hexdigest()
    (root / "artifacts").mkdir()
    (root / "artifacts" / digest).write_bytes(content)
    contract = Contract(
        inputs=tuple(Field(name=name, datatype="FP64") for name in COLUMNS),
        outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP32", shape=(2,))),
        task="binary",
        classes=(0, 1),
    )
    return ModelVersion(
        name="m", version=2, digest=digest, model_format="onnx", serving_digest=digest, serving_format="onnx",
        placement="inline", contract=contract, created_at=BEGAN, created_by="bench", row_us=1.0,
    )  # fmt: skip


def fill(root: Path, rows: int, *, labels: bool) -> None:
    log = DeltaLog(root / "log")
    for number, start in enumerate(range(0, rows, _COMMIT_ROWS), start=1):
        size = min(_COMMIT_ROWS, rows - start)
        at_us = int(BEGAN.timestamp() * 1e6) + np.arange(start, start + size, dtype=np.int64) * 100_000
        ids = data.uuids(size, seed=number, at_us=at_us)
        made = data.make(size, seed=number)
        log.append("predictions", "e", _predictions(ids, at_us, made), {"bench": number})
        if labels:
            log.append("labels", "e", _labels(ids, at_us, made), {"bench": number})


def _predictions(ids: pa.Array, at_us: np.ndarray[Any, Any], made: data.Rows) -> pa.Table:
    rows = len(ids)
    constant = {"assigned_version": "m:1", "version": "m:1", "role": "champion", "attempt_status": "ok"}
    columns: dict[str, Any] = {name: pa.nulls(rows, PREDICTIONS.field(name).type) for name in PREDICTIONS.names}
    columns |= {name: pa.repeat(pa.scalar(value), rows) for name, value in constant.items()}
    times = pa.array(at_us).cast(PREDICTIONS.field("at").type)
    columns |= {"prediction_id": ids, "request_id": ids, "unit": ids, "at": times, "event_at": times}
    columns |= {"propensity": pa.repeat(1.0, rows), "date": times.cast(pa.date32())}
    columns |= {f"input.{name}": pa.array(made.inputs[:, at]) for at, name in enumerate(COLUMNS)}
    columns["output.label"] = pa.array((made.scores > 0.5).astype(np.int64))
    both = np.column_stack((1 - made.scores, made.scores)).reshape(-1)
    columns["output.probabilities"] = pa.ListArray.from_arrays(np.arange(0, 2 * rows + 1, 2, dtype=np.int32), both)
    return pa.table(columns)


def _labels(ids: pa.Array, at_us: np.ndarray[Any, Any], made: data.Rows) -> pa.Table:
    columns: dict[str, Any] = {name: pa.nulls(len(ids), LABELS.field(name).type) for name in LABELS.names}
    truth = pa.array(made.truth.astype(np.int64))
    observed = pa.array(at_us + int(timedelta(hours=1).total_seconds() * 1e6)).cast(LABELS.field("at").type)
    columns |= {"prediction_id": ids, "label": truth.cast(pa.string()), "label_text": truth.cast(pa.string())}
    columns |= {"label_number": truth.cast(pa.float64()), "observed_at": observed, "at": observed}
    columns["source"] = pa.repeat("natural", len(ids))
    return pa.table(columns, schema=LABELS)


def _replay(root: Path, version: ModelVersion) -> ReplayReport:
    now = datetime.now(UTC)
    replay = Replay(
        id="e-replay-1", endpoint="e", candidate="m:2", champion="m:1", state="running", created_at=now,
        created_by="bench", heard_at=now,
    )  # fmt: skip
    champion = ModelVersion(**{**{name: getattr(version, name) for name in version.__struct_fields__}, "version": 1})
    scratch = root / "scratch"
    scratch.mkdir()
    replaying = Replaying(
        ReplayPlan(replay, champion, version, deadline_seconds=1.0), root / "log", root / "artifacts", scratch,
        lambda: datetime.now(UTC),
    )  # fmt: skip
    try:
        return replaying.run(lambda _done, _total: None)
    finally:
        replaying.close()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay.run", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--model", choices=_MODELS, default="logistic")
    parser.add_argument("--labels", action="store_true", help="every row has a label, so quality is compared too")
    parser.add_argument("--folder", default=None, help="where to work; default: the system's temporary folder")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
