"""Labels: what turned out to be true, sent by callers minutes or months after the prediction.

Each is judged alone: good ones are kept, bad ones are named with their index. What is acknowledged is on the disk.
"""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

import msgspec

from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError
from interlock.gateway import lenient_json
from interlock.gateway.columns import MAX_ROWS
from interlock.gateway.event_times import plausible
from interlock.gateway.exchange import JSON, Answer
from interlock.gateway.faults import shown
from interlock.gateway.metrics import Metrics
from interlock.gateway.recording import Recorder
from interlock.predictions.records import Label, LabelsRecord, encoder

_MOST_LABELS = MAX_ROWS
_LONGEST = 256
_FIELDS = ("prediction_id", "request_id", "request_row", "label", "observed_at", "source", "weight")


class LabelsRequest(msgspec.Struct, gc=False):
    """The JSON of a request. Each label is looked at by itself, so that one bad one does not cost the others."""

    labels: list[dict[str, Any]]


class Rejected(msgspec.Struct, gc=False):
    """A label that was not taken, and why."""

    index: int
    error: str


class LabelsAnswer(msgspec.Struct, gc=False):
    """The JSON of an answer."""

    accepted: int
    rejected: list[Rejected]


_decoder = msgspec.json.Decoder(LabelsRequest)
_encoder = msgspec.json.Encoder()


class Labels:
    """Takes labels for endpoints."""

    def __init__(self, spool: Recorder, metrics: Metrics) -> None:
        self._spool, self._metrics = spool, metrics

    async def accept(self, endpoint: str, contract: Contract, body: bytes) -> Answer:
        """Keep the good labels of a request.

        Raises:
            InvalidInputError: The body is not of the right shape.
            UnrecordedError: They could not be written; none was taken.
        """
        given = lenient_json.decode(body, _decoder, LabelsRequest).labels
        if not 1 <= len(given) <= _MOST_LABELS:
            raise InvalidInputError(f"labels has {len(given)} entries, must have 1 to {_MOST_LABELS}")
        read_value = label_reader(contract)
        now_us = time.time_ns() // 1000
        labels: list[Label] = []
        rejected: list[Rejected] = []
        for index, entry in enumerate(given):
            try:
                labels.append(_label(entry, now_us, read_value))
            except InvalidInputError as error:
                rejected.append(Rejected(index, str(error)))
        if labels:
            record = encoder.encode(LabelsRecord(endpoint, now_us, labels))
            self._spool.append(record, rows=0, endpoint=endpoint, to_be_synced=True)
            await asyncio.to_thread(self._spool.sync)
            self._metrics.labelled(endpoint, len(labels))
        return Answer(_encoder.encode(LabelsAnswer(len(labels), rejected)), 200, [JSON])


def label_reader(contract: Contract) -> Callable[[Any], Any]:
    """How a label of this contract is read: a class as in training, or a number."""
    if contract.is_classifier and contract.classes:
        classes = {value: value for value in contract.classes}
        listed = ", ".join(shown(value) for value in contract.classes[:20])

        def read_class(value: Any) -> Any:
            if isinstance(value, str | bool | int | float) and value in classes:
                return classes[value]
            raise InvalidInputError(f"label == {shown(value)}, must be one of {listed}")

        return read_class
    return _number if contract.task == "regression" else _scalar


def _number(value: Any) -> Any:
    if type(value) in (int, float) and math.isfinite(value):
        return value
    raise InvalidInputError(f"label == {shown(value)}, must be a number")


def _scalar(value: Any) -> Any:
    if isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise InvalidInputError(f"label == {shown(value)}, must be a text, a number or a truth value")


def _label(entry: dict[str, Any], now_us: int, read_value: Callable[[Any], Any]) -> Label:
    for name in entry:
        if name not in _FIELDS:
            raise InvalidInputError(f"{shown(name)} is not known; a label has {', '.join(_FIELDS)}")
    if "label" not in entry:
        raise InvalidInputError("label is missing")
    prediction_id, request_id = _text(entry, "prediction_id"), _text(entry, "request_id")
    if (prediction_id is None) == (request_id is None):
        raise InvalidInputError("must have prediction_id, or request_id (with request_row), and not both")
    observed_at = entry.get("observed_at")
    return Label(
        prediction_id,
        request_id,
        _row(entry.get("request_row", 0)),
        read_value(entry["label"]),
        now_us if observed_at is None else plausible("observed_at", observed_at, now_us),
        _text(entry, "source") or "natural",
        _weight(entry.get("weight", 1.0)),
    )


def _text(entry: dict[str, Any], name: str) -> str | None:
    value = entry.get(name)
    if value is None or (isinstance(value, str) and 0 < len(value) <= _LONGEST):
        return value
    raise InvalidInputError(f"{name} == {shown(value)}, must be a text of 1 to {_LONGEST} characters")


def _row(value: Any) -> int:
    if type(value) is int and 0 <= value < MAX_ROWS:
        return value
    raise InvalidInputError(f"request_row == {shown(value)}, must be a row of the request, counted from 0")


def _weight(value: Any) -> float:
    if type(value) in (int, float) and 0 <= value < math.inf:
        return float(value)
    raise InvalidInputError(f"weight == {shown(value)}, must be a number, 0 or more")
