"""Whether the candidates have passed the replay that their release asks for: what the past shows before callers do.

Called by the controller while a release waits for its replay, and by the road before anything begins. It judges what
the replay reports; to be rejected for it costs no caller anything, so its interval spends none of the release's alpha.
"""

from dataclasses import dataclass
from typing import Literal

from interlock.domain.errors import ConflictError
from interlock.domain.release import Release, ReplayStep
from interlock.domain.replay import Quality, Replay, ReplayReport
from interlock.releases.wording import count, percent
from interlock.store.transaction import Transaction

ACTOR = "controller"
"""Who starts such replays, as they and the audit log name it."""

Outcome = Literal["failed", "lost", "missing", "running", "passed"]

_WORST_FIRST: tuple[Outcome, ...] = ("failed", "lost", "missing", "running", "passed")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a candidate stands, and the sentence a person reads. `lost`: the replay's process ended without a word.

    `begun`: how many replays of this candidate the release has begun.
    """

    outcome: Outcome
    reason: str
    candidate: str
    begun: int = 0


def standing(tx: Transaction, release: Release, step: ReplayStep) -> Standing:
    """Look at the newest replay of each candidate: one that failed, or is missing, says it for all."""
    found = [_of(tx, release, step, candidate) for candidate in release.candidates]
    return min(found, key=lambda each: _WORST_FIRST.index(each.outcome))


def check(tx: Transaction, release: Release) -> None:
    """Raises ConflictError unless no replay is asked for, or it has been passed."""
    if release.plan.replay is None:
        return
    found = standing(tx, release, release.plan.replay)
    if found.outcome != "passed":
        raise ConflictError(f"release {release.id} asks for a replay: {found.reason}")


def _of(tx: Transaction, release: Release, step: ReplayStep, candidate: str) -> Standing:
    own = [
        each
        for each in tx.replays.list(release.endpoint)
        if (each.candidate, each.champion, each.created_by) == (candidate, release.champion, ACTOR)
        and each.created_at >= release.created_at
    ]
    if not own:
        return Standing("missing", f"{candidate} has not scored the last {step.hours:g} hours yet", candidate)
    outcome, reason = _judged(own[-1], step)
    return Standing(outcome, reason, candidate, len(own))


def _judged(replay: Replay, step: ReplayStep) -> tuple[Outcome, str]:
    named = f"replay {replay.id} of {replay.candidate}"
    if replay.state == "running":
        return "running", f"{named} is at row {count(replay.done)} of {count(replay.total)}"
    if replay.report is None:
        return ("lost" if not replay.error or "its process ended" in replay.error else "failed"), (
            f"{named} was {replay.state}: {replay.error or 'by a person'}"
        )
    faults = judge(step, replay.report)
    if faults:
        return "failed", f"{named} did not pass: {'; '.join(faults)}"
    return "passed", f"{named} passed"


def judge(step: ReplayStep, report: ReplayReport) -> list[str]:
    """What a report lacks or shows that stands in the way; nothing if it passes."""
    asked = report.scored + report.failed.rows
    if asked < step.min_rows:
        return [f"{count(asked)} of at least {count(step.min_rows)} rows could be scored"]
    faults = []
    for what, rows, most in (
        ("it failed on", report.failed.rows, step.max_failed_share),
        ("its contract refuses", report.refused.rows, step.max_refused_share),
    ):
        share = rows / (asked + report.refused.rows)
        if share > most:
            faults.append(f"{what} {percent(share)} of the rows, may be {percent(most)}")
    same = report.agreement.same_share
    if step.min_agreement is not None and (same is None or same < step.min_agreement):
        said = "cannot be compared" if same is None else f"agrees with the champion on {percent(same)} of the rows"
        faults.append(f"{said}, must be {percent(step.min_agreement)}")
    return faults + _quality_faults(step, report.quality)


def _quality_faults(step: ReplayStep, quality: Quality | None) -> list[str]:
    if quality is None or quality.lower is None or quality.upper is None or quality.champion_loss is None:
        why = "no labels are known" if quality is None else quality.reason
        return [f"quality is not decided: {why}"] if step.require_quality else []
    most = step.max_quality_loss * quality.champion_loss
    if quality.lower > most:
        return [f"{quality.reason}, by more than {percent(step.max_quality_loss)}"]
    if step.require_quality and quality.upper > most:
        return [f"{quality.reason}; it is not sure to be at most {percent(step.max_quality_loss)} worse"]
    return []
