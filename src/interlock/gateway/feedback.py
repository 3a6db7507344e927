"""What callers tell after the answer: labels, decisions and rewards, minutes or months later.

What the three have in common: each entry names a prediction, or the caller's own request and row; each is judged alone,
so that a bad one does not cost the others; and what is acknowledged is on the disk. Nothing here asks whether there is
such a prediction: it may be on its way from another machine, and readers of the log join what belongs together.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from interlock.domain.errors import InvalidInputError
from interlock.gateway import lenient_json
from interlock.gateway.columns import MAX_ROWS
from interlock.gateway.event_times import plausible
from interlock.gateway.exchange import JSON, Answer
from interlock.gateway.faults import shown
from interlock.gateway.metrics import Metrics
from interlock.gateway.recording import Recorder
from interlock.predictions.records import FeedbackRecord, encoder

_MOST = MAX_ROWS
_LONGEST = 256
_KEY_FIELDS = ("prediction_id", "request_id", "request_row", "observed_at", "source", "weight")

Entry = dict[str, Any]
"""One label, decision or reward as JSON."""


class Key(NamedTuple):
    """What an entry is about, when it was seen, by whom, and how much it counts."""

    prediction_id: str | None
    request_id: str | None
    request_row: int
    observed_at_us: int
    source: str
    weight: float


@dataclass(frozen=True, slots=True)
class Noun:
    """One kind of feedback.

    Args:
        name: Of one entry: `label`.
        entries: Reads a body; the entries are still as they came.
        fields: What an entry says besides its key.
        source: Who says so, where an entry does not tell.
        read: From key and entry to a member of the record.
        record: From endpoint, time in microseconds and members to what is written.
    """

    name: str
    entries: Callable[[bytes], list[Entry]]
    fields: tuple[str, ...]
    source: str
    read: Callable[[Key, Entry], Any]
    record: Callable[[str, int, list[Any]], FeedbackRecord]


class Rejected(msgspec.Struct, gc=False):
    """An entry that was not taken, and why."""

    index: int
    error: str


class FeedbackAnswer(msgspec.Struct, gc=False):
    """The JSON of an answer."""

    accepted: int
    rejected: list[Rejected]


_encoder = msgspec.json.Encoder()


class Feedback:
    """Takes feedback for endpoints."""

    def __init__(self, spool: Recorder, metrics: Metrics) -> None:
        self._spool, self._metrics = spool, metrics

    async def accept(self, endpoint: str, noun: Noun, body: bytes) -> Answer:
        """Keep the good entries of a request.

        Raises:
            InvalidInputError: The body is not of the right shape.
            UnrecordedError: They could not be written; none was taken.
        """
        given = noun.entries(body)
        if not 1 <= len(given) <= _MOST:
            raise InvalidInputError(f"{noun.name}s has {len(given)} entries, must have 1 to {_MOST}")
        now_us = time.time_ns() // 1000
        good: list[Any] = []
        rejected: list[Rejected] = []
        for index, entry in enumerate(given):
            try:
                good.append(noun.read(_key(entry, noun, now_us), entry))
            except InvalidInputError as error:
                rejected.append(Rejected(index, str(error)))
        if good:
            record = encoder.encode(noun.record(endpoint, now_us, good))
            self._spool.append(record, rows=0, endpoint=endpoint, to_be_synced=True)
            await asyncio.to_thread(self._spool.sync)
            self._metrics.told(endpoint, noun.name, len(good))
        return Answer(_encoder.encode(FeedbackAnswer(len(good), rejected)), 200, [JSON])


def reader_of(kind: type[msgspec.Struct], name: str) -> Callable[[bytes], list[Entry]]:
    """How a body of a kind is read.

    Args:
        kind: Of the body.
        name: Of its member with the entries.
    """
    decoder = msgspec.json.Decoder(kind)

    def entries(body: bytes) -> list[Entry]:
        found: list[Entry] = getattr(lenient_json.decode(body, decoder, kind), name)
        return found

    return entries


def number(name: str, value: Any) -> int | float:
    """A number that the log can hold.

    Raises:
        InvalidInputError: It is none.
    """
    if (type(value) is int and -(2**63) <= value < 2**63) or (type(value) is float and math.isfinite(value)):
        return value
    raise InvalidInputError(f"{name} == {shown(value)}, must be a number")


def text(name: str, value: Any) -> str | None:
    """A text that is neither empty nor long, or None where there is none.

    Raises:
        InvalidInputError: It is something else.
    """
    if value is None or (isinstance(value, str) and 0 < len(value) <= _LONGEST):
        return value
    raise InvalidInputError(f"{name} == {shown(value)}, must be a text of 1 to {_LONGEST} characters")


def _key(entry: Entry, noun: Noun, now_us: int) -> Key:
    known = (*_KEY_FIELDS, *noun.fields)
    for name in entry:
        if name not in known:
            raise InvalidInputError(f"{shown(name)} is not known; a {noun.name} has {', '.join(known)}")
    for name in noun.fields:
        if name not in entry:
            raise InvalidInputError(f"{name} is missing")
    prediction_id, request_id = text("prediction_id", entry.get("prediction_id")), entry.get("request_id")
    if (prediction_id is None) == (request_id is None):
        raise InvalidInputError("must have prediction_id, or request_id (with request_row), and not both")
    observed_at = entry.get("observed_at")
    return Key(
        prediction_id,
        text("request_id", request_id),
        _row(entry.get("request_row", 0)),
        now_us if observed_at is None else plausible("observed_at", observed_at, now_us),
        text("source", entry.get("source")) or noun.source,
        _weight(entry.get("weight", 1.0)),
    )


def _row(value: Any) -> int:
    if type(value) is int and 0 <= value < MAX_ROWS:
        return value
    raise InvalidInputError(f"request_row == {shown(value)}, must be a row of the request, counted from 0")


def _weight(value: Any) -> float:
    if type(value) in (int, float) and 0 <= value < math.inf:
        return float(value)
    raise InvalidInputError(f"weight == {shown(value)}, must be a number, 0 or more")
