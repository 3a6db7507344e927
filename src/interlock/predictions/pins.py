"""Pins: versions of an endpoint's log that stay, bit for bit, whatever is later appended, compacted or dropped.

Called by the control API; a model's lineage may name one. A pin is a small log of its own, below `pins/ENDPOINT/NAME`:
a Delta table of each kind whose data files are hard links to those of the log, so it costs no space until the log lets
go of them, and nothing that is done to the log reaches it. Every reader of a log reads a pin. Only the deletion of a
unit changes one, and says so. The version in the log itself stays readable too.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pyarrow as pa
from deltalake import DeltaTable

from interlock.domain.access import Key
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.domain.names import check_name
from interlock.domain.pin import Pin, PinnedTable
from interlock.predictions import commits, log_lock, segments
from interlock.predictions.delta_log import KINDS, DeltaLog, Kind
from interlock.store.database import Store


class Pins:
    """Pins of one log.

    Args:
        log: The log.
        store: Where pins are written down.
        clock: Aware UTC.
    """

    def __init__(self, log: DeltaLog, store: Store, clock: Callable[[], datetime]) -> None:
        self._log, self._store, self._clock = log, store, clock

    def create(self, endpoint: str, name: str, actor: Key) -> Pin:
        """Pin what the log holds now.

        Raises:
            InvalidInputError: A name breaks a rule.
            NotFoundError: The endpoint has no log yet.
            ConflictError: The endpoint has a pin of that name.
            OverloadedError: The log is held by somebody else.
        """
        # Both become folders.
        check_name("endpoint", endpoint)
        check_name("pin", name)
        with log_lock.exclusive(self._log.root):
            self._check_free(endpoint, name)
            tables = self._link(endpoint, name)
            now = self._clock()
            pin = Pin(endpoint=endpoint, name=name, created_at=now, created_by=actor.name, tables=tables)
            with self._store.transaction() as tx:
                tx.pins.add(pin)
                details = {"pin": name, "tables": msgspec.to_builtins(tables)}
                tx.audit.append(now, actor.name, actor.role, "log.pin", endpoint, details)
        return pin

    def list(self, endpoint: str | None = None) -> list[Pin]:
        """Pins of all endpoints, or of one."""
        with self._store.read() as tx:
            return tx.pins.list(endpoint)

    def faults(self, endpoint: str) -> Mapping[str, Sequence[str]]:
        """By name, what is wrong with an endpoint's pins; every file is read for it."""
        return {pin.name: faults(self._log.root, pin) for pin in self.list(endpoint)}

    def delete(self, endpoint: str, name: str, actor: Key, *, force: bool = False) -> None:
        """Let go of a pin; its files go when nothing else has them.

        Args:
            endpoint, name: Which.
            actor: Who wants it.
            force: Also if model versions were trained on it.

        Raises:
            NotFoundError: There is no such pin.
            ConflictError: A model version was trained on it.
            OverloadedError: The log is held by somebody else.
        """
        with log_lock.exclusive(self._log.root):
            with self._store.transaction() as tx:
                pin = tx.pins.get(endpoint, name)
                trained = [version.ref for version in tx.models.list() if version.lineage.get("pin") == pin.ref]
                if trained and not force:
                    raise ConflictError(f"{', '.join(trained)} was trained on pin {pin.ref}; force it to let go anyway")
                tx.pins.delete(endpoint, name)
                details = {"pin": name, "trained": trained}
                tx.audit.append(self._clock(), actor.name, actor.role, "log.unpin", endpoint, details)
            shutil.rmtree(root(self._log.root, pin), ignore_errors=True)

    def root(self, endpoint: str, name: str) -> Path:
        """Where the pin is, for everything that reads a log: `LogReader(pins.root(...))`.

        Raises:
            NotFoundError: There is no such pin.
        """
        with self._store.read() as tx:
            return root(self._log.root, tx.pins.get(endpoint, name))

    def _check_free(self, endpoint: str, name: str) -> None:
        with self._store.read() as tx:
            if any(pin.name == name for pin in tx.pins.list(endpoint)):
                raise ConflictError(f"pin '{endpoint}@{name}' exists already; a pin never changes, choose another name")

    def _link(self, endpoint: str, name: str) -> dict[str, PinnedTable]:
        folder = self._log.root / "pins" / endpoint / name
        # What is there has no row in the store: somebody died here before he wrote it down.
        shutil.rmtree(folder, ignore_errors=True)
        tables = {kind: table for kind in KINDS if (table := self._log.table(kind, endpoint)) is not None}
        if not tables:
            raise NotFoundError("log of endpoint", endpoint, self._log.endpoints("predictions"))
        found: dict[str, PinnedTable] = {}
        for kind, table in tables.items():
            # So that the log's own version stays readable when the commits before it are gone.
            table.create_checkpoint()
            target = folder / kind / endpoint
            _clone(table, target)
            found[kind] = measure(DeltaTable(target))
        return found


def root(log: Path, pin: Pin) -> Path:
    """Where a pin is."""
    return log / "pins" / pin.endpoint / pin.name


def versions(store: Store, log: DeltaLog, kind: Kind, endpoint: str) -> set[int]:
    """Versions of a table that must stay readable in the log itself.

    Not those that rows were deleted from, which only their pin still has; nor those of a table that was removed by hand
    and counts anew.
    """
    with store.read() as tx:
        pins = [pin for pin in tx.pins.list(endpoint) if pin.redacted_at is None]
    found = {pin.tables[kind].version for pin in pins if kind in pin.tables}
    return {version for version in found if commits.has_checkpoint(log.path(kind, endpoint), version)}


def measure(table: DeltaTable, version: int | None = None) -> PinnedTable:
    """Count and digest what a table holds.

    Args:
        table: A table of a pin.
        version: The log's version that it stands for; by default its own.
    """
    actions = pa.table(table.get_add_actions(flatten=True)).select(["path", "num_records"]).to_pylist()
    folder, digest = commits.folder_of(table), hashlib.sha256()
    for action in sorted(actions, key=lambda action: str(action["path"])):
        with (folder / unquote(action["path"])).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    rows = sum(action["num_records"] for action in actions)
    version = table.version() if version is None else version
    return PinnedTable(version=version, rows=rows, files=len(actions), digest=digest.hexdigest())


def faults(log: Path, pin: Pin) -> list[str]:
    """What is wrong with a pin: nothing, if its files are what was pinned."""
    found = []
    for kind, pinned in pin.tables.items():
        try:
            now = measure(DeltaTable(root(log, pin) / kind / pin.endpoint), pinned.version)
        except Exception as error:  # whatever it is, this pin cannot be read
            found.append(f"{kind} of {pin.ref} cannot be read: {error}")
        else:
            if now != pinned:
                found.append(f"{kind} of {pin.ref} is not what was pinned")
    return found


def _clone(table: DeltaTable, target: Path) -> None:
    source, log = commits.folder_of(table), target / "_delta_log"
    log.mkdir(parents=True)
    folders = {target, log}
    for path in commits.files_of(table):
        place = target / path.relative_to(source)
        place.parent.mkdir(exist_ok=True)
        _link(path, place)
        folders.add(place.parent)
    # The commit as well: delta-rs wants it before it writes the next one, when a unit is deleted.
    for path in (commits.checkpoint_path(source, table.version()), commits.commit_path(source, table.version())):
        shutil.copy(path, log / path.name)
        segments.sync(log / path.name)
    for folder in (*folders, *target.parents[:4]):
        segments.sync_folder(folder)


def _link(path: Path, place: Path) -> None:
    try:
        place.hardlink_to(path)
    except OSError:  # another file system, or one without links
        shutil.copy(path, place)
        segments.sync(place)
