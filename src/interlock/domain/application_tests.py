"""What an application test found out about a version before anybody meets it.

Written once for each test of a version, shown with it, and read by releases that ask for one. The bounds it is held
against are in `application_gates`.
"""

from typing import Literal

import msgspec

Handling = Literal["answered", "refused", "failed"]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and its interval at 95 %, rows taken as independent. None where there is no interval."""

    value: float
    lower: float | None = None
    upper: float | None = None


class RowCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the held-out rows. `rows` were asked; `in_file` are there. `reasons` counts failures."""

    in_file: int = 0
    rows: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    reasons: dict[str, int] = {}


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """Rows whose answer was another one when asked again, in a batch, or with columns in another order; of `rows`."""

    rows: int = 0
    repeated: int = 0
    batched: int = 0
    permuted: int = 0


class RobustnessCase(msgspec.Struct, frozen=True, kw_only=True):
    """An odd input, and what came of it.

    Args:
        field: Which input; empty for a request that is malformed as a whole.
        given: What stood in it: `missing`, `absent`, `extreme`, `unseen`, `wrong type`, ...
        outcome: `failed` is everything but an answer inside the contract or a clear refusal.
        said: What a caller was told, or what the model's log says.
    """

    field: str
    given: str
    outcome: Handling
    said: str = ""


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """Latency of single rows, one caller; throughput of several callers at once. Over HTTP on loopback.

    Args:
        requests: Answered requests that the quantiles rest on.
        p50_ms, p95_ms, p99_ms: None where none was answered.
        deadline_ms: The endpoint's.
        callers: At once.
        rows_per_second: That they got answered.
        failures: Their requests that got no answer.
    """

    requests: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    deadline_ms: float
    callers: int
    rows_per_second: float
    failures: int


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Resident memory of the processes that serve it: when warm, and after so many further requests."""

    before_bytes: int
    after_bytes: int
    requests: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The mean loss beside another's on the same rows.

    Args:
        other: `wine:1`, or what the naive baseline answers.
        metric: The loss: `brier`, `error_rate` or `mae`.
        own, theirs: Mean losses.
        gain: The share of their loss that is saved; below 0 it is worse.
        rows: That both answered.
    """

    other: str
    metric: str
    own: float
    theirs: float
    gain: Estimate
    rows: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one group. `kind`: a slice of the data, or a protected group of people."""

    kind: Literal["slice", "protected"]
    column: str
    value: str
    rows: int
    metrics: dict[str, float]


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """The largest difference of a metric between groups of a column; None where fewer than two are large enough."""

    kind: Literal["slice", "protected"]
    column: str
    metric: str
    difference: float | None


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the test measured."""

    answering: RowCounts
    consistency: Consistency
    robustness: tuple[RobustnessCase, ...]
    speed: Speed | None
    memory: Memory | None
    quality: dict[str, Estimate] = {}
    champion_quality: dict[str, Estimate] = {}
    baselines: tuple[Comparison, ...] = ()
    against_champion: Comparison | None = None
    groups: tuple[Group, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def baseline(self) -> Comparison | None:
        """The one that the gate looks at: of the same loss as the comparison with the champion."""
        return self.baselines[0] if self.baselines else None


EMPTY = Findings(answering=RowCounts(), consistency=Consistency(), robustness=(), speed=None, memory=None)
"""Of a test that measured nothing."""
