"""Measures how fast an endpoint's model grows old, and proposes how often to retrain.

Run by the process of an advice. It pins the log, teaches models up to different days with the endpoint's own trainer,
each in the trainer's process with its limits, asks them about the days that follow, and lets go of all of it: no model
is registered, and traffic is not touched.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
import pyarrow.parquet as pq

from interlock.domain.access import Key
from interlock.domain.advice import Advice, AgeLoss, Measured
from interlock.domain.contract import Contract
from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import InterlockError, InvalidInputError, OverloadedError
from interlock.domain.model import ModelVersion
from interlock.domain.retraining import Retraining
from interlock.learning import (
    advice_file,
    advising,
    age_trial,
    dataset,
    inherited,
    judging,
    kept_images,
    learnable,
    rows,
    workspace,
)
from interlock.learning.age_trial import Grid, Losses
from interlock.learning.context import Task
from interlock.learning.training import Limits, train
from interlock.predictions import flush
from interlock.predictions.pins import Pins
from interlock.registry.registration import Candidate, Registration
from interlock.registry.service import Registry
from interlock.runtimes.memory import machine_bytes
from interlock.stats import model_decay
from interlock.store.database import Store

_log = logging.getLogger(__name__)

ALPHA = 0.05

_PIN = "advice"
_FRESH_SECONDS = 15.0
_PIN_TRIES = 20
_DAY_MICROS = 86_400 * 10**6
_KNOWN_LABELS = 0.9


@dataclass(frozen=True, slots=True)
class Places:
    """Folders: of artifacts, of spools, and of the advice; and the root of the log."""

    artifacts: Path
    spools: Path
    folder: Path
    log: Path


@dataclass(frozen=True, slots=True)
class _Case:
    """What is measured: an endpoint with its champion and its declaration, and what its past runs took, in seconds."""

    endpoint: Endpoint
    champion: ModelVersion
    settings: Retraining
    run_seconds: list[float]


class Adviser:
    """Performs an advice.

    Args:
        store: Endpoints, versions, declarations, past runs.
        registry: Examines models.
        pins: Keeps the log as it is meanwhile.
        places: Where everything is.
        clock: Aware UTC.
    """

    def __init__(
        self, store: Store, registry: Registry, pins: Pins, places: Places, clock: Callable[[], datetime]
    ) -> None:
        self._store, self._registry, self._pins = store, registry, pins
        self._places, self._clock = places, clock

    def perform(self) -> None:
        """Perform what the folder's file asks for. What goes wrong is written into it."""
        folder = self._places.folder
        advice = advice_file.read(folder)
        try:
            found = self._measure(advice)
        except InterlockError as error:
            found = msgspec.structs.replace(advice, state="failed", error=str(error))
        except Exception as error:  # whatever it is, who asked must learn of it
            _log.exception("the advice on %s broke", advice.endpoint)
            found = msgspec.structs.replace(advice, state="failed", error=f"{type(error).__name__}: {str(error)[:300]}")
        finally:
            advice_file.clean(folder)
        advice_file.write(folder, msgspec.structs.replace(found, ended_at=self._clock(), progress=1.0, told=""))

    def _measure(self, advice: Advice) -> Advice:
        case = self._case(advice.endpoint)
        learnable.check(case.champion.contract, case.endpoint.privacy)
        _check_columns(case.champion.contract)
        judging.loss_of(case.champion.contract)
        actor = Key(name=advice.created_by, role="operator", digest="", created_at=self._clock())
        self._pin(advice, actor)
        try:
            count = self._read(case)
        finally:
            self._pins.delete(advice.endpoint, _PIN, actor)
        return _Measurement(self._registry, self._places, case, advice).measure(count)

    def _case(self, endpoint: str) -> _Case:
        with self._store.read() as tx:
            ended = [run for run in tx.runs.list(endpoint) if run.judgement and run.started_at and run.ended_at]
            seconds = [(run.ended_at - run.started_at).total_seconds() for run in ended]  # type: ignore[operator]  # both there
            champion = tx.models.get(tx.plans.current(endpoint).champion)
            settings = tx.retrainings.get(endpoint) or Retraining()
            return _Case(tx.endpoints.get(endpoint), champion, settings, seconds)

    def _pin(self, advice: Advice, actor: Key) -> None:
        with self._store.read() as tx:
            is_left = any(pin.name == _PIN for pin in tx.pins.list(advice.endpoint))
        if is_left:  # by a process that was killed
            self._pins.delete(advice.endpoint, _PIN, actor)
        if not flush.request(self._places.spools, timeout_seconds=_FRESH_SECONDS):
            _log.warning("the log is behind; the newest rows may be missing")
        for _ in range(_PIN_TRIES):
            try:
                self._pins.create(advice.endpoint, _PIN, actor)
                return
            except OverloadedError as error:  # upkeep holds the log
                time.sleep(error.retry_after_seconds)
        self._pins.create(advice.endpoint, _PIN, actor)

    def _read(self, case: _Case) -> int:
        root = self._pins.root(case.endpoint.name, _PIN)
        source = dataset.Source(root, case.endpoint.name, case.champion.contract, pinned_at=self._clock())
        return dataset.read_all(source, case.settings, self._places.folder)


class _Measurement:
    """One measurement, once its rows are there."""

    def __init__(self, registry: Registry, places: Places, case: _Case, advice: Advice) -> None:
        self._registry, self._places, self._case, self._advice = registry, places, case, advice
        self._file = places.folder / dataset.TRAINING

    def measure(self, count: int) -> Advice:
        grid = Grid.of(age_trial.events_of(self._file), self._case.settings.window.days, self._advice.starts)
        grid.check()
        candidates: list[Candidate] = []
        began = time.monotonic()
        try:
            for number in range(grid.models):
                self._tell(0.8 * number / grid.models, f"teaching model {number + 1} of {grid.models}")
                candidates.append(self._teach(number, grid))
            seconds = (time.monotonic() - began) / grid.models
            losses = self._ask([each.version for each in candidates], grid)
        finally:
            for candidate in candidates:
                self._registry.discard(candidate)
        measured = self._measured(grid, losses, count, seconds)
        proposed = advising.propose(measured, self._advice.tolerated)
        return msgspec.structs.replace(
            self._advice,
            state="done",
            measured=measured,
            ages=_ages(grid, losses),
            intervals=proposed.intervals,
            proposal=proposed.proposal,
            reason=proposed.reason,
        )

    def _teach(self, number: int, grid: Grid) -> Candidate:
        """Have the trainer make a model, and look at it as at every model."""
        folder, settings = self._places.folder / f"model-{number}", self._case.settings
        workspace.prepare(folder)
        table = age_trial.part(self._file, *grid.taught(number))
        if settings.window.rows is not None:
            table = table.slice(max(0, table.num_rows - settings.window.rows))
        pq.write_table(table, folder / dataset.TRAINING)
        limits = Limits(60 * settings.limit_minutes, settings.threads, settings.log_bytes)
        model = train(
            self._task(folder), limits, lambda said: self._tell(0.8 * (number + said.share) / grid.models, said.text)
        )
        candidate = self._registry.examine(
            Registration(
                name=self._case.champion.name,
                source=model,
                reference=self._reference(folder),
                trust_pickle=settings.trust_pickle,
                contract=inherited.declaration(self._case.champion.contract),
                parent=self._case.champion.ref,
                created_by=self._advice.created_by,
            )
        )
        workspace.clean(folder)
        return candidate

    def _task(self, folder: Path) -> Task:
        settings = self._case.settings
        return Task(
            endpoint=self._case.endpoint.name,
            folder=str(folder.absolute()),
            trainer=settings.trainer,
            mode="scratch",  # what was taught further has no age of its own
            seed=settings.seed,
            label=settings.label,
            contract=self._case.champion.contract,
            log=str(self._places.log.absolute()),
            parent=learnable.parent(self._case.champion, self._places.artifacts, folder),
            code=settings.code,
            parameters=settings.parameters,
            references=settings.references,
            trust_pickle=settings.trust_pickle,
            memory_bytes=settings.memory_bytes or machine_bytes() // 2,
        )

    def _reference(self, folder: Path) -> Path:
        inputs = [field.name for field in self._case.champion.contract.inputs]
        table = rows.newest(folder / dataset.TRAINING, age_trial.MOST_ROWS)
        path = folder / workspace.REFERENCE
        pq.write_table(table.select([f"input.{name}" for name in inputs]).rename_columns(inputs), path)
        return path

    def _ask(self, versions: list[ModelVersion], grid: Grid) -> Losses:
        return age_trial.ask(
            versions,
            grid,
            self._case.champion.contract,
            (self._file, self._places.artifacts),
            self._case.endpoint.deadline_ms / 1000,
            lambda share, text: self._tell(0.8 + 0.2 * share, text),
        )

    def _measured(self, grid: Grid, losses: Losses, count: int, seconds: float) -> Measured:
        ages = losses.ages(grid)
        decay = model_decay.analyze(losses.model, losses.stretch, ages, losses.loss, alpha=ALPHA)
        past = self._case.run_seconds
        return Measured(
            rows=count,
            loss=judging.loss_of(self._case.champion.contract),
            fresh_loss=float(losses.fresh.mean()),
            per_day=decay.per_day if isfinite(decay.per_day) else 0.0,
            lower=decay.lower if isfinite(decay.lower) else None,
            upper=decay.upper if isfinite(decay.upper) else None,
            models=decay.models,
            stretches=decay.stretches,
            span_days=float(ages.max()),
            run_seconds=median(past) if past else seconds,
            runs_known=len(past),
            label_delay_days=self._label_delay_days(),
        )

    def _label_delay_days(self) -> float:
        known = rows.read_labelled(self._case.champion.contract, self._file)
        return float(np.quantile(np.maximum(known.observed - known.events, 0), _KNOWN_LABELS)) / _DAY_MICROS

    def _tell(self, share: float, text: str) -> None:
        self._advice = msgspec.structs.replace(self._advice, progress=share, told=text[:200])
        advice_file.write(self._places.folder, self._advice)


def _check_columns(contract: Contract) -> None:
    images = [field.name for field in kept_images.fields(contract)]
    if images:
        raise InvalidInputError(f"input {images[0]!r} is an image; an advice is measured on columns of the log only")


def _ages(grid: Grid, losses: Losses) -> tuple[AgeLoss, ...]:
    """Mean excess over the freshest model, by how much older a model is."""
    excess, behind = losses.loss - losses.fresh, losses.behind
    return tuple(
        AgeLoss(
            days=float(each) * grid.stretch_days,
            excess=float(excess[behind == each].mean()),
            comparisons=int((behind == each).sum()),
        )
        for each in np.unique(behind)
        if each
    )
