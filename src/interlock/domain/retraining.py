"""What an endpoint's owner says of retraining: who trains, on what, how the result is judged, and where it goes.

A plain value, so that it can stand in a file of its own or as a section of a larger one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from cronsim import CronSim, CronSimError

from interlock.domain.errors import InvalidInputError
from interlock.domain.release import Strategy

Mode = Literal["scratch", "fine_tune", "blend"]
MODES: tuple[Mode, ...] = ("scratch", "fine_tune", "blend")

READY_MADE = ("sklearn",)
"""Trainers that need no code of the user's."""

PYTHON = "python:"
"""Before `module.function` of a trainer in the user's code."""


class DataWindow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which labelled rows are learnt from; all there are, where nothing is said.

    Args:
        days: Those whose event is at most so old, counted back from the newest labelled one.
        rows: The newest so many.
        half_life_days: A row of this age weighs half as much as the newest. None: age changes nothing.
    """

    days: float | None = None
    rows: int | None = None
    half_life_days: float | None = None


class Road(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a version that passed is released: by default as every release of the endpoint is.

    Args:
        strategy: In place of the endpoint's.
        plan: Fields of its plan that differ.
    """

    strategy: Strategy | None = None
    plan: dict[str, Any] = {}


class Triggers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What starts a run by itself; nothing, where nothing is said. Any of them is enough.

    Args:
        cron: At these times (UTC), like `0 3 * * 1`.
        every_hours: So long after the last run.
        max_age_days: When the champion was registered so long ago.
        on_drift: When a verdict says that an input or an output has drifted.
        on_quality: When a verdict says that the quality has fallen.
        on_concept_drift: When a detector saw the errors rise (they are declared at the endpoint).
        new_labels: When so many labels have come since the last run.
        new_code: When the Python files of the trainer's folder are others than at the last run.
    """

    cron: str | None = None
    every_hours: float | None = None
    max_age_days: float | None = None
    on_drift: bool = False
    on_quality: bool = False
    on_concept_drift: bool = False
    new_labels: int | None = None
    new_code: bool = False


class Retraining(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One endpoint's declaration.

    Args:
        trainer: `sklearn`, or `python:module.function` in the user's code.
        code: Folder on the server's machine that holds the module; its git commit goes into the lineage.
        trust_pickle: Whether a pickle that the trainer returns may be registered.
        parameters: Given to the trainer as they are.
        references: Further files for the trainer, by a name of the user's: paths on the server's machine.
        seed: Given to the trainer.
        mode: `scratch`; `fine_tune` goes on from the champion; `blend` fine-tunes, and begins anew every
            `scratch_every`-th time.
        label: What the column of labels is called where rows are given to the trainer.
        window: Which rows are learnt from.
        holdout: Share of the rows, the newest by event time, that the trainer never sees and versions are judged on.
        fewest_heldout: With fewer held-out rows nothing is trained.
        most_duplicates: Most share of the held-out rows whose inputs may stand in the training rows too.
        margin: A new version may lose at most this share of the champion's loss on the held-out rows.
        triggers: What starts a run by itself. Alert rules with `action: retrain` do too.
        most_missing: The newest rows may lack an input this much more often than those before: a broken feed must not
            teach.
        fewest_new_labels: Labels that must have come since the last run before a trigger starts one.
        cooldown_hours: Shortest time between two runs that triggers start.
        per_week: Most runs in seven days that triggers start.
        limit_minutes: A trainer that takes longer is ended.
        memory_bytes: Most memory of the trainer; None: half of the machine's.
        threads: Of numeric libraries in the trainer.
        log_bytes: Of what the trainer prints the newest so many are kept.
        tracking: Where MLflow keeps the runs: `local` in the home folder, or any tracking URI; None: nowhere.
        release: How a version that passed is released; None: it is registered and waits.
    """

    trainer: str = "sklearn"
    code: str | None = None
    trust_pickle: bool = False
    parameters: dict[str, Any] = {}
    references: dict[str, str] = {}
    seed: int = 0
    mode: Mode = "scratch"
    scratch_every: int = 5
    label: str = "label"
    window: DataWindow = DataWindow()
    holdout: float = 0.2
    fewest_heldout: int = 200
    most_duplicates: float = 0.1
    margin: float = 0.0
    most_missing: float = 0.3
    triggers: Triggers = Triggers()
    fewest_new_labels: int = 1000
    cooldown_hours: float = 24.0
    per_week: int = 7
    limit_minutes: float = 60.0
    memory_bytes: int | None = None
    threads: int = 1
    log_bytes: int = 16 * 1024 * 1024
    tracking: str | None = None
    release: Road | None = Road()

    @property
    def entry(self) -> str:
        """`module.function` of a trainer in the user's code; else empty."""
        return self.trainer.removeprefix(PYTHON) if self.trainer.startswith(PYTHON) else ""

    @property
    def names_code(self) -> bool:
        """Whether it names what the server runs, reads or calls, which is for administrators to say."""
        is_elsewhere = self.tracking not in (None, "local")
        return bool(self.entry or self.code or self.trust_pickle or self.references or is_elsewhere)


def parse(document: Mapping[str, Any]) -> Retraining:
    """Read a declaration out of what YAML or JSON gave.

    Raises:
        InvalidInputError: It breaks rules; all faults at once.

    Examples:
        >>> parse({"trainer": "sklearn", "window": {"days": 90}}).window.days
        90.0
    """
    try:
        found = msgspec.convert(dict(document), Retraining)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"retraining: {error}") from error
    if faults := faults_of(found):
        raise InvalidInputError(*(f"retraining: {fault}" for fault in faults))
    return found


def faults_of(found: Retraining) -> list[str]:
    """What of a declaration breaks a rule, whoever looks at it."""
    return [*_trainer_faults(found), *_cron_faults(found.triggers.cron), *_number_faults(found)]


def _cron_faults(cron: str | None) -> list[str]:
    try:
        CronSim(cron or "0 3 * * 1", datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        return [f"triggers.cron == {cron!r}, must be like 0 3 * * 1 (minute, hour, day, month, weekday): {error}"]
    return []


def _trainer_faults(found: Retraining) -> list[str]:
    faults = []
    if found.entry:
        if not all(part.isidentifier() for part in found.entry.split(".")) or "." not in found.entry:
            faults.append(f"trainer == {found.trainer!r}, must look like python:module.function")
        if found.code is None:
            faults.append("code is missing: the folder that holds the trainer's module")
    elif found.trainer not in READY_MADE:
        faults.append(f"trainer == {found.trainer!r}, must be {', '.join(READY_MADE)}, or python:module.function")
    if found.triggers.new_code and found.code is None:
        faults.append("triggers.new_code == true, and there is no folder of code to watch; say code, or leave it out")
    if not found.label:
        faults.append("label is empty, must be the name of a column")
    return faults


def _number_faults(found: Retraining) -> list[str]:
    faults = []
    if not 0 < found.holdout < 1:
        faults.append(f"holdout == {found.holdout:g}, must be between 0 and 1, both excluded")
    for name in ("most_duplicates", "most_missing"):
        if not 0 <= getattr(found, name) <= 1:
            faults.append(f"{name} == {getattr(found, name):g}, must be a share between 0 and 1")
    least = {
        "scratch_every": (found.scratch_every, 1),
        "fewest_heldout": (found.fewest_heldout, 100),
        "margin": (found.margin, 0),
        "fewest_new_labels": (found.fewest_new_labels, 0),
        "cooldown_hours": (found.cooldown_hours, 0),
        "per_week": (found.per_week, 1),
        "threads": (found.threads, 1),
        "memory_bytes": (found.memory_bytes, 64 * 1024 * 1024),
        "log_bytes": (found.log_bytes, 64 * 1024),
        "window.rows": (found.window.rows, 1),
        "triggers.new_labels": (found.triggers.new_labels, 1),
    }
    for name, (value, bound) in least.items():
        if value is not None and not bound <= value < float("inf"):
            faults.append(f"{name} == {value:g}, must be at least {bound}")
    above = {
        "limit_minutes": found.limit_minutes,
        "window.days": found.window.days,
        "window.half_life_days": found.window.half_life_days,
        "triggers.every_hours": found.triggers.every_hours,
        "triggers.max_age_days": found.triggers.max_age_days,
    }
    faults += [
        f"{name} == {value:g}, must be above 0"
        for name, value in above.items()
        if value is not None and not 0 < value < float("inf")
    ]
    return faults
