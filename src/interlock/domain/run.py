"""A run: one attempt to make the next version of an endpoint's model, with everything that is known of it."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from interlock.domain.access import Role
from interlock.domain.retraining import Mode, Retraining

RunState = Literal[
    "queued", "training", "judging", "registered",
    "released", "kept", "rejected", "failed", "cancelled", "interrupted",
]  # fmt: skip
ENDED: frozenset[str] = frozenset({"released", "kept", "rejected", "failed", "cancelled", "interrupted"})
"""States that nothing follows."""

GAVE_A_VERSION: frozenset[str] = frozenset({"registered", "released", "kept"})
"""States of runs whose version is registered."""


class DataFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt from and judged on.

    Args:
        pin: Pinned version of the log, `endpoint@name`.
        digests: SHA-256 of each of its tables.
        training_rows, heldout_rows: Labelled rows on either side of `heldout_since`.
        since, heldout_since, until: Events: the first learnt from, the first held out, the last.
        unusable_labels: Labels that are no class, or no number.
        future_labels: Labels observed after the pin was made, left out.
        unkept_images: Labelled rows of which the log kept no image, left out.
        duplicates: Held-out rows whose inputs stand in the training rows too.
        label_shares: Of the training rows, the share of each class; the mean of a number as `mean`.
    """

    pin: str
    digests: dict[str, str] = {}
    training_rows: int = 0
    heldout_rows: int = 0
    since: datetime | None = None
    heldout_since: datetime | None = None
    until: datetime | None = None
    unusable_labels: int = 0
    future_labels: int = 0
    unkept_images: int = 0
    duplicates: int = 0
    label_shares: dict[str, float] = {}


class CodeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The code that trained.

    Args:
        trainer: As declared.
        digest: SHA-256 over the Python files of its folder; empty for a ready-made trainer.
        commit: Of git, where the folder is in a repository.
        dirty: Whether files of the folder differ from that commit.
    """

    trainer: str
    digest: str = ""
    commit: str | None = None
    dirty: bool | None = None


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate beside the champion and the naive baselines, on the same held-out rows.

    Args:
        passed: Whether it may go on.
        reason: The sentence a person reads.
        loss: `brier`, `zero_one` or `absolute_error`.
        rows, units: What was compared.
        champion_loss, candidate_loss: Means over the rows.
        lower, upper: Bounds of candidate - champion at 95 %, at all times at once; None with too few units.
        baselines: Loss of each naive baseline on the same rows.
        champion_failures, candidate_failures: Rows that they could not answer.
        metrics: Further figures of the candidate, and of the champion as `champion.<name>`.
    """

    passed: bool
    reason: str
    loss: str
    rows: int
    units: int
    champion_loss: float
    candidate_loss: float
    lower: float | None = None
    upper: float | None = None
    baselines: dict[str, float] = {}
    champion_failures: int = 0
    candidate_failures: int = 0
    metrics: dict[str, float] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run as stored. Changed only by `learning.run_road`, each change with its audit entry.

    Args:
        id: `<endpoint>-run-<number>`.
        number: 1, 2, 3, ... on its endpoint.
        settings: The declaration as it was when the run was asked for.
        mode: `scratch` or `fine_tune`: what `blend` came to.
        cause: Why it was asked for.
        created_by, role: Whose key asked, or the part that did.
        parent: The champion then, `name:version`: what is fine-tuned, and what is compared with.
        wants_release: Whether a version that passes is released.
        pin: Name of the pin it learns from; empty until it has one.
        attempt: 1, and 2 after the server died in the first one.
        place: The machine that it runs on.
        seen_at: When its process was last heard of.
        stage: What it is doing: `reading`, `training`, `examining`, `judging`.
        progress: Of the trainer, 0 to 1, as far as it says.
        told: The trainer's last words on its progress.
        reason: Why it ended as it did, or went on.
        cancelled_by: Who wants it ended.
        metrics: What the trainer measured.
        environment: Versions of what it ran with.
        tracked: Where the tracking server has it, if it does.
    """

    id: str
    endpoint: str
    number: int
    state: RunState
    settings: Retraining
    mode: Mode
    cause: str
    created_at: datetime
    created_by: str
    role: Role
    parent: str
    wants_release: bool
    pin: str = ""
    attempt: int = 1
    place: str = ""
    started_at: datetime | None = None
    seen_at: datetime | None = None
    ended_at: datetime | None = None
    stage: str = ""
    progress: float | None = None
    told: str = ""
    reason: str = ""
    cancelled_by: str = ""
    metrics: dict[str, float] = {}
    data: DataFacts | None = None
    code: CodeFacts | None = None
    environment: dict[str, str] = {}
    judgement: Judgement | None = None
    version: str | None = None
    release_id: str | None = None
    tracked: dict[str, Any] = {}

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED
