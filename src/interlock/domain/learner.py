"""A learner: how far the online learning of an endpoint is. Written after every step, together with what that made."""

from datetime import datetime
from typing import Literal

import msgspec

LearnerState = Literal["learning", "paused", "superseded", "failed"]


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far the labels were read, in the order in which they were committed to the log.

    Args:
        version: The last commit of the table of labels that was read to its end; -1 before the first.
        offset: Rows of the commit after it that were read.
        at: When the newest label that was read had been accepted.
    """

    version: int = -1
    offset: int = 0
    at: datetime | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Progressive validation: every row was answered before it was learnt from.

    Args:
        rows: Answered rows.
        loss: Sum of their losses, as `learning.judging.loss_of` has it.
        wrong: How many answers were the wrong class; 0 for numbers.
    """

    rows: int = 0
    loss: float = 0.0
    wrong: int = 0


class Learner(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint's learner.

    Args:
        id: `<endpoint>-learner-<number>`; a new one begins with each declaration that changes what is learnt.
        number: 1, 2, 3, ... on its endpoint.
        state: `learning`; `paused` by a person; `superseded`: another version than its own is the champion; `failed`:
            it cannot go on by itself.
        revision: Counts up with every change, whoever makes it: of two who change it at once, one is refused.
        base: Version that it began with.
        good: Its last good snapshot, at first `base`.
        model_digest: SHA-256 of what it has learnt so far, in its folder; empty: the artifact of `good`.
        checkpoint: SHA-256 of what else it must remember, in its folder; empty: nothing.
        cursor: How far it has read.
        lessons: Labels learnt since `good`, and the length in bytes of the file that lists them.
        counts: Labels by what became of them: `learnt`, and why others were not.
        progress: Since it began.
        losses: Mean losses on the rows since `good`: `learner`, `good`, `no_change`, and `served` (what callers got).
        snapshots: Published.
        went_back: How often it was set back to a good snapshot.
        published_at: When `good` was published.
        seen_at: When its process was last heard of.
        sentence: What the guard said last, or why it stopped.
        stopped_by: Who paused it.
        place: The machine that has its files, if others may share the store.
    """

    id: str
    endpoint: str
    number: int
    base: str
    good: str
    state: LearnerState = "learning"
    revision: int = 1
    started_at: datetime
    model_digest: str = ""
    checkpoint: str = ""
    cursor: Cursor = Cursor()
    lessons: int = 0
    lessons_bytes: int = 0
    counts: dict[str, int] = {}
    progress: Progress = Progress()
    losses: dict[str, float] = {}
    snapshots: int = 0
    went_back: int = 0
    published_at: datetime | None = None
    seen_at: datetime | None = None
    sentence: str = ""
    stopped_by: str = ""
    place: str = ""
