"""Labels, decisions or rewards from a file: first which predictions its rows mean, then what they say.

The server matches the keys of all rows at once and streams back what each row means; then the file is read again beside
that answer, and sent. Of a file of any size a few thousand rows are in memory.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

import pyarrow as pa

from interlock.client.column_file import Block, ColumnFile
from interlock.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from interlock.client.client import Client

Noun = Literal["labels", "decisions", "rewards"]
Row = dict[str, Any]
Outcome = Literal["matched", "unmatched", "ambiguous"]

_VALUE: Mapping[Noun, str] = {"labels": "label", "decisions": "decision", "rewards": "value"}
_IDS = ("prediction_id", "request_id", "request_row")
_MORE = ("source", "weight")
_SHOWN = 100
_TYPES = {"BOOL": pa.bool_(), "BYTES": pa.string(), "INT32": pa.int64(), "INT64": pa.int64()}

_ASKED = pa.schema(
    [("prediction_id", pa.string()), ("request_id", pa.string()), ("request_row", pa.int32()), ("key", pa.string()),
     ("event_at", pa.timestamp("us", tz="UTC"))]
)  # fmt: skip


@dataclass(slots=True)
class FileOutcome:
    """What became of a file. Rows count from 0; of each kind the first hundred are named.

    Args:
        matched, unmatched, ambiguous: Rows that mean one prediction, none of the log (yet), or several.
        accepted, rejected: Rows that the gateway took, and those it refused, as `{"index", "error"}`.
        seen: Rows of which one knows that, or that they are not sent.
    """

    matched: int = 0
    unmatched: int = 0
    ambiguous: int = 0
    accepted: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    unmatched_rows: list[int] = field(default_factory=list)
    ambiguous_rows: list[int] = field(default_factory=list)
    seen: int = 0

    @property
    def rows(self) -> int:
        """All rows of the file."""
        return self.matched + self.unmatched + self.ambiguous

    def count(self, outcome: Outcome, row: int) -> None:
        """Add a row."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        named = {"unmatched": self.unmatched_rows, "ambiguous": self.ambiguous_rows}.get(outcome)
        if named is not None and len(named) < _SHOWN:
            named.append(row)


class FeedbackFile:
    """A file of labels, decisions or rewards.

    Args:
        path: CSV or Parquet of any size; JSON and JSON lines are read as a whole. It has what is told in a column
            `label`, `decision` or `value`, and for whom in `prediction_id`, or `request_id` (with `request_row`, else
            its first row), or in the column `on`. Optional: `observed_at`, `source`, `weight`.
        noun: What it holds.
        on: Column with the business key of the endpoint.
        time_column: Column that says when it was observed, if not `observed_at`. By key it is the time of the event.
        reward: Name of the rewards, if no column `name` has it.
        source: Who says so, where no column `source` does.

    Raises:
        InvalidInputError: It cannot be read, or lacks a column.
    """

    def __init__(
        self,
        path: Path,
        noun: Noun = "labels",
        *,
        on: str | None = None,
        time_column: str | None = None,
        reward: str | None = None,
        source: str | None = None,
    ) -> None:
        self._file, self._noun, self._on = ColumnFile(path), noun, on
        names = self._file.names
        self._time = time_column or ("observed_at" if "observed_at" in names else None)
        self._fixed = {name: value for name, value in (("name", reward), ("source", source)) if value is not None}
        self._ids = [] if on is not None else [name for name in _IDS if name in names]
        self._keys = [
            *self._ids,
            *(["request_row"] if "request_id" in self._ids and "request_row" not in names else []),
        ]
        self._more = [name for name in _MORE if name in names and name not in self._fixed]
        if noun == "rewards" and reward is None:
            self._more.append("name")
        self._check(time_column)

    def send(self, client: "Client", endpoint: str, *, fresh: bool = True) -> Iterator[FileOutcome]:
        """Match and send; gives the outcome so far: after the match, then after each request.

        Args:
            client: Whom to tell.
            endpoint: Its name.
            fresh: Match with everything acknowledged before.

        Raises:
            InterlockError: As the server says; or a time in the file is none, and then nothing was sent.
        """
        outcome = FileOutcome()
        with tempfile.TemporaryFile() as matches:
            self._match(client, endpoint, matches, fresh=fresh)
            for row, (what, _) in enumerate(_matches(matches)):
                outcome.count(what, row)
            yield outcome
            found = _matches(matches)
            for block in self._blocks(_value_type(client, endpoint, self._noun)):
                rows = [self._entry(*each) for each in zip(_rows(block), found, strict=False)]
                _send(client, endpoint, self._noun, rows, outcome)
                yield outcome

    def _match(self, client: "Client", endpoint: str, matches: IO[bytes], *, fresh: bool) -> None:
        """Ask which predictions the rows mean; the answer goes to a file."""
        query = {"fresh": str(fresh).lower(), **({"on": self._on} if self._on is not None else {})}
        path = f"/api/v1/endpoints/{quote(endpoint, safe='')}/labels/match?{urlencode(query)}"
        with tempfile.TemporaryFile() as asked:
            self._write_keys(asked)
            length = asked.tell()
            asked.seek(0)
            with client.control.stream("POST", path, asked, length) as answer:
                shutil.copyfileobj(answer, matches)

    def _write_keys(self, file: IO[bytes]) -> None:
        names = ["key", "event_at"] if self._on is not None else self._keys
        schema = pa.schema([_ASKED.field(name) for name in names])
        columns = [name for name in (self._on, *self._ids, self._time) if name is not None]
        with pa.ipc.new_stream(file, schema) as writer:
            for block in self._file.blocks(list(dict.fromkeys(columns))):
                keys = [self._key(row) for row in _rows(block)]
                writer.write_table(pa.Table.from_pylist(keys, schema=schema))

    def _key(self, row: Row) -> Row:
        at = self._observed_at(row)
        if self._on is not None:
            return {"key": _text(row[self._on]), "event_at": at}
        first_row = {"request_row": 0} if "request_row" in self._keys else {}
        return first_row | {
            name: _integer(row[name]) if name == "request_row" else _text(row[name]) for name in self._ids
        }

    def _blocks(self, likely: pa.DataType) -> Iterator[Block]:
        columns = [*self._ids, _VALUE[self._noun], *self._more, *([self._time] if self._time else [])]
        return self._file.blocks(list(dict.fromkeys(columns)), value=_VALUE[self._noun], likely=likely)

    def _entry(self, row: Row, match: tuple[Outcome, str | None]) -> Row | None:
        """What is sent of a row: nothing if its key means no one prediction."""
        if self._on is not None:
            if match[0] != "matched":
                return None
            key: Row = {"prediction_id": match[1]}
        else:
            key = self._key(row)
        at = self._observed_at(row)
        entry = {**self._fixed, **key, _VALUE[self._noun]: _plain(row[_VALUE[self._noun]])}
        entry |= {name: _number(row[name]) if name == "weight" else _text(row[name]) for name in self._more}
        entry["observed_at"] = at.isoformat() if at is not None else None
        return {name: value for name, value in entry.items() if value is not None or name == _VALUE[self._noun]}

    def _observed_at(self, row: Row) -> datetime | None:
        value: Any = row[self._time] if self._time is not None else None
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError as error:
                rule = "must be a time like 2013-07-01T00:00:00Z; without a zone it is UTC"
                raise InvalidInputError(f"{self._time} == {value[:60]!r}, {rule}") from error
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(0))
        if value is not None and not isinstance(value, datetime):
            raise InvalidInputError(f"{self._time} == {value!r}, must be a column of times")
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    def _check(self, time_column: str | None) -> None:
        names, faults = self._file.names, []
        wanted = [_VALUE[self._noun], *(each for each in (self._on, time_column) if each is not None)]
        faults += [f"the file has no column {name!r}" for name in wanted if name not in names]
        if "name" in self._more and "name" not in names:
            faults.append("the file has no column 'name'; say the name of the reward, or add one")
        if self._on is None and not {"prediction_id", "request_id"} & set(names):
            faults.append("the file has neither a column 'prediction_id' nor 'request_id'; name its key with --on")
        if faults:
            raise InvalidInputError(*faults, f"it has: {', '.join(names)}")


def _send(client: "Client", endpoint: str, noun: Noun, rows: list[Row | None], outcome: FileOutcome) -> None:
    numbers = [outcome.seen + number for number, row in enumerate(rows) if row is not None]
    if numbers:
        answer = client.tell(endpoint, noun, [row for row in rows if row is not None])
        outcome.accepted += answer["accepted"]
        outcome.rejected += [{**each, "index": numbers[each["index"]]} for each in answer["rejected"]]
    outcome.seen += len(rows)


def _matches(file: IO[bytes]) -> Iterator[tuple[Outcome, str | None]]:
    """Outcome and prediction of each row, in their order."""
    file.seek(0)
    with pa.ipc.open_stream(file) as reader:
        for batch in reader:
            yield from zip(batch["outcome"].to_pylist(), batch["prediction_id"].to_pylist(), strict=True)


def _rows(block: Block) -> Iterator[Row]:
    for values in zip(*block.values(), strict=True):
        yield dict(zip(block, values, strict=True))


def _value_type(client: "Client", endpoint: str, noun: Noun) -> pa.DataType:
    """What a value of a file without types most likely is: what the model answers."""
    if noun == "rewards":
        return pa.float64()
    outputs = {output["name"]: output["datatype"] for output in client.metadata(endpoint)["outputs"]}
    return _TYPES.get(outputs.get("label") or outputs.get("prediction", ""), pa.float64())


def _text(value: Any) -> str | None:
    """A key as text: `3` for 3.0 too, as files that lack some keys tend to have them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _integer(value: Any) -> int:
    try:
        return 0 if value is None else int(value)
    except ValueError as error:
        raise InvalidInputError(f"request_row == {value!r}, must be a row of the request, counted from 0") from error


def _number(value: Any) -> Any:
    try:
        return None if value is None else float(value)
    except ValueError:
        return value  # the gateway names it


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
