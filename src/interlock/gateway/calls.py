"""One valid request on its way to its answer, and what a version answered to it.

Made by the protocols, filled in by `answering`, waiting in a `lane`.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.ports import Columns
from interlock.gateway.columns import Rows
from interlock.gateway.served import Choice, LoadedVersion, ServedEndpoint
from interlock.predictions.records import AttemptStatus


@dataclass(slots=True, eq=False)
class Call:
    """One valid request.

    Args:
        served: The endpoint as it was when the request came.
        rows: By the contract of the champion, or of the version it names.
        began_ns: Monotonic time at which its body was complete.
        pinned: The version it names, which then answers alone and is never evidence; None for the usual way.
        unit_key: The caller's sticky key, if it sent one.
        deadline_seconds: The caller's own, counted from `began_ns`, if it sent one.
        event_at_us: When each row happened in the world.
        choice: The version that the call is assigned to.
        status: How that version did.
        fell_back: Whether the champion answers in its place.
        deadline_at: Time of the event loop at which the present attempt is over.
        lane: Where it waits. A lane leaves a call alone that is no longer its own.
        timer: Ends the attempt at the deadline, where nothing else would.
    """

    served: ServedEndpoint
    rows: Rows
    began_ns: int
    pinned: LoadedVersion | None = None
    request_id: str | None = None
    unit_key: str | None = None
    deadline_seconds: float | None = None
    event_at_us: list[int] | None = None
    prediction_ids: list[str] = field(default_factory=list)
    choice: Choice = field(init=False)
    future: "asyncio.Future[Prediction]" = field(init=False)
    status: AttemptStatus = "ok"
    fell_back: bool = False
    retries: int = 0
    deadline_at: float = 0.0
    lane: object = None
    timer: asyncio.TimerHandle | None = None

    @property
    def quote(self) -> str:
        """What the caller knows the request by."""
        return self.request_id or self.prediction_ids[0]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a version answered to a batch.

    Args:
        columns: The batch's input, by the contract that its requests were read with.
        outputs: One array an output.
        plain: The same as plain values, one a row.
    """

    version: LoadedVersion
    columns: Columns
    outputs: dict[str, NDArray[Any]]
    plain: dict[str, list[Any]]
    model_us: int


@dataclass(slots=True)
class Prediction:
    """A call's part of what a version answered, for a protocol to encode: the rows from `start` to `stop`.

    `is_recorded` is False only where an endpoint answers though the disk is full.
    """

    call: Call
    answered: Answered
    start: int
    stop: int
    is_recorded: bool = True

    @property
    def contract(self) -> Contract:
        return self.answered.version.contract

    def array(self, name: str) -> NDArray[Any]:
        """An output as an array."""
        return self.answered.outputs[name][self.start : self.stop]

    def plain(self, name: str) -> list[Any]:
        """An output as plain values, one a row."""
        return self.answered.plain[name][self.start : self.stop]
