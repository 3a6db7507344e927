"""What a segment holds, as rows for the log: the step between a spool's files and everything that counts them.

Called by the collector, and by reconciliation for what still waits. The same segment always gives the same rows, also
after a restart: contracts of versions never change.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from interlock.domain.telemetry import DEVICES
from interlock.predictions import feedback_rows, prediction_rows, telemetry_rows
from interlock.predictions.delta_log import Kind
from interlock.predictions.records import (
    FailureRecord,
    FeedbackRecord,
    PredictionRecord,
    Record,
    RejectedRecord,
    TelemetryRecord,
    encoder,
)
from interlock.predictions.segments import Segment
from interlock.store.spools import SegmentRows

TypesOf = Callable[[str], Mapping[str, pa.DataType]]
"""Types of the fields of a version, `name:version`; empty for one that is not known."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Rows of one segment.

    Args:
        predictions: By endpoint and version that answered.
        feedback: Labels, decisions and rewards, by kind and endpoint; and readings of devices.
        requests: The records of answered and failed requests, in order.
        rejected: What was refused, in order.
        telemetry: What devices said, in order.
        counted: Rows by endpoint.
        set_aside: Bytes for the quarantine: no record, or a record that does not fit its version's contract.
    """

    segment: Segment
    predictions: dict[tuple[str, str], pa.Table] = field(default_factory=dict)
    feedback: dict[tuple[Kind, str], pa.Table] = field(default_factory=dict)
    requests: list[PredictionRecord | FailureRecord] = field(default_factory=list)
    rejected: list[RejectedRecord] = field(default_factory=list)
    telemetry: list[TelemetryRecord] = field(default_factory=list)
    counted: dict[str, SegmentRows] = field(default_factory=dict)
    set_aside: list[bytes] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many there are of all kinds."""
        return sum(table.num_rows for table in (*self.predictions.values(), *self.feedback.values()))

    def count(self, endpoint: str, rows: SegmentRows) -> None:
        """Add rows of an endpoint."""
        self.counted[endpoint] = self.counted.get(endpoint, SegmentRows()) + rows


def convert(segment: Segment, types_of: TypesOf, images: prediction_rows.Images | None = None) -> Contents:
    """Turn a segment's records into rows. Never fails: what does not fit is set aside and counted.

    Args:
        segment: As read.
        types_of: Types of fields.
        images: Where images go; None leaves them out, for who only counts.
    """
    contents = Contents(segment, set_aside=list(segment.damaged))
    predictions: dict[tuple[str, str], list[PredictionRecord]] = defaultdict(list)
    feedback: dict[tuple[type[FeedbackRecord], str], list[FeedbackRecord]] = defaultdict(list)
    for record in segment.records:
        if isinstance(record, RejectedRecord | TelemetryRecord):
            _add_other(contents, record)
            continue
        if isinstance(record, PredictionRecord):
            if not record.is_sound:
                _set_aside(contents, record.endpoint, [record])
                continue
            predictions[record.endpoint, record.version].append(record)
        elif isinstance(record, FeedbackRecord):
            feedback[type(record), record.endpoint].append(record)
        else:
            contents.count(record.endpoint, SegmentRows(failures=1))
        if not isinstance(record, FeedbackRecord):
            contents.requests.append(record)
    for (endpoint, version), found in predictions.items():
        _add_predictions(contents, endpoint, version, prediction_rows.convert(found, types_of(version), images))
    for (_, endpoint), given in feedback.items():
        _add_feedback(contents, endpoint, given)
    _add_readings(contents)
    return contents


def _add_other(contents: Contents, record: RejectedRecord | TelemetryRecord) -> None:
    if isinstance(record, RejectedRecord):
        contents.rejected.append(record)
    else:
        contents.telemetry.append(record)


def _add_readings(contents: Contents) -> None:
    readings = telemetry_rows.convert(contents.telemetry)
    if readings.num_rows:
        contents.feedback["telemetry", DEVICES] = readings


def _add_predictions(contents: Contents, endpoint: str, version: str, rows: prediction_rows.PredictionRows) -> None:
    if rows.table is not None:
        contents.predictions[endpoint, version] = rows.table
        contents.count(endpoint, SegmentRows(predictions=rows.table.num_rows))
    _set_aside(contents, endpoint, rows.misfits)


def _set_aside(contents: Contents, endpoint: str, misfits: Sequence[PredictionRecord]) -> None:
    lost = sum(len(record.prediction_ids) for record in misfits)
    contents.count(endpoint, SegmentRows(quarantined=lost))
    contents.set_aside.extend(_encode(misfits))


def _add_feedback(contents: Contents, endpoint: str, given: list[FeedbackRecord]) -> None:
    rows = feedback_rows.convert(given)
    if rows.table.num_rows:
        contents.feedback[rows.kind, endpoint] = rows.table
        if rows.kind == "labels":
            contents.count(endpoint, SegmentRows(labels=rows.table.num_rows))
    contents.set_aside.extend(_encode(rows.misfits))


def _encode(records: Sequence[Record]) -> list[bytes]:
    return [encoder.encode(record) for record in records]
