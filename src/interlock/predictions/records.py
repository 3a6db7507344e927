"""What a gateway writes to its spool: one record a request, encoded once, read by the collector.

Records carry their own column names, so that a segment can be read when nothing else is left.
"""

from typing import Any, Literal

import msgspec

AttemptStatus = Literal["ok", "model_error", "timeout", "invalid_output", "breaker_open"]
AnswerRole = Literal["champion", "challenger", "pinned"]


class Assignment(msgspec.Struct, array_like=True, frozen=True):
    """How a request was routed: what evidence is made of.

    Args:
        release_id, step: Of the plan that routed it; None outside a release.
        assigned_version: The version the unit belongs to; `attempt_status` is how that version did.
        is_challenger: Whether that is the challenger.
        unit: The sticky key, or the first prediction id where none was sent.
        keyed: Whether a sticky key was sent.
        propensity: Probability with which this version was assigned, 0 to 1.
    """

    release_id: str | None
    step: int | None
    assigned_version: str
    is_challenger: bool
    attempt_status: AttemptStatus
    unit: str
    keyed: bool
    propensity: float


class PredictionRecord(msgspec.Struct, array_like=True, frozen=True, tag="p"):
    """An answered request, with all its rows. Times are microseconds since 1970 UTC.

    `inputs` and `outputs` are columns: name to one plain value a row (lists for vectors, None for missing).
    `event_at_us` holds one time a row, or one for all, or none (then `at_us`).
    """

    endpoint: str
    at_us: int
    request_id: str
    prediction_ids: list[str]
    assignment: Assignment
    version: str
    role: AnswerRole
    latency_us: int
    model_us: int
    inputs: dict[str, list[Any]]
    outputs: dict[str, list[Any]]
    event_at_us: list[int] | None = None


class FailureRecord(msgspec.Struct, array_like=True, frozen=True, tag="f"):
    """A request that no version answered (the caller got 500, 503 or 504). Counts in gates, not a row of the log."""

    endpoint: str
    at_us: int
    request_id: str
    assignment: Assignment
    rows: int
    latency_us: int


class Label(msgspec.Struct, array_like=True, frozen=True):
    """One label, keyed by prediction id, or by the caller's request id and row. `label` is the class or the number."""

    prediction_id: str | None
    request_id: str | None
    request_row: int
    label: Any
    observed_at_us: int
    source: str = "natural"
    weight: float = 1.0


class LabelsRecord(msgspec.Struct, array_like=True, frozen=True, tag="l"):
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

Record = PredictionRecord | FailureRecord | LabelsRecord | DecisionsRecord | RewardsRecord

encoder = msgspec.msgpack.Encoder()
decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)
