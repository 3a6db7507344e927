"""The test from beginning to end: read the file, set up a gateway, ask, measure. Called by `job` in its own process.

Each phase has a budget of time and says what it could not do in it, so that a model that hangs ends in a finding, and
not at the limit of the whole test (which only deadlines of minutes reach).
"""

import time
from pathlib import Path

from interlock.application_test import fairness, groups, held_out
from interlock.application_test.asking import AskedRows, ask_all, batch_rows_of
from interlock.application_test.caller import Caller
from interlock.application_test.consistency import consistency_of
from interlock.application_test.held_out import HeldOut
from interlock.application_test.load import load_test
from interlock.application_test.quality import Losses, Truth, baselines_of, compare, figures_of, losses_of, truth_of
from interlock.application_test.robustness import robustness_of
from interlock.application_test.stand import Stand, standing
from interlock.domain.application_tests import Comparison, Estimate, Findings, Gap, Group
from interlock.registry.application_tests import Job

_ASKING_SECONDS = 60.0
_CONSISTENCY_SECONDS = 20.0
_ROBUSTNESS_SECONDS = 40.0
_LOAD_SECONDS = 12.0


def run(job: Job) -> Findings:
    """Test a version.

    Raises:
        InvalidInputError: The file does not fit the version, or what it asks for is not installed.
        UnloadableModelError: A version cannot be loaded.
    """
    began = time.monotonic()
    rows = held_out.read(job)
    if job.protected:
        fairness.check_installed()
    versions = {"candidate": job.candidate} | ({"champion": job.champion} if job.champion is not None else {})
    with standing(versions, Path(job.artifacts), job.deadline_ms) as stand:
        return _tested(job, rows, stand, began)


def _tested(job: Job, rows: HeldOut, stand: Stand, began: float) -> Findings:
    caller = Caller(stand, "candidate", job.candidate.contract, job.deadline_ms)
    batch_rows = batch_rows_of(caller, rows, job.deadline_ms)
    asked = ask_all(caller, rows, batch_rows=batch_rows, seconds=_ASKING_SECONDS)
    # Load comes before odd inputs: a model that breaks on one is measured while it is well.
    speed, memory = load_test(caller, asked, deadline_ms=job.deadline_ms, batch_rows=batch_rows, seconds=_LOAD_SECONDS)
    consistency = consistency_of(caller, asked, batch_rows=batch_rows, seconds=_CONSISTENCY_SECONDS)
    good_row = asked.index[0] if asked.answers else 0
    robustness = robustness_of(caller, rows, good_row, seconds=_ROBUSTNESS_SECONDS)
    happened = truth_of(job.candidate.contract, rows.labels)
    losses = losses_of(job.candidate.contract, asked, happened) if rows.labels else {}
    champion_quality, against_champion = _beside_champion(job, rows, stand, batch_rows, losses)
    found_groups, gaps = _groups(job, asked, happened, losses)
    return Findings(
        answering=asked.counts,
        consistency=consistency,
        robustness=robustness,
        speed=speed,
        memory=memory,
        quality=figures_of(job.candidate.contract, asked) if losses else {},
        champion_quality=champion_quality,
        baselines=baselines_of(job.candidate.contract, losses, happened),
        against_champion=against_champion,
        groups=tuple(found_groups),
        gaps=tuple(gaps),
        notes=_notes(job, rows, asked, losses),
        seconds=round(time.monotonic() - began, 1),
    )


def _beside_champion(
    job: Job, rows: HeldOut, stand: Stand, batch_rows: int, losses: Losses
) -> tuple[dict[str, Estimate], Comparison | None]:
    """The champion's quality on the same rows, and the comparison row by row."""
    if job.champion is None or not losses:
        return {}, None
    contract = job.champion.contract
    asked = ask_all(
        Caller(stand, "champion", contract, job.deadline_ms), rows, batch_rows=batch_rows, seconds=_ASKING_SECONDS
    )
    theirs = losses_of(contract, asked, truth_of(contract, rows.labels))
    metric = next((name for name in losses if name in theirs), None)
    compared = compare(metric, losses[metric], job.champion.ref, theirs[metric]) if metric is not None else None
    return figures_of(contract, asked) if theirs else {}, compared


def _groups(job: Job, asked: AskedRows, happened: Truth, losses: Losses) -> tuple[list[Group], list[Gap]]:
    if not losses:
        return [], []
    slices, slice_gaps = groups.by_column(asked.rows.groups, job.slices, losses)
    protected, gaps = fairness.all_of(job.candidate.contract, asked, happened, job.protected)
    return slices + protected, slice_gaps + gaps


def _notes(job: Job, rows: HeldOut, asked: AskedRows, losses: Losses) -> tuple[str, ...]:
    """What a reader should know of the test itself."""
    notes = []
    if rows.in_file > rows.rows:
        notes.append(f"of {rows.in_file} rows {rows.rows} were looked at, evenly spread")
    if asked.counts.rows < rows.rows:
        notes.append(f"of {rows.rows} rows {asked.counts.rows} were asked; then {_ASKING_SECONDS:g} s were over")
    if not job.label:
        notes.append("there are no labels, so nothing is said of quality")
    elif not losses:
        notes.append("no row has both an answer and a label that the contract knows, or the task has no metric")
    return tuple(notes)
