"""A pinned version of the log becomes the rows of a run: those to learn from, and the newest, held out.

Called by the run's process. Rows are read, sorted by event and divided in batches, so that memory stays bounded however
long the log is. The two sides are divided by time, never by chance: a model is judged on what came after.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError
from interlock.domain.retraining import DataWindow, Retraining
from interlock.learning import kept_images, truth
from interlock.predictions.joined import joined, reward_names
from interlock.predictions.log_schema import TIME, field_name, field_types
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import quoted

TRAINING, HELD_OUT = "training.parquet", "heldout.parquet"
"""Files of a run's folder: columns `input.<name>`, `reward.<name>`, and those of `FACTS`."""

_LABELLED = "labelled.parquet"
_BATCH_ROWS = 50_000
# Beyond it DuckDB spills into the run's folder.
_MEMORY = "1GB"

FACTS = ("label", "weight", "event_at", "observed_at", "unit")
"""Columns of both files beside inputs and rewards. `unit`: the sticky key, or the request where none was sent."""

_SAID = ("label_text", "label_number", "observed_at", "label_weight", "label_source")

# Rows that were chosen to be labelled because they teach: they do, each as much as any other. They judge only where all
# rows had the same chance to be chosen, as the gates of a release have it.
_CHOSEN = "coalesce(label_source = 'annotator', false)"
_PREPARED = (
    "label_text", "label_number", "observed_at",
    f"CASE WHEN {_CHOSEN} THEN 1.0 ELSE label_weight END AS label_weight",
    f"coalesce(NOT {_CHOSEN} OR label_weight = 1, false) AS may_judge",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """What is read.

    Args:
        root: Root of the pin.
        endpoint: Whose.
        contract: Of the champion.
        pinned_at: A label observed later is from the future.
        after: Only events after it, where a model goes on from what it has learnt.
        unseen_after: Events up to it taught the champion, and cannot judge it.
    """

    root: Path
    endpoint: str
    contract: Contract
    pinned_at: datetime
    after: datetime | None = None
    unseen_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """What was read. Times are of events. `unusable` and `future` are labels that were left out, `unkept` rows without
    their image.
    """

    training: int
    held_out: int
    since: datetime
    trained_until: datetime
    held_out_since: datetime
    until: datetime
    unusable: int
    future: int
    unkept: int


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """Labels from the future, and labelled rows of which the log kept no image."""

    future: int
    unkept: int


def read(source: Source, settings: Retraining, folder: Path) -> Rows:
    """Write `TRAINING` and `HELD_OUT` into a folder.

    Raises:
        InvalidInputError: There are no labels, too few rows, or the log lacks an input.
    """
    left_out = _extract(source, folder)
    division = _divide(source, settings, folder / _LABELLED, left_out)
    rows = _Writer(source, settings, division).write(folder, left_out)
    (folder / _LABELLED).unlink()
    if rows.held_out < settings.fewest_heldout or not rows.training:
        raise InvalidInputError(
            f"{rows.held_out} labelled rows could be held out and {rows.training} learnt from; "
            f"at least {settings.fewest_heldout} are needed to judge by; wait for more labels"
        )
    return rows


def read_all(source: Source, settings: Retraining, folder: Path) -> int:
    """Write all usable labelled rows into `TRAINING` of a folder, in order of their events, whatever the window.

    Returns:
        How many.

    Raises:
        InvalidInputError: There are no labels, or the log lacks an input.
    """
    left_out = _extract(source, folder)
    whole = msgspec.structs.replace(settings, window=DataWindow(half_life_days=settings.window.half_life_days))
    division = _divide(source, whole, folder / _LABELLED, left_out)
    written = _Writer(source, whole, division).write_all(folder)
    (folder / _LABELLED).unlink()
    return written


def _extract(source: Source, folder: Path) -> _LeftOut:
    """Write `_LABELLED`."""
    tables = LogTables(source.root, memory=_MEMORY)
    try:
        spill = str(folder / "spill").replace("'", "''")
        tables.database.execute(f"SET temp_directory = '{spill}'")
        return _Extraction(tables, source).write(folder / _LABELLED)
    finally:
        tables.close()


class _Extraction:
    """Labelled rows in order of their events, in one file, columns by the position of their field."""

    def __init__(self, tables: LogTables, source: Source) -> None:
        self._tables, self._source = tables, source
        self._rewards = reward_names(tables, source.endpoint)
        rewards = [f"reward.{name}" for name in self._rewards]
        self._joined = joined(
            tables,
            source.endpoint,
            tables.predictions(source.endpoint),
            self._rewards,
            wanted=(*_SAID, *rewards),
        )

    def write(self, path: Path) -> _LeftOut:
        """Write the file."""
        until, after = _micros(self._source.pinned_at), self._source.after
        past = f"observed_at <= make_timestamptz({until})"
        new = "true" if after is None else f"event_at > make_timestamptz({_micros(after)})"
        kept = self._kept()
        rows = self._tables.database.sql(
            f"SELECT {self._columns()} FROM ({self._joined}) "  # noqa: S608
            f"WHERE label_text IS NOT NULL AND {past} AND {new} AND {kept} ORDER BY event_at, prediction_id"
        )
        reader = rows.to_arrow_reader(_BATCH_ROWS)
        with pq.ParquetWriter(path, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        unkept = 0 if kept == "true" else self._count(f"{past} AND {new} AND NOT ({kept})")
        return _LeftOut(self._count(f"NOT ({past})"), unkept)

    def _count(self, condition: str) -> int:
        found = self._tables.database.execute(
            f"SELECT count(*) FROM ({self._joined}) WHERE label_text IS NOT NULL AND {condition}"  # noqa: S608
        ).fetchone()
        return int(found[0]) if found else 0

    def _kept(self) -> str:
        """As SQL: the log kept every image of a row. Which ones it keeps is drawn, so the others are no other rows."""
        present = self._tables.columns("predictions", self._source.endpoint)
        images = [_column(field, present) for field in kept_images.fields(self._source.contract)]
        return " AND ".join(f"{name} IS NOT NULL" for name in images) or "true"

    def _columns(self) -> str:
        present = self._tables.columns("predictions", self._source.endpoint)
        inputs = [f"{_column(field, present)} AS i{at}" for at, field in enumerate(self._source.contract.inputs)]
        rewards = [f"{quoted(f'reward.{name}')} AS {quoted(f'reward.{name}')}" for name in self._rewards]
        unit = "coalesce(unit, request_id, prediction_id) AS unit"
        return ", ".join([*inputs, *rewards, *_PREPARED, "event_at", unit])


def _column(field: Field, present: pa.Schema) -> str:
    """The log's column of an input, as SQL; of several, whose types differ, the one of the contract's type."""
    name = f"input.{field.name}"
    wanted = field_types(Contract(inputs=(field,), outputs=()))[name]
    found = [column for column in present if field_name(column) == name]
    if not found:
        if field.nullable or field.is_parameter:
            return "NULL"
        raise InvalidInputError(f"the log of the endpoint lacks input {field.name!r}; nothing can be learnt from it")
    fitting = [column for column in found if column.type == wanted]
    return quoted((fitting or found)[0].name)


@dataclass(frozen=True, slots=True)
class _Division:
    """Rows of the file: the first that is learnt from, the first held out; and the times of all."""

    first: int
    cut: int
    events: NDArray[np.int64] = field(repr=False)


def _divide(source: Source, settings: Retraining, path: Path, left_out: _LeftOut) -> _Division:
    events = pq.read_table(path, columns=["event_at"])["event_at"].cast(TIME).cast(pa.int64()).to_numpy()
    if not len(events) and left_out.unkept:
        names = ", ".join(f"input.{field.name}" for field in kept_images.fields(source.contract))
        raise InvalidInputError(
            f"the log kept the images ({names}) of none of {left_out.unkept} labelled rows, and nothing can be learnt "
            f"from rows without; have it keep them (`interlock endpoint change {source.endpoint} --images all`)"
        )
    if not len(events):
        since = "" if source.after is None else f" of events after {source.after:%Y-%m-%d %H:%M} UTC"
        raise InvalidInputError(f"no labels{since} have come; send them to the endpoint, then ask again")
    first = _first(events, settings.window)
    at = min(first + int((len(events) - first) * (1 - settings.holdout)), len(events) - 1)
    # Rows of one time stay on one side.
    cut = int(np.searchsorted(events, events[at], side="left"))
    if source.unseen_after is not None:
        cut = max(cut, int(np.searchsorted(events, _micros(source.unseen_after), side="right")))
    return _Division(first, cut, np.asarray(events, dtype=np.int64))


def _first(events: NDArray[np.int64], window: DataWindow) -> int:
    first = 0
    if window.days is not None:
        since = int(events[-1]) - round(timedelta(days=window.days) / timedelta(microseconds=1))
        first = int(np.searchsorted(events, since, side="left"))
    if window.rows is not None:
        first = max(first, len(events) - window.rows)
    return first


class _Writer:
    """The file of all rows becomes the two files."""

    def __init__(self, source: Source, settings: Retraining, division: _Division) -> None:
        self._source, self._settings, self._division = source, settings, division
        self._unusable = 0

    def write(self, folder: Path, left_out: _LeftOut) -> Rows:
        division = self._division
        written = {}
        for name, start, stop in (
            (TRAINING, division.first, division.cut),
            (HELD_OUT, division.cut, len(division.events)),
        ):
            written[name] = self._write(folder, name, start, stop)
        last = len(division.events) - 1
        return Rows(
            training=written[TRAINING],
            held_out=written[HELD_OUT],
            since=_time(division.events[division.first]),
            trained_until=_time(division.events[max(division.cut - 1, 0)]),
            held_out_since=_time(division.events[min(division.cut, last)]),
            until=_time(division.events[last]),
            unusable=self._unusable,
            future=left_out.future,
            unkept=left_out.unkept,
        )

    def write_all(self, folder: Path) -> int:
        """All rows as those to learn from. Returns how many."""
        return self._write(folder, TRAINING, 0, len(self._division.events))

    def _write(self, folder: Path, name: str, start: int, stop: int) -> int:
        file = pq.ParquetFile(folder / _LABELLED)
        schema = self._schema(file.schema_arrow)
        rows = 0
        with pq.ParquetWriter(folder / name, schema) as writer:
            for batch in between(file, start, stop):
                table = self._shaped(batch, schema)
                self._unusable += table["label"].null_count
                kept = pc.is_valid(table["label"])
                table = table.filter(pc.and_(kept, batch.column("may_judge")) if name == HELD_OUT else kept)
                rows += table.num_rows
                writer.write_table(table)
        return rows

    def _schema(self, read: pa.Schema) -> pa.Schema:
        contract = self._source.contract
        kinds = field_types(Contract(inputs=contract.inputs, outputs=()))
        inputs = [pa.field(f"input.{each.name}", kinds[f"input.{each.name}"]) for each in contract.inputs]
        rewards = [read.field(name) for name in read.names if name.startswith("reward.")]
        facts = [("label", truth.label_type(contract)), ("weight", pa.float64()), ("event_at", TIME)]
        return pa.schema([*inputs, *rewards, *facts, ("observed_at", TIME), ("unit", pa.string())])

    def _shaped(self, batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
        columns: dict[str, Any] = {
            f"input.{each.name}": batch.column(f"i{at}") for at, each in enumerate(self._source.contract.inputs)
        }
        columns |= {name: batch.column(name) for name in schema.names if name.startswith("reward.")}
        columns["label"] = truth.values(self._source.contract, batch.column("label_text"), batch.column("label_number"))
        columns["weight"] = self._weights(batch)
        columns |= {name: batch.column(name) for name in ("event_at", "observed_at", "unit")}
        try:
            arrays = [columns[each.name].cast(each.type) for each in schema]
        except pa.ArrowException as error:
            raise InvalidInputError(
                f"the log holds an input in another type than the champion takes: {error}"
            ) from error
        return pa.Table.from_arrays(arrays, schema=schema)

    def _weights(self, batch: pa.RecordBatch) -> pa.Array:
        given = pc.fill_null(batch.column("label_weight").cast(pa.float64()), 1.0)
        half_life = self._settings.window.half_life_days
        if half_life is None:
            return given
        events = batch.column("event_at").cast(TIME).cast(pa.int64()).to_numpy()
        days = (self._division.events[-1] - events) / (86_400 * 1e6)
        return pa.array(given.to_numpy() * 0.5 ** (days / half_life))


def between(file: pq.ParquetFile, start: int, stop: int) -> Iterator[pa.RecordBatch]:
    """Rows of a file from one to another, the end excluded."""
    at = 0
    for batch in file.iter_batches(_BATCH_ROWS):
        low, high = max(start - at, 0), min(stop - at, batch.num_rows)
        if low < high:
            yield batch.slice(low, high - low)
        at += batch.num_rows


def _micros(time: datetime) -> int:
    return round(time.timestamp() * 1e6)


def _time(micros: Any) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(micros))
