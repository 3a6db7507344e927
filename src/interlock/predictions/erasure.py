"""Erasure: everything the log holds of a unit is deleted, from its present version, its history and its pins.

Called by the control API when somebody asks to be forgotten, after what waits in the spools was committed. Rows that
are found by a prediction's id go first, those with the unit's name last, so that whoever repeats it after a crash finds
what is left. What was counted stays (profiles, gates, how many rows were ever logged): none of it names a unit. The
audit log says what was deleted, and of whom by a keyed hash alone. A pin that it touches is no longer what was pinned,
and says so. A privacy rule may have hashed the unit at any time, so it is looked for under both names. Images that no
row names any more go too, and all bodies of refused requests: those tell no unit.
"""

import hashlib
import secrets
import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from deltalake import DeltaTable

from interlock.domain.access import Key
from interlock.domain.errors import NotFoundError
from interlock.domain.names import check_name
from interlock.domain.pin import Pin, PinnedTable
from interlock.predictions import cleaning, commits, image_names, log_lock, pins, replacement, unit_traces
from interlock.predictions.delta_log import KINDS, DeltaLog, Kind
from interlock.predictions.hashing import Hasher
from interlock.predictions.image_log import ImageLog
from interlock.predictions.unit_traces import Traces
from interlock.store.database import Store
from interlock.store.transaction import Transaction

# A file that no commit names may be one of a commit that is about to come; no commit takes so long.
_COMMIT_SECONDS = 3600.0


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted.

    Args:
        unit_hash: Stands for the unit in the audit log.
        rows: By kind, rows of the log's present version.
        pins: Those that it touched.
        quarantined: Records in the spools' quarantine.
        images: Images that were deleted.
        files_left: Files that may belong to a commit under way. Upkeep deletes images among them an hour later, another
            run the rest.
    """

    unit_hash: str
    rows: dict[str, int]
    pins: list[str]
    quarantined: int
    images: int
    files_left: int


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is of a unit before it is deleted."""

    log: Traces
    pins: list[tuple[Pin, Traces]]
    quarantined: list[Path]
    images: set[str]


class Eraser:
    """Deletes units from one log.

    Args:
        log: The log.
        store: Where pins and the audit log are.
        spools: Holds the spool folders of this machine.
        key_file: Holds the key of the audit log's hashes; made when it is needed first.
        clock: Aware UTC.
        hasher: Hashes as privacy rules do.
    """

    def __init__(
        self,
        log: DeltaLog,
        store: Store,
        spools: Path,
        key_file: Path,
        clock: Callable[[], datetime],
        hasher: Hasher,
    ) -> None:
        self._log, self._store, self._clock = log, store, clock
        self._spools, self._key_file, self._hasher = spools, key_file, hasher
        self._images = ImageLog(log.root)

    def erase(self, endpoint: str, unit: str, actor: Key) -> Erased:
        """Delete a unit's predictions, with their labels, scores and rewards.

        Args:
            endpoint: Whose log.
            unit: The sticky key that callers sent; of a request that sent none, its first prediction id.
            actor: Who wants it.

        Raises:
            InvalidInputError: That is no name of an endpoint.
            NotFoundError: The endpoint has no log.
            OverloadedError: The log is held by somebody else.
            ConflictError: Another program rewrites the table at the same time.
        """
        check_name("endpoint", endpoint)
        if not any(endpoint in self._log.endpoints(kind) for kind in KINDS):
            raise NotFoundError("log of endpoint", endpoint, self._log.endpoints("predictions"))
        unit_hash, names = self._hash(unit), [unit, self._hasher.digest(unit)]
        with log_lock.exclusive(self._log.root):
            found = self._find(endpoint, names)
            with self._store.transaction() as tx:
                self._announce(tx, endpoint, unit_hash, found, actor)
            for pin, traces in found.pins:
                self._redact(pin, names, traces)
            rows, left = self._delete(endpoint, names, found.log)
            for file in found.quarantined:
                file.unlink()
            images, waiting = self._sweep(endpoint, found.images)
            erased = Erased(
                unit_hash=unit_hash,
                rows=rows,
                pins=[pin.name for pin, _ in found.pins],
                quarantined=len(found.quarantined),
                images=images,
                files_left=left + waiting,
            )
            redacted = self._measured_anew(endpoint)
            with self._store.transaction() as tx:
                for pin in redacted:
                    tx.pins.replace(pin)
                for name in names:
                    tx.gate_counts.forget([release.id for release in tx.releases.list(endpoint)], name)
                tx.rejections.drop_bodies(endpoint)
                details = msgspec.to_builtins(erased)
                tx.audit.append(self._clock(), actor.name, actor.role, "log.forgotten", endpoint, details)
        return erased

    def _find(self, endpoint: str, names: list[str]) -> _Found:
        logs = [self._log, *map(self._pinned_log, self._pins(endpoint))]
        pinned = [(pin, unit_traces.find(self._pinned_log(pin), endpoint, names)) for pin in self._pins(endpoint)]
        return _Found(
            unit_traces.find(self._log, endpoint, names),
            [(pin, traces) for pin, traces in pinned if traces.kinds],
            [path for path in self._spools.glob("*/quarantine/*.bin") if _has_any(path.read_bytes(), names)],
            image_names.named(logs, endpoint, units=names) if self._images.folder(endpoint).exists() else set(),
        )

    def _pins(self, endpoint: str) -> list[Pin]:
        with self._store.read() as tx:
            return tx.pins.list(endpoint)

    def _sweep(self, endpoint: str, were_named: set[str]) -> tuple[int, int]:
        """Delete images that no row names any more; how many, and how many must wait."""
        if not were_named:
            return 0, 0
        named = image_names.named([self._log, *map(self._pinned_log, self._pins(endpoint))], endpoint)
        swept = self._images.sweep(endpoint, named, time.time())
        folder = self._images.folder(endpoint)
        return swept, sum((folder / name).exists() for name in were_named - named)

    def _announce(self, tx: Transaction, endpoint: str, unit_hash: str, found: _Found, actor: Key) -> None:
        """Before anything is deleted: whoever dies on the way leaves no pin that claims to be whole."""
        now = self._clock()
        for pin, _ in found.pins:
            tx.pins.replace(msgspec.structs.replace(pin, redacted_at=now))
        # What people were asked of these rows, and what they said: without the rows nothing would find it any more.
        ids = found.log.ids["prediction_id"].to_pylist()
        tx.annotations.forget(endpoint, ids)
        tx.error_tags.forget(endpoint, ids)
        details = {"unit_hash": unit_hash, "pins": [pin.name for pin, _ in found.pins]}
        tx.audit.append(now, actor.name, actor.role, "log.forget", endpoint, details)

    def _measured_anew(self, endpoint: str) -> list[Pin]:
        """Redacted pins as they are now, also those that somebody left half done."""
        with self._store.read() as tx:
            redacted = [pin for pin in tx.pins.list(endpoint) if pin.redacted_at is not None]
        return [msgspec.structs.replace(pin, tables=self._measure(pin)) for pin in redacted]

    def _measure(self, pin: Pin) -> dict[str, PinnedTable]:
        root = pins.root(self._log.root, pin)
        return {
            kind: pins.measure(DeltaTable(root / kind / pin.endpoint), pinned.version)
            for kind, pinned in pin.tables.items()
        }

    def _pinned_log(self, pin: Pin) -> DeltaLog:
        return DeltaLog(pins.root(self._log.root, pin))

    def _delete(self, endpoint: str, names: list[str], traces: Traces) -> tuple[dict[str, int], int]:
        """Delete rows of the log; how many by kind, and how many files must wait."""
        rows: dict[str, int] = {}
        left = 0
        for kind in traces.kinds:
            pinned = pins.versions(self._store, self._log, kind, endpoint)
            rows[kind], waiting = _delete_rows(
                self._log, kind, endpoint, names, traces, pinned=pinned, old_seconds=_COMMIT_SECONDS
            )
            left += waiting
        return {kind: count for kind, count in rows.items() if count}, left

    def _redact(self, pin: Pin, names: list[str], traces: Traces) -> None:
        for kind in traces.kinds:
            _delete_rows(self._pinned_log(pin), kind, pin.endpoint, names, traces, pinned=(), old_seconds=0.0)

    def _hash(self, unit: str) -> str:
        return hashlib.blake2b(unit.encode(), key=_key(self._key_file), digest_size=16).hexdigest()


def _delete_rows(
    log: DeltaLog,
    kind: Kind,
    endpoint: str,
    names: list[str],
    traces: Traces,
    *,
    pinned: Collection[int],
    old_seconds: float,
) -> tuple[int, int]:
    """Delete rows, and every file that held them; how many rows, and how many files must wait."""
    folder, held = log.path(kind, endpoint), traces.files[kind]
    before = _present(folder)
    unwanted = traces.of_unit(names) if kind == "predictions" else traces.of_predictions()
    deleted = replacement.delete_rows(folder, held, unwanted)
    # Commits tell the least and the greatest unit of each file that they added. They go before the files do, by which
    # a next run would know that something is left.
    table = DeltaTable(folder)
    table.create_checkpoint()
    cleaning.drop_commits(table, pinned, keep=0)
    let_go = held - _present(folder)
    known = before.union(cleaning.replaced(DeltaTable(folder)))
    left = {file for file in let_go - known if time.time() - file.stat().st_mtime < old_seconds}
    # What a repair set aside are commits as well.
    shutil.rmtree(folder / "_damaged", ignore_errors=True)
    for file in let_go - left:
        file.unlink(missing_ok=True)
    return deleted, len(left)


def _present(folder: Path) -> set[Path]:
    return set(commits.files_of(DeltaTable(folder)))


def _has_any(record: bytes, names: list[str]) -> bool:
    """Whether a record in quarantine names a unit: exactly, if it can be read, otherwise in any of its bytes."""
    try:
        decoded = msgspec.msgpack.decode(record)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return any(name.encode() in record for name in names)
    return any(_holds(decoded, name) for name in names)


def _holds(value: Any, text: str) -> bool:
    if isinstance(value, dict):
        return _holds(list(value.values()), text)
    return any(_holds(member, text) for member in value) if isinstance(value, list) else bool(value == text)


def _key(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_bytes(secrets.token_bytes(32))
        # Whoever is first: the key of hashes that are written already must not change.
        try:
            file.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return file.read_bytes()
