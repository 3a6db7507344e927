"""A replay: a candidate scores rows of the past before any caller meets it, and what that showed."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

ReplayState = Literal["running", "done", "failed", "cancelled"]

SILENCE = timedelta(seconds=60)
"""A replay that has not been heard of for so long has lost its process."""


class RowExample(msgspec.Struct, frozen=True, kw_only=True):
    """One such row. `status` as in the scores table; `refused` and `withheld` are not there."""

    prediction_id: str
    status: str
    error: str


class RowsWithReason(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that have no answer of the candidate, and why.

    Args:
        rows: How many.
        reasons: The most frequent sentences, with their rows.
        examples: The first of them.
    """

    rows: int = 0
    reasons: dict[str, int] = {}
    examples: tuple[RowExample, ...] = ()


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How alike two versions answer the same rows.

    Args:
        rows: On which both answered.
        same_share: Of rows with the same class, or the same number to six digits; None where neither is.
        mean_change, largest_change: Of the size of the change: between 0 and 1 for classifiers (total variation of the
            probabilities, or 1 for another class), the absolute difference for numbers.
        flips: The most frequent changes of class: champion's, candidate's, rows.
    """

    rows: int = 0
    same_share: float | None = None
    mean_change: float | None = None
    largest_change: float | None = None
    flips: tuple[tuple[str, str, int], ...] = ()


class OutputChange(msgspec.Struct, frozen=True, kw_only=True):
    """How the distribution of one output differs between versions on the same rows.

    Args:
        output: `label`, `score` (of two classes the probability of the last, of more the largest), `prediction`.
        total_variation: Least share of rows that would have to be others, 0 to 1.
        champion_mean, candidate_mean: Of numbers.
        bins: What each bin holds, as a person reads it, and the share of rows of champion and candidate in it.
    """

    output: str
    total_variation: float
    champion_mean: float | None = None
    candidate_mean: float | None = None
    bins: tuple[tuple[str, float, float], ...] = ()


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Loss of both versions on the same labelled rows; `lower` and `upper` bound the difference, candidate - champion.

    Args:
        loss: `brier`, `zero_one` or `absolute_error`.
        alpha: Probability that the bounds are wrong, at all times at once (asymptotic, by units).
        coverage: Share of the compared rows that have a label.
        newest_coverage: The same in the newest tenth of the time.
        verdict: `better`, `worse`, `not_sure`, or `not_enough_data`.
    """

    loss: str
    rows: int
    units: int
    champion_loss: float | None
    candidate_loss: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    alpha: float
    coverage: float
    newest_coverage: float
    verdict: Literal["better", "worse", "not_sure", "not_enough_data"]
    reason: str


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Rows with one value of an input, or with values in one bin.

    Args:
        column: The input.
        value: As a person reads it.
        mean_change: As of `Agreement`; `lower` is surely below it, so that small slices do not lead by chance.
        flip_share: Rows with another class.
        champion_mean, candidate_mean: Of the score or the prediction.
        champion_loss, candidate_loss: On its labelled rows.
    """

    column: str
    value: str
    rows: int
    mean_change: float
    lower: float
    flip_share: float | None = None
    champion_mean: float | None = None
    candidate_mean: float | None = None
    labelled: int = 0
    champion_loss: float | None = None
    candidate_loss: float | None = None


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found.

    Args:
        rows: Logged rows that it read.
        scored: Those that the candidate answered.
        failed: Those on which it failed.
        refused: Those that its contract would have refused.
        withheld: Those of which the log lacks an input by a privacy rule, or an image.
        asked_champion: Rows that another version had answered, so that the champion was asked for them too.
        not_compared: Why some or all answers were not compared; empty if they were.
        slices: Those that change most, first.
        notes: What a person should know when reading this.
        seconds: Time it took, without starting the process.
    """

    rows: int
    scored: int
    failed: RowsWithReason
    refused: RowsWithReason
    withheld: RowsWithReason
    agreement: Agreement
    asked_champion: int = 0
    not_compared: str = ""
    outputs: tuple[OutputChange, ...] = ()
    quality: Quality | None = None
    slices: tuple[Slice, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """The stored state of a replay. Written by who starts it, then by its own process.

    Args:
        champion: Of the endpoint when it started.
        since, until: Range of `event_at`, the end excluded; None is open.
        limit: At most so many rows, chosen evenly over the range.
        done, total: Rows so far, and in all; total is 0 until it is known.
        heard_at: When its process last said anything.
        error: Why it failed.
        is_cancelled: Somebody asked it to stop.
    """

    id: str
    endpoint: str
    candidate: str
    champion: str
    state: ReplayState
    created_at: datetime
    created_by: str
    heard_at: datetime
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    done: int = 0
    total: int = 0
    finished_at: datetime | None = None
    error: str = ""
    is_cancelled: bool = False
    report: ReplayReport | None = None

    def seen(self, now: datetime) -> "Replay":
        """As it is to be shown: one that has gone silent has failed."""
        if self.state != "running" or now - self.heard_at < SILENCE:
            return self
        return msgspec.structs.replace(
            self, state="failed", finished_at=self.heard_at, error="its process ended; start it again"
        )
