"""What a gateway writes to its spool, read by the collector: one record for the requests answered together.

Records carry their own column names, so that a segment can be read when nothing else is left.
"""

from typing import Any, Literal

import msgspec

from interlock.predictions.parts import Part

AttemptStatus = Literal["ok", "model_error", "timeout", "invalid_output", "breaker_open"]
AnswerRole = Literal["champion", "challenger", "pinned"]


class Assignment(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How requests were routed: what evidence is made of.

    Args:
        release_id, step: Of the plan that routed them; None outside a release.
        assigned_version: The version their units belong to; `attempt_status` is how that version did.
        is_challenger: Whether that is the challenger.
        propensity: Probability with which this version was assigned, 0 to 1.
    """

    release_id: str | None
    step: int | None
    assigned_version: str
    is_challenger: bool
    attempt_status: AttemptStatus
    propensity: float


class PredictionRecord(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="b"):
    """Requests of one assignment that one version answered together. Times are microseconds since 1970 UTC.

    Args:
        prediction_ids: One a row, over all requests.
        request_ids: One a request; None is the id of its first row.
        units: Sticky keys, one a request; None where no key was sent: then the request is its own unit, called by the
            id of its first row.
        latencies_us: One a request, from the complete body to this record.
        rows: How many rows each request has; None is one each.
        event_at_us: One a row; None is `at_us` for all.
        inputs, outputs: Columns over all rows.
        withheld: What privacy rules kept out of the record, or hashed: `input.age`, `output.label`, `unit`.
    """

    endpoint: str
    version: str
    role: AnswerRole
    assignment: Assignment
    at_us: int
    model_us: int
    prediction_ids: list[str]
    request_ids: list[str | None]
    units: list[str | None]
    latencies_us: list[int]
    inputs: list[Part]
    outputs: list[Part]
    rows: list[int] | None = None
    event_at_us: list[int] | None = None
    withheld: list[str] | None = None

    @property
    def firsts(self) -> list[int]:
        """Index of each request's first row."""
        if self.rows is None:
            return list(range(len(self.request_ids)))
        firsts, at = [], 0
        for count in self.rows:
            firsts.append(at)
            at += count
        return firsts

    @property
    def is_sound(self) -> bool:
        """Whether all lists are of the same requests and rows."""
        requests, rows, counts = len(self.request_ids), len(self.prediction_ids), self.rows
        if not len(self.units) == len(self.latencies_us) == requests > 0:
            return False
        if self.event_at_us is not None and len(self.event_at_us) != rows:
            return False
        if counts is None:
            return rows == requests
        return len(counts) == requests and sum(counts) == rows and min(counts) > 0


class FailureRecord(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="f"):
    """A request that no version answered (the caller got 500, 503 or 504). Counts in gates, not a row of the log.

    `unit` is the sticky key, None where none was sent.
    """

    endpoint: str
    at_us: int
    request_id: str
    assignment: Assignment
    unit: str | None
    rows: int
    latency_us: int


class Label(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One label, keyed by prediction id, or by the caller's request id and row. `label` is the class or the number."""

    prediction_id: str | None
    request_id: str | None
    request_row: int
    label: Any
    observed_at_us: int
    source: str = "natural"
    weight: float = 1.0


class LabelsRecord(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="l"):
    """Labels that were accepted together. Always synced to disk before they are acknowledged."""

    endpoint: str
    at_us: int
    labels: list[Label]


class Decision(msgspec.Struct, array_like=True, frozen=True):
    """What a person decided on one case, keyed as a label is. Never taken for what turned out to be true."""

    prediction_id: str | None
    request_id: str | None
    request_row: int
    decision: Any
    observed_at_us: int
    source: str = "human"
    weight: float = 1.0


class DecisionsRecord(msgspec.Struct, array_like=True, frozen=True, tag="d"):
    """Decisions that were accepted together, synced as labels are."""

    endpoint: str
    at_us: int
    decisions: list[Decision]


class Reward(msgspec.Struct, array_like=True, frozen=True):
    """What an answer was worth by one measure, keyed as a label is."""

    prediction_id: str | None
    request_id: str | None
    request_row: int
    name: str
    value: float
    observed_at_us: int
    source: str = "natural"
    weight: float = 1.0


class RewardsRecord(msgspec.Struct, array_like=True, frozen=True, tag="r"):
    """Rewards that were accepted together, synced as labels are."""

    endpoint: str
    at_us: int
    rewards: list[Reward]


FeedbackRecord = LabelsRecord | DecisionsRecord | RewardsRecord
"""What comes after the answer."""


class RejectedCount(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Requests in which one field broke one rule; without field and rule: all requests refused.

    `hour` is of the event as far as the caller said it, in hours since 1970; a request that breaks several rules
    counts for each.
    """

    hour: int
    field: str
    rule: str
    requests: int


class RejectedSample(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The body of a request that was refused, cut off, and why. It takes the place of an earlier one in its slot."""

    slot: int
    at_us: int
    reason: str
    body: bytes


class RejectedRecord(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="x"):
    """What was refused since the last of these: counts, and a bounded sample. What is refused is no row of the log."""

    endpoint: str
    at_us: int
    counts: list[RejectedCount]
    samples: list[RejectedSample]


class Reading(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What one sensor measured, and when by its device's clock."""

    device: str
    sensor: str
    value: float
    at_us: int


class UnreadMessages(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Messages, or readings in them, that could not be taken, why in one word, and what was said of the last."""

    reason: str
    count: int
    example: str


class TelemetryRecord(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="t"):
    """Readings that were accepted together, synced as labels are; and what came with them and was not taken.

    Args:
        at_us: When they came.
        source: `http` or `mqtt`.
    """

    at_us: int
    source: str
    readings: list[Reading]
    unread: list[UnreadMessages]


Record = (
    PredictionRecord | FailureRecord | LabelsRecord | DecisionsRecord | RewardsRecord | RejectedRecord | TelemetryRecord
)

encoder = msgspec.msgpack.Encoder()
decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)
