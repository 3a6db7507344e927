"""One run from the log to a registered version, or to the reason why there is none.

Run by the run's own process. It reads the rows, has the trainer make a model in a process of its own, has the model
examined as every model is, and judges it beside the champion. It writes down each step in the store, so that whoever
looks sees how far it is, and whoever finds it dead knows what was done. It never touches traffic.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from interlock.domain.access import Key
from interlock.domain.contract import Contract
from interlock.domain.contract_diff import diff
from interlock.domain.endpoint import Endpoint
from interlock.domain.errors import ConflictError, InterlockError, InvalidInputError, NotFoundError, OverloadedError
from interlock.domain.model import ModelVersion
from interlock.domain.pin import Pin
from interlock.domain.run import CodeFacts, DataFacts, Judgement, Run
from interlock.learning import (
    data_checks,
    dataset,
    evidence,
    inherited,
    kept_images,
    leakage,
    learnable,
    rows,
    run_road,
    tracking,
    workspace,
)
from interlock.learning.code import code_facts
from interlock.learning.context import Progress, Task
from interlock.learning.evidence import Evidence, Pair
from interlock.learning.kept_images import KeptImages
from interlock.learning.run_road import Mover
from interlock.learning.training import Limits, train
from interlock.predictions import flush
from interlock.predictions.pins import Pins
from interlock.registry.learnt_fields import MOST_IMAGES, evenly
from interlock.registry.registration import Candidate, Registration
from interlock.registry.service import Registry
from interlock.runtimes.frameworks import PYTHON, installed
from interlock.runtimes.memory import machine_bytes
from interlock.store.database import Store
from interlock.store.transaction import Transaction

_log = logging.getLogger(__name__)

ACTOR = "retraining"
"""As the audit log names who acts here."""

_FRESH_SECONDS = 15.0
_PIN_TRIES = 20
_TELL_EVERY_SECONDS = 1.0
# Rows that describe what the new version answers to; registration looks at no more.
_REFERENCE_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Places:
    """Folders: of artifacts, of spools, and of all runs; and the root of the log."""

    artifacts: Path
    spools: Path
    runs: Path
    log: Path


class Retrainer:
    """Performs runs.

    Args:
        store: Runs, versions, endpoints.
        registry: Examines and registers.
        pins: Keeps what is learnt from.
        places: Where everything is.
        clock: Aware UTC.
    """

    def __init__(
        self, store: Store, registry: Registry, pins: Pins, places: Places, clock: Callable[[], datetime]
    ) -> None:
        self._store, self._registry, self._pins = store, registry, pins
        self._places, self._clock = places, clock

    def perform(self, run_id: str) -> None:
        """Perform a run that was begun. What goes wrong is written down with it."""
        with self._store.read() as tx:
            run = tx.runs.get(run_id)
        folder = self._places.runs / run.id
        try:
            _Performance(self, run, folder).perform()
        except InterlockError as error:
            _log.warning("run %s: %s", run.id, error)
            self._fail(run, str(error))
        except Exception as error:  # whatever it is, who asked must learn of it
            _log.exception("run %s broke", run.id)
            self._fail(run, f"{type(error).__name__}: {str(error)[:300]}; see the run's log")
        finally:
            self._track(run, folder)
            workspace.clean(folder)

    def _track(self, run: Run, folder: Path) -> None:
        """Hand the run to MLflow if its owner wants that."""
        if run.settings.tracking is None:
            return
        with self._store.read() as tx:
            now = tx.runs.get(run.id)
        facts = tracking.track(now, folder, self._places.runs.parent)
        if "error" in facts:
            _log.warning("run %s is not in MLflow: %s", run.id, facts["error"])
        with self._store.transaction() as tx:
            run_road.track(tx, run, facts)

    @property
    def store(self) -> Store:
        return self._store

    @property
    def registry(self) -> Registry:
        return self._registry

    @property
    def places(self) -> Places:
        return self._places

    def mover(self) -> Mover:
        """This process, now."""
        return Mover(ACTOR, "system", self._clock())

    def note(self, run: Run, **facts: Any) -> Run:
        """Write down how far a run is."""
        with self._store.transaction() as tx:
            return run_road.note(tx, run, self._clock(), **facts)

    def pin(self, run: Run) -> Pin:
        """The pin of a run: what the log holds now, unless it has one.

        Raises:
            NotFoundError: It is gone, or there is no log.
        """
        name = run.pin or f"run-{run.number}"
        with self._store.read() as tx:
            there = [pin for pin in tx.pins.list(run.endpoint) if pin.name == name]
        if there:
            return there[0]
        if run.pin:
            raise NotFoundError("pin", f"{run.endpoint}@{name}")
        if not flush.request(self._places.spools, timeout_seconds=_FRESH_SECONDS):
            _log.warning("the log is behind; the newest rows may be missing")
        return self._create_pin(run, name)

    def root_of(self, pin: Pin) -> Path:
        """Where a pin is."""
        return self._pins.root(pin.endpoint, pin.name)

    def _create_pin(self, run: Run, name: str) -> Pin:
        actor = Key(name=ACTOR, role="operator", digest="", created_at=self._clock())
        for _ in range(_PIN_TRIES):
            try:
                return self._pins.create(run.endpoint, name, actor)
            except OverloadedError as error:  # upkeep holds the log
                time.sleep(error.retry_after_seconds)
        return self._pins.create(run.endpoint, name, actor)

    def _fail(self, run: Run, reason: str) -> None:
        try:
            with self._store.transaction() as tx:
                run_road.fail(tx, run, self.mover(), reason)
        except ConflictError as error:
            _log.warning("%s", error)


class _Performance:
    """What one run needs on its way."""

    def __init__(self, retrainer: Retrainer, run: Run, folder: Path) -> None:
        self._retrainer, self._run, self._folder = retrainer, run, folder
        self._told_at = 0.0
        with retrainer.store.read() as tx:
            self._endpoint: Endpoint = tx.endpoints.get(run.endpoint)
            self._champion: ModelVersion = tx.models.get(run.parent)

    def perform(self) -> None:
        learnable.check(self._champion.contract, self._endpoint.privacy)
        pin = self._retrainer.pin(self._run)
        self._run = self._retrainer.note(self._run, pin=pin.name)
        read = self._read(pin)
        self._note(stage="training", environment=_environment(), code=self._code())
        settings = self._run.settings
        limits = Limits(60 * settings.limit_minutes, settings.threads, settings.log_bytes)
        model = train(self._task(), limits, self._tell)
        with self._retrainer.store.transaction() as tx:
            self._run = run_road.trained(tx, self._run, self._retrainer.mover(), _metrics(self._folder))
        self._judge(model, read)

    def _read(self, pin: Pin) -> dataset.Rows:
        run, settings = self._run, self._run.settings
        taught_until = _taught_until(self._champion)
        source = dataset.Source(
            root=self._retrainer.root_of(pin),
            endpoint=run.endpoint,
            contract=self._champion.contract,
            pinned_at=pin.created_at,
            after=taught_until if run.mode == "fine_tune" else None,
            unseen_after=taught_until,
        )
        read = dataset.read(source, settings, self._folder)
        twins = leakage.duplicates(self._folder / dataset.TRAINING, self._folder / dataset.HELD_OUT)
        facts = _data_facts(pin, read, twins, self._label_shares())
        self._note(data=facts)
        faults = data_checks.faults(
            self._folder / dataset.TRAINING,
            self._folder / dataset.HELD_OUT,
            unusable=read.unusable,
            most_missing=settings.most_missing,
        )
        if faults:
            raise InvalidInputError(*faults)
        if twins > settings.most_duplicates * read.held_out:
            raise InvalidInputError(
                f"{twins} of {read.held_out} held-out rows stand among the training rows with the same inputs; judged "
                "on them, a model that learnt by heart would look good. Find out why, or raise most_duplicates if rows "
                "repeat by nature"
            )
        return read

    def _label_shares(self) -> dict[str, float]:
        contract = self._champion.contract
        labels = rows.read_labelled(contract, self._folder / dataset.TRAINING).labels
        if not contract.is_classifier:
            return {"mean": float(labels.mean())}
        counts = {str(name): float((labels == at).mean()) for at, name in enumerate(contract.classes)}
        if max(counts.values()) == 1.0:
            raise InvalidInputError(f"all training rows have the label {max(counts, key=lambda name: counts[name])!r}")
        return counts

    def _task(self) -> Task:
        run, settings = self._run, self._run.settings
        return Task(
            endpoint=run.endpoint,
            folder=str(self._folder.absolute()),
            trainer=settings.trainer,
            mode=run.mode,
            seed=settings.seed,
            label=settings.label,
            contract=self._champion.contract,
            log=str(self._retrainer.places.log.absolute()),
            parent=learnable.parent(self._champion, self._retrainer.places.artifacts, self._folder),
            code=settings.code,
            parameters=settings.parameters,
            references=settings.references,
            trust_pickle=settings.trust_pickle,
            memory_bytes=settings.memory_bytes or machine_bytes() // 2,
        )

    def _code(self) -> CodeFacts:
        return code_facts(self._run.settings.trainer, self._run.settings.code)

    def _judge(self, model: Path, read: dataset.Rows) -> None:
        candidate = self._retrainer.registry.examine(self._registration(model, read))
        try:
            judgement = self._compared(candidate)
            if judgement is not None and judgement.passed:
                self._register(candidate, judgement)
                return
        except BaseException:
            self._retrainer.registry.discard(candidate)
            raise
        self._retrainer.registry.discard(candidate)

    def _compared(self, candidate: Candidate) -> Judgement | None:
        """What is thought of it; None if it breaks callers. If it did not pass, the run has ended."""
        changes = diff(self._champion.contract, candidate.version.contract)
        breaking = [each.what for each in changes if each.kind == "breaking"]
        if breaking:
            self._reject(f"it would break callers who rely on {self._champion.ref}: {'; '.join(breaking)}", None)
            return None
        self._note(stage="judging")
        pair = Pair(self._champion, candidate.version, self._endpoint.deadline_ms / 1000)
        judgement = evidence.compare(pair, self._evidence(), self._run.settings.margin)
        if not judgement.passed:
            self._reject(judgement.reason, judgement)
        return judgement

    def _evidence(self) -> Evidence:
        return Evidence(self._folder, self._retrainer.places.artifacts, self._images(self._champion.contract))

    def _images(self, contract: Contract) -> KeptImages:
        return KeptImages(self._retrainer.places.log, self._run.endpoint, contract)

    def _register(self, candidate: Candidate, judgement: Judgement) -> None:
        lineage = candidate.version.lineage | {"judgement": msgspec.to_builtins(judgement)}
        version = msgspec.structs.replace(candidate.version, lineage=lineage)

        def also(tx: Transaction, added: ModelVersion) -> None:
            self._run = run_road.register(tx, self._run, self._retrainer.mover(), judgement, added.ref)

        self._retrainer.registry.add(msgspec.structs.replace(candidate, version=version), also)

    def _reject(self, reason: str, judgement: Judgement | None) -> None:
        with self._retrainer.store.transaction() as tx:
            self._run = run_road.reject(tx, self._run, self._retrainer.mover(), reason, judgement)

    def _registration(self, model: Path, read: dataset.Rows) -> Registration:
        run = self._run
        reference, label = self._reference()
        return Registration(
            name=self._champion.name,
            source=model,
            reference=reference,
            label=label,
            trust_pickle=run.settings.trust_pickle,
            contract=inherited.declaration(self._champion.contract),
            origin=f"run {run.id}",
            parent=self._champion.ref,
            trained_on=f"{run.endpoint}@{run.pin}",
            lineage=_lineage(run, read),
            created_by=run.created_by,
            role=run.role,
        )

    def _reference(self) -> tuple[Path, str]:
        """The newest held-out rows as registration takes them, and the name of their label."""
        contract = self._champion.contract
        table = rows.newest(self._folder / dataset.HELD_OUT, _REFERENCE_ROWS)
        if kept_images.fields(contract):
            table = self._images(contract).with_files(table.take(evenly(table.num_rows, MOST_IMAGES)))
        inputs = [field.name for field in contract.inputs]
        label = self._run.settings.label
        while label in inputs:
            label += "_"
        table = table.select([*(f"input.{name}" for name in inputs), "label"]).rename_columns([*inputs, label])
        path = self._folder / workspace.REFERENCE
        pq.write_table(table, path)
        return path, label

    def _tell(self, said: Progress) -> None:
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY_SECONDS:
            self._told_at = now
            self._note(progress=said.share, told=said.text)

    def _note(self, **facts: Any) -> None:
        self._run = self._retrainer.note(self._run, **facts)


def _data_facts(pin: Pin, read: dataset.Rows, twins: int, shares: dict[str, float]) -> DataFacts:
    return DataFacts(
        pin=pin.ref,
        digests={kind: table.digest for kind, table in pin.tables.items()},
        training_rows=read.training,
        heldout_rows=read.held_out,
        since=read.since,
        heldout_since=read.held_out_since,
        until=read.until,
        unusable_labels=read.unusable,
        future_labels=read.future,
        unkept_images=read.unkept,
        duplicates=twins,
        label_shares=shares,
    )


def _lineage(run: Run, read: dataset.Rows) -> dict[str, Any]:
    """What a version says of the run that made it."""
    return {
        "run": run.id,
        "mode": run.mode,
        "code": msgspec.to_builtins(run.code),
        "parameters": run.settings.parameters,
        "seed": run.settings.seed,
        "metrics": run.metrics,
        "training_rows": read.training,
        "trained_since": read.since.isoformat(),
        "trained_until": read.trained_until.isoformat(),
    }


def _taught_until(version: ModelVersion) -> datetime | None:
    """The last event that a version learnt from, where it was retrained here."""
    given = version.lineage.get("trained_until")
    return datetime.fromisoformat(given) if isinstance(given, str) else None


def _metrics(folder: Path) -> dict[str, float]:
    """The last value of each figure that the trainer kept."""
    path = folder / workspace.METRICS
    if not path.exists():
        return {}
    found: dict[str, float] = {}
    for line in path.read_bytes().splitlines():
        said = msgspec.json.decode(line)
        found[said["name"]] = said["value"]
    return found


def _environment() -> dict[str, str]:
    """Versions of everything installed where the trainer runs."""
    return installed(sorted({each.name for each in metadata.distributions() if each.name} - {PYTHON}))
