"""How many rows a second a training set is read with from the log, joined with labels, and in how much memory.

Usage: `python -m benchmarks.learning.run [--rows N] [--columns N]`. It makes a log in a folder of its own, reads it as
a run of retraining does (`learning.dataset`), and then the rows as a trainer does (`TrainingContext.batches`). Every
row has a label. Where others use the processors too, the figures by processor time are the ones to read.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from interlock.domain.contract import Contract, Field
from interlock.domain.retraining import Retraining
from interlock.learning import dataset, workspace
from interlock.learning.context import Parent, Task, TrainingContext
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_COMMIT_ROWS = 100_000
_GOAL = 1_000_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure once and print what came of it."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="interlock-bench-", dir=options.folder) as folder:
        root, contract = Path(folder), _contract(options.columns)
        _apart(_fill, root, options.rows, contract)  # its memory is not the reader's
        run = root / "run"
        workspace.prepare(run)
        before = _megabytes()
        reading = _measured(lambda: dataset.read(_source(root, contract), Retraining(), run))
        read_memory = _megabytes()
        streaming = _measured(lambda: _stream(run, contract))
        size = sum(path.stat().st_size for path in run.glob("*.parquet"))
    found = {
        "rows": options.rows,
        "columns": options.columns,
        "reading": _figures(options.rows, reading),
        "batches": _figures(options.rows, streaming),
        "goal": _GOAL,
        "training_set_mb": size // 2**20,
        "memory_before_mb": before,
        "most_memory_reading_mb": read_memory,
        "most_memory_mb": _megabytes(),
    }
    print(json.dumps(found, indent=None if options.json else 2))


def _contract(columns: int) -> Contract:
    return Contract(
        inputs=tuple(Field(name=f"f{number:02d}", datatype="FP64") for number in range(columns)),
        outputs=(Field(name="label", datatype="INT64"), Field(name="probabilities", datatype="FP64", shape=(2,))),
        task="binary",
        classes=(0, 1),
    )


def _source(root: Path, contract: Contract) -> dataset.Source:
    return dataset.Source(root=root / "log", endpoint="e", contract=contract, pinned_at=datetime.now(UTC))


def _apart(work: Callable[..., None], *arguments: Any) -> None:
    from multiprocessing import get_context

    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit("the log could not be made")


def _fill(root: Path, rows: int, contract: Contract) -> None:
    log = DeltaLog(root / "log")
    for number, start in enumerate(range(0, rows, _COMMIT_ROWS), start=1):
        rng = np.random.default_rng(number)
        size = min(_COMMIT_ROWS, rows - start)
        # Ids begin with their time, as the gateway's do.
        ids = pa.array([f"{start + at:012x}-{number:04x}" for at in range(size)])
        at_us = int(_BEGAN.timestamp() * 1e6) + np.arange(start, start + size, dtype=np.int64) * 100_000
        log.append("predictions", "e", _predictions(ids, at_us, rng, contract), {"bench": number})
        log.append("labels", "e", _labels(ids, at_us, rng), {"bench": number})


def _predictions(ids: pa.Array, at_us: np.ndarray[Any, Any], rng: np.random.Generator, contract: Contract) -> pa.Table:
    rows = len(ids)
    constant = {"assigned_version": "m:1", "version": "m:1", "role": "champion", "attempt_status": "ok"}
    columns: dict[str, Any] = {name: pa.nulls(rows, PREDICTIONS.field(name).type) for name in PREDICTIONS.names}
    columns |= {name: pa.repeat(pa.scalar(value), rows) for name, value in constant.items()}
    times = pa.array(at_us).cast(PREDICTIONS.field("at").type)
    columns |= {"prediction_id": ids, "request_id": ids, "unit": ids, "at": times, "event_at": times}
    columns |= {"propensity": pa.repeat(1.0, rows), "date": times.cast(pa.date32())}
    columns |= {f"input.{field.name}": pa.array(rng.normal(size=rows)) for field in contract.inputs}
    columns["output.label"] = pa.array(rng.integers(0, 2, rows))
    both = np.full(2 * rows, 0.5)
    columns["output.probabilities"] = pa.ListArray.from_arrays(np.arange(0, 2 * rows + 1, 2, dtype=np.int32), both)
    return pa.table(columns)


def _labels(ids: pa.Array, at_us: np.ndarray[Any, Any], rng: np.random.Generator) -> pa.Table:
    columns: dict[str, Any] = {name: pa.nulls(len(ids), LABELS.field(name).type) for name in LABELS.names}
    truth = pa.array(rng.integers(0, 2, len(ids)))
    observed = pa.array(at_us + int(timedelta(hours=1).total_seconds() * 1e6)).cast(LABELS.field("at").type)
    columns |= {"prediction_id": ids, "label": truth.cast(pa.string()), "label_text": truth.cast(pa.string())}
    columns |= {"label_number": truth.cast(pa.float64()), "observed_at": observed, "at": observed}
    return pa.table(columns, schema=LABELS)


def _stream(run: Path, contract: Contract) -> None:
    """Read the training rows as a trainer that holds a batch at a time."""
    task = Task(
        endpoint="e", folder=str(run), trainer="sklearn", mode="scratch", seed=0, label="label", contract=contract,
        log="", parent=Parent(ref="m:1", model_format="onnx", path=""),
    )  # fmt: skip
    for batch in TrainingContext(task).batches():
        np.column_stack([batch[field.name].to_numpy() for field in contract.inputs]).sum()


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    began, processor = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - began, time.process_time() - processor


def _figures(rows: int, seconds: tuple[float, float]) -> dict[str, float]:
    clock, processor = seconds
    return {
        "seconds": round(clock, 2),
        "processor_seconds": round(processor, 2),
        "rows_per_second": round(rows / clock),
        "rows_per_processor_second": round(rows / processor),
    }


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.run", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--folder", default=None, help="where to work; default: the system's temporary folder")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
