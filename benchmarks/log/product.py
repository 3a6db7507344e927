"""All that the benchmarks know of the log's inside: a version, a record, the tables, a collector's pass, a query.

When the spool's frames or the log's columns change, this is the file to change.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from numpy.typing import NDArray

from benchmarks.log.data import COLUMNS, Rows, make, uuids
from interlock import bootstrap
from interlock.domain.block import Block
from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.predictions import parts
from interlock.predictions.log_schema import LABELS, PARTITIONS, PREDICTIONS, TIME
from interlock.predictions.records import Assignment, PredictionRecord, encoder
from interlock.predictions.spool import Spool
from interlock.process import home
from interlock.settings import Settings
from interlock.stats.profile_bins import learn

ENDPOINT, REF = "bench", "bench:1"
DAY_US = 86_400_000_000
# Requests in one record, in turn.
_BATCHES = (1, 1, 2, 4, 8, 16, 32)
START_US = 1_767_225_600_000_000  # 2026-01-01

CONTRACT = Contract(
    inputs=tuple(Field(name=name, datatype="FP64") for name in COLUMNS),
    outputs=(Field(name="label", datatype="BOOL"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(False, True),
)


def make_home(folder: Path) -> Settings:
    """A home folder whose store knows one version with a reference profile."""
    settings = Settings(home=folder)
    home.prepare(settings)
    bootstrap.migrate(settings)
    reference = make(2_000, seed=99)
    columns = {name: reference.inputs[:, at] for at, name in enumerate(COLUMNS)} | {"output.score": reference.scores}
    version = ModelVersion(
        name=ENDPOINT,
        version=1,
        digest="0" * 64,
        model_format="onnx",
        serving_digest="0" * 64,
        serving_format="onnx",
        placement="inline",
        contract=CONTRACT,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        created_by="bench",
        profile={"spec": learn(columns, dict.fromkeys(columns, "numeric")).to_dict()},
    )
    with bootstrap.build_store(settings).transaction() as tx:
        tx.models.add(version)
    return settings


@dataclass(frozen=True)
class Batch:
    """Rows that were answered together, as the gateway has them when it comes to recording."""

    identifiers: list[str]
    at_us: int
    inputs: Block
    outputs: dict[str, NDArray[Any]]


class Recorder:
    """What a gateway does to record a batch: make the record, encode it, append it to the spool."""

    def __init__(self, settings: Settings, *, sync: bool) -> None:
        self._spool, self._sync = Spool(settings.spools / "gw0"), sync

    def __enter__(self) -> "Recorder":
        self._spool.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def record(self, batch: Batch) -> None:
        """Record requests of one row each that were answered together; when this returns they are acknowledged."""
        rows = len(batch.identifiers)
        record = PredictionRecord(
            ENDPOINT,
            REF,
            "champion",
            Assignment(None, None, REF, False, "ok", 1.0),
            batch.at_us,
            26,
            batch.identifiers,
            [None] * rows,
            [None] * rows,
            [412] * rows,
            parts.pack(batch.inputs),
            parts.pack(batch.outputs),
        )
        self._spool.append(encoder.encode(record), rows=rows, endpoint=ENDPOINT, to_be_synced=self._sync)
        if self._sync:
            self._spool.sync()

    def seal(self) -> None:
        """Hand segments over that are old or large enough."""
        self._spool.seal()


def batches(rows: Rows, sizes: Sequence[int], *, seed: int) -> Iterator[Batch]:
    """All rows, in batches of these sizes over and over."""
    at_us = START_US + np.arange(rows.count) * 1_000
    identifiers = uuids(rows.count, seed=seed, at_us=at_us).to_pylist()
    outputs = {"label": rows.scores > 0.5, "probabilities": np.column_stack([1 - rows.scores, rows.scores])}
    start, following = 0, cycle(sizes)
    while start < rows.count:
        part = slice(start, start + next(following))
        given = {name: values[part] for name, values in outputs.items()}
        yield Batch(identifiers[part], int(at_us[start]), Block(COLUMNS, rows.inputs[part]), given)
        start = part.stop


def fill_spool(settings: Settings, records: int) -> float:
    """Write rows to a spool, sealing as a gateway does, and return its size in bytes.

    Some are recorded alone and some together with others, as turns of a gateway's loop do.
    """
    with Recorder(settings, sync=False) as recorder:
        for chunk, rows in enumerate(_chunks(records, 50_000)):
            for batch in batches(make(rows, seed=chunk), _BATCHES, seed=chunk):
                recorder.record(batch)
                recorder.seal()
    return float(sum(path.stat().st_size for path in settings.spools.rglob("*.sealed")))


def collecting(settings: Settings) -> Callable[[], None]:
    """One pass of the collector: everything sealed goes to profiles, counts and the log."""
    bootstrap.preload("collector")
    return partial(bootstrap.build_collector(settings).step, commit_all=True)


def logged(settings: Settings) -> int:
    """Rows in the log."""
    return int(DeltaTable(settings.log / "predictions" / ENDPOINT).to_pyarrow_dataset().count_rows())


def compact(settings: Settings) -> int:
    """Compact the predictions, and return the bytes of what is left of them."""
    table = DeltaTable(settings.log / "predictions" / ENDPOINT)
    table.optimize.compact()
    return sum(os.stat(uri.removeprefix("file://")).st_size for uri in table.file_uris())


def write_day(settings: Settings, day: int, *, rows: int, labelled: int) -> None:
    """Write one day of predictions, and labels of some of them, straight into the log's tables.

    Args:
        day: Since the first.
        rows: Spread over the day.
        labelled: How many of them get a label, which comes an hour later.
    """
    made = make(rows, seed=day)
    at_us = START_US + day * DAY_US + np.linspace(0, DAY_US - 1, rows).astype(np.int64)
    identifiers = uuids(rows, seed=day, at_us=at_us)
    predictions = _predictions(made, identifiers, at_us, day)
    write_deltalake(
        settings.log / "predictions" / ENDPOINT, predictions, mode="append", partition_by=PARTITIONS["predictions"]
    )
    chosen = np.sort(np.random.default_rng(day).permutation(rows)[:labelled])
    labels = _labels(identifiers.take(pa.array(chosen)), made.truth[chosen], at_us[chosen] + 3_600_000_000)
    write_deltalake(settings.log / "labels" / ENDPOINT, labels, mode="append", partition_by=PARTITIONS["labels"])


def quality_between(settings: Settings, first_day: int, days: int) -> Callable[[], int]:
    """Join predictions with their labels over a range of days and measure quality, as monitoring does.

    Returns:
        Says the number of labels.
    """
    from interlock.monitoring import quality  # which the collector's process has not

    since, until = (_moment(START_US + day * DAY_US) for day in (first_day, first_day + days))
    reader = bootstrap.build_reader(settings)

    def ask() -> int:
        rows = reader.labelled(ENDPOINT, since=since, until=until, columns=quality.COLUMNS)
        return quality.measure(CONTRACT, rows).labels

    return ask


def _predictions(rows: Rows, identifiers: pa.Array, at_us: NDArray[np.int64], day: int) -> pa.Table:
    count = rows.count
    at = pa.array(at_us).cast(TIME)
    both = np.column_stack([1 - rows.scores, rows.scores]).ravel()
    plain = {"assigned_version": REF, "version": REF, "role": "champion", "attempt_status": "ok", "propensity": 1.0}
    numbers = {"request_row": 0, "latency_us": 412, "model_us": 26, "rows_in_batch": 1}
    given = {
        "prediction_id": identifiers,
        "request_id": identifiers,
        "unit": identifiers,
        "at": at,
        "event_at": at,
        "date": pa.array([_moment(START_US + day * DAY_US).date()] * count, pa.date32()),
        "release_id": pa.nulls(count, pa.string()),
        "step": pa.nulls(count, pa.int32()),
        "withheld": pa.nulls(count, pa.list_(pa.string())),
        **{name: pa.repeat(value, count) for name, value in (plain | numbers).items()},
    }
    logged = {field.name: given[field.name].cast(field.type) for field in PREDICTIONS}
    inputs = {f"input.{name}": pa.array(rows.inputs[:, number]) for number, name in enumerate(COLUMNS)}
    probabilities = pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * count + 1, 2, dtype=np.int32)), pa.array(both))
    outputs = {"output.label": pa.array(rows.scores > 0.5), "output.probabilities": probabilities}
    return pa.table(logged | inputs | outputs)


def _labels(identifiers: pa.Array, truth: NDArray[np.bool_], at_us: NDArray[np.int64]) -> pa.Table:
    at, texts = pa.array(at_us).cast(TIME), pa.array(np.where(truth, "true", "false").tolist())
    given = {
        "prediction_id": identifiers,
        "label": texts,
        "label_text": texts,
        "label_number": pa.array(truth.astype(np.float64)),
        "observed_at": at,
        "at": at,
        "source": pa.repeat("natural", len(truth)),
        "weight": pa.repeat(1.0, len(truth)),
        "request_row": pa.repeat(0, len(truth)),
        "batch_row": pa.array(np.arange(len(truth))),
    }
    return pa.table({field.name: _cast(given.get(field.name), field, len(truth)) for field in LABELS})


def _cast(column: pa.Array | None, field: pa.Field, rows: int) -> pa.Array:
    return pa.nulls(rows, field.type) if column is None else column.cast(field.type)


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)


def _chunks(total: int, size: int) -> Iterator[int]:
    for start in range(0, total, size):
        yield min(size, total - start)
