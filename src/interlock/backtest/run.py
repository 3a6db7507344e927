"""A release plan over logged history, from the first request to its end, by the functions of gates and strategies.

Called by `job`. Nothing of the live endpoint is touched; nothing is written.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from interlock.backtest import candidate, history
from interlock.backtest.past import Past
from interlock.backtest.report import Backtest, BacktestTask, End
from interlock.domain.model import ModelVersion
from interlock.domain.privacy import effective, unkept_images, withheld_sentence
from interlock.domain.release import Gate, Release
from interlock.predictions.image_log import ImageLog
from interlock.releases import deadline, gates
from interlock.releases.deciding import ReleaseDecision
from interlock.releases.evidence import Evidence
from interlock.releases.forecast import measure
from interlock.releases.strategies import STRATEGIES, gates_of
from interlock.scoring.asking import AskedVersion
from interlock.store.database import Store

_ENDS: dict[str, End] = {"roll_back": "stopped", "promote": "promoted", "hold": "undecided"}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store says: the champion, its deadline, how often requests failed lately, and what the log lacks."""

    champion: ModelVersion
    deadline_seconds: float
    failure_rate: float
    unscorable: str
    unlogged: str


def run(task: BacktestTask, store: Store, log: Path, artifacts: Path, now: datetime) -> Backtest:
    """Do it.

    Raises:
        NotFoundError: No such endpoint.
        InvalidInputError: The task makes no sense.
        ConflictError: The log has nothing to do it with.
    """
    task.check()
    known = _known(store, task, now)
    rows = history.read(log, task, known.champion.ref)
    rng = np.random.default_rng(task.seed)
    load = partial(AskedVersion, known.champion, artifacts, known.deadline_seconds)
    images = partial(ImageLog(log).read, task.endpoint)
    answers = candidate.answers_of(known.champion, rows.rows, task.fault, rng, load, images)
    past = Past(answers, known.failure_rate, rng, task.plan.slices)
    decision, release, found = _go(task, known, past)
    reason = decision.reason.removeprefix("rolled back: ").removeprefix("promoted: ")
    return Backtest(
        endpoint=task.endpoint,
        strategy=task.strategy,
        champion=known.champion.ref,
        fault=task.fault.spelled,
        end=_ENDS.get(decision.outcome, "undecided"),
        reason=reason,
        requests=past.requests(),
        candidate_requests=past.requests(of_candidate=True),
        harmed=past.harmed(),
        hours=past.hours(),
        step=release.step,
        traffic_share=release.traffic_share,
        rows=answers.rows.num_rows,
        labelled=rows.labelled,
        gates=found,
        notes=_notes(task, known, answers.left_out),
    )


def _go(task: BacktestTask, known: _Known, past: Past) -> tuple[ReleaseDecision, Release, tuple[Gate, ...]]:
    """Let the past pass by, look, and move, until something is decided."""
    release = _release(task, known)
    past.begin(release.salt)
    decision = ReleaseDecision("wait", "nothing was looked at")
    found: tuple[Gate, ...] = ()
    for upto in past.looks():
        past.go(upto, release)
        if release.step_started_at is None:
            release = msgspec.structs.replace(release, step_started_at=past.now(), created_at=past.now())
        decision, found = _look(release, known, past)
        if decision.outcome == "advance":
            release = msgspec.structs.replace(release, step=release.step + 1, step_started_at=past.now())
        elif decision.outcome != "wait":
            break
    return decision, release, found


def _look(release: Release, known: _Known, past: Past) -> tuple[ReleaseDecision, tuple[Gate, ...]]:
    evidence = Evidence(
        release=release,
        at=past.now(),
        counts=past.counts(release),
        contract=known.champion.contract,
        has_labels=past.has_labels(),
        rows=past.paired(),
        unscorable=known.unscorable,
        unlogged=known.unlogged,
        asked=gates_of(release),
    )
    found = gates.judge(evidence)
    decided = STRATEGIES[release.strategy].decide(evidence, found)
    return deadline.enforce(decided, release, evidence.at), tuple(found.values())


def _release(task: BacktestTask, known: _Known) -> Release:
    ref = known.champion.ref
    beginning = datetime.fromtimestamp(0).astimezone()
    return Release(
        id=f"{task.endpoint}-backtest",
        endpoint=task.endpoint,
        strategy=task.strategy,
        state="running",
        candidate=ref,
        champion=ref,
        plan=task.plan,
        created_at=beginning,
        created_by="backtest",
        salt=f"backtest {task.seed}",
    )


def _known(store: Store, task: BacktestTask, now: datetime) -> _Known:
    with store.read() as tx:
        endpoint = tx.endpoints.get(task.endpoint)
        champion = tx.models.get(tx.plans.current(task.endpoint).champion)
        traffic = measure(tx, task.endpoint, now, 0.0)
    rules = effective([champion.contract], endpoint.privacy)
    inputs = [name for name in rules if name.startswith("input.")]
    outputs = [name for name in rules if name.startswith("output.")]
    unkept = unkept_images([champion.contract], endpoint.image_share)
    lacking = [withheld_sentence(inputs)] if inputs else []
    lacking += [f"the log keeps no images of {', '.join(unkept)}"] if unkept else []
    return _Known(
        champion=champion,
        deadline_seconds=endpoint.deadline_ms / 1000,
        failure_rate=traffic.failure_rate,
        unscorable="; ".join(lacking),
        unlogged=withheld_sentence(outputs) if outputs else "",
    )


def _notes(task: BacktestTask, known: _Known, left_out: str) -> tuple[str, ...]:
    notes = [f"rows left out: {left_out}"] if left_out else []
    if known.failure_rate:
        rate = f"{known.failure_rate:.2%}"
        notes.append(
            f"requests that failed are not in the log: both versions are taken to fail {rate} beside the fault"
        )
    if task.plan.require_approval or task.plan.require_test:
        notes.append("approvals and application tests are not part of it")
    return tuple(notes)
