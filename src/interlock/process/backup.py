"""Backup of a whole home folder while it is in use, and the way back.

Called by `interlock backup` and `interlock restore`, on the folder itself. What moves is copied in the order against
its flow: first where records end up (the version of each table of the log), then the store, then the spools where they
begin, with no segment deleted meanwhile. So every record acknowledged before the backup began is in it, perhaps at two
stations of its way; a restored collector sees which it has passed and does not take it twice, as after any crash.

A backup is complete when its folder has its name; until then it ends in `.partial`. It holds no running state, and
nothing of other machines that share the log: what waits in their spools.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
from deltalake import DeltaTable

from interlock import bootstrap
from interlock.domain.access import Key
from interlock.domain.errors import HomeError
from interlock.learning.workspace import KEPT
from interlock.predictions import commits, log_lock, segments
from interlock.predictions.delta_log import KINDS, DeltaLog
from interlock.process.home import FORMAT, check_format
from interlock.settings import Settings

MANIFEST = "backup.json"
_STORE = "store.db"

# What is copied by its own rules, or means nothing elsewhere.
# A learner goes on from its last snapshot, which is a version.
_APART = {"log", "spool", "run", "lock", "learners", _STORE, f"{_STORE}-wal", f"{_STORE}-shm"}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds.

    Args:
        format: Of the home folder.
        interlock: The program that wrote it.
        created_at: When it began. Everything acknowledged before is in it.
        store: Kind of database that the store was in; it is in the backup as an SQLite file.
        files: SHA-256 (hex) by path.
        bytes: Size of all files.
    """

    format: int
    interlock: str
    created_at: datetime
    store: str
    files: dict[str, str]
    bytes: int


def backup(settings: Settings, target: Path, actor: Key) -> Manifest:
    """Copy a home folder.

    Args:
        settings: The home, and its store if that is not in it.
        target: A folder that is not there, or empty.
        actor: Who wants it, for the audit log.

    Raises:
        HomeError: The folder is no home, the target is not empty, or it cannot be written.
        OverloadedError: Something else holds the log.
    """
    check_format(settings.home)
    if not settings.store_url and not (settings.home / _STORE).exists():
        raise HomeError(f"{settings.home} has no {_STORE}; if its store is on PostgreSQL, name it with --store-url")
    _check_empty(target)
    draft = target.with_name(f"{target.name}.partial")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        manifest = _Backup(settings, draft).make(actor)
        _finish(draft, target)
    except OSError as error:
        raise HomeError(f"the backup cannot be written: {error}; what there is of it ends in .partial") from error
    return manifest


def restore(settings: Settings, source: Path, actor: Key) -> Manifest:
    """Make a home folder of a backup.

    Args:
        settings: The home, which is not there or empty, and a new database if the store shall not be in it.
        source: The backup.
        actor: Who wants it, for the audit log.

    Raises:
        HomeError: The source is no whole backup, is newer than this program, or the home or the database is not empty.
        StoreUnavailableError: The database does not answer.
    """
    manifest = _read_manifest(source)
    _check_empty(settings.home)
    draft = settings.home.with_name(f"{settings.home.name}.partial")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        copier = _Copier(draft)
        for name in manifest.files:
            copier.copy(_inside(source, name), name)
        if copier.files != manifest.files:
            bad = sorted(name for name, digest in manifest.files.items() if copier.files[name] != digest)
            raise HomeError(f"{len(bad)} file(s) of the backup are damaged, such as {bad[0]}; use another backup")
        _restore_store(settings, draft, manifest, actor)
        _finish(draft, settings.home)
    except OSError as error:
        raise HomeError(f"the backup cannot be restored: {error}") from error
    return manifest


def _restore_store(settings: Settings, draft: Path, manifest: Manifest, actor: Key) -> None:
    file = draft / _STORE
    url = settings.store_url or f"sqlite:///{file}"
    with closing(bootstrap.open_store(url)) as store:
        if settings.store_url:
            store.load(file)
            file.unlink()
        else:
            store.migrate()
        with store.transaction() as tx:
            details = {"created_at": manifest.created_at, "interlock": manifest.interlock}
            tx.audit.append(bootstrap.now(), actor.name, actor.role, "home.restore", "home", details)


@dataclass
class _Copier:
    """Copies files into a folder, with digests; files that were one file with several names become one again."""

    target: Path
    files: dict[str, str] = field(default_factory=dict)
    size: int = 0
    _seen: dict[tuple[int, int], str] = field(default_factory=dict)

    def copy(self, path: Path, name: str) -> None:
        """Copy a file that nobody changes, to a name below the folder."""
        place = self._place(name)
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            identity = (status.st_dev, status.st_ino)
            if status.st_nlink > 1 and identity in self._seen:
                place.hardlink_to(self.target / self._seen[identity])
                self.files[name] = self.files[self._seen[identity]]
                return
            self._seen[identity] = name
            digest = hashlib.sha256()
            with place.open("wb") as copy:
                while chunk := file.read(1024 * 1024):
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
        place.chmod(status.st_mode & 0o777)
        self._note(name, digest.hexdigest(), place)

    def note(self, name: str) -> None:
        """Take in a file that is there already."""
        place = self.target / name
        with place.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        segments.sync(place)
        self._note(name, digest, place)

    def _place(self, name: str) -> Path:
        place = self.target / name
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return place

    def _note(self, name: str, digest: str, place: Path) -> None:
        self.files[name] = digest
        self.size += place.stat().st_size


class _Backup:
    """One backup under way."""

    def __init__(self, settings: Settings, draft: Path) -> None:
        self._settings, self._copier = settings, _Copier(draft)
        self._log = DeltaLog(settings.log)
        self._began = bootstrap.now()

    def make(self, actor: Key) -> Manifest:
        with closing(bootstrap.build_store(self._settings)) as store, log_lock.exclusive(self._settings.log):
            with store.transaction() as tx:
                tx.audit.append(self._began, actor.name, actor.role, "home.backup", "home", {})
            with log_lock.segments_held(self._settings.log):
                tables = list(self._tables())
                store.save(self._copier.target / _STORE)
                self._copier.note(_STORE)
                self._copy_spools()
            for table in tables:
                self._copy_table(table)
            self._copy_pins()
            self._copy_images()
            self._copy_rest()
            kind = store.kind
        manifest = Manifest(
            format=FORMAT,
            interlock=version("interlock"),
            created_at=self._began,
            store=kind,
            files=self._copier.files,
            bytes=self._copier.size,
        )
        (self._copier.target / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        segments.sync(self._copier.target / MANIFEST)
        return manifest

    def _tables(self) -> Iterator[DeltaTable]:
        """Tables at one version each. Scores go by the predictions' versions, so they must not be the newer ones."""
        for kind in sorted(KINDS, key=lambda kind: kind == "predictions"):
            for endpoint in self._log.endpoints(kind):
                table = DeltaTable(self._log.path(kind, endpoint))
                table.create_checkpoint()
                yield table

    def _copy_table(self, table: DeltaTable) -> None:
        folder, number = commits.folder_of(table), table.version()
        kind, endpoint = folder.parts[-2:]
        files = [*commits.files_of(table), commits.checkpoint_path(folder, number), commits.commit_path(folder, number)]
        for file in files:
            self._copier.copy(file, f"log/{kind}/{endpoint}/{file.relative_to(folder).as_posix()}")

    def _copy_pins(self) -> None:
        """Nobody changes a pin as long as the log is held. The log's own files come first: pins share most of them."""
        for file in _files(self._settings.log / "pins"):
            self._copier.copy(file, f"log/pins/{file.relative_to(self._settings.log / 'pins').as_posix()}")

    def _copy_images(self) -> None:
        """Images are written before the rows that name them, and deleted only by whoever holds the log."""
        for file in _files(self._settings.log / "images"):
            self._copier.copy(file, f"log/{file.relative_to(self._settings.log).as_posix()}")

    def _copy_spools(self) -> None:
        for folder in sorted(self._settings.spools.glob("[!.]*/")):
            # The counters first: segments that are newer than they tell the rest.
            for path in sorted(_files(folder), key=lambda path: path.name != "spool.json"):
                if path.suffix not in (".open", ".sealed") and path.name != "lock":
                    self._copier.copy(path, f"spool/{path.relative_to(self._settings.spools).as_posix()}")
            for file in segments.listing(folder):
                self._copy_segment(folder.name, file)

    def _copy_segment(self, slot: str, file: segments.SegmentFile) -> None:
        """One that is written to is copied as far as it is; what was appended while it was copied is cut off later."""
        name = f"spool/{slot}/{file.path.name}"
        try:
            self._copier.copy(file.path, name)
        except FileNotFoundError:  # sealed since it was listed
            self._copier.copy(segments.sealed_path(file.path.parent, file.sequence), name)

    def _copy_rest(self) -> None:
        home = self._settings.home
        for path in sorted(home.iterdir()):
            if path.name not in _APART and not path.name.startswith("."):
                for file in _files(path) if path != self._settings.runs else _kept(path):
                    self._copier.copy(file, file.relative_to(home).as_posix())


def _kept(runs: Path) -> list[Path]:
    """Of runs of retraining what stays: rows and models of one that works come and go."""
    kept = [folder / name for folder in sorted(runs.iterdir()) for name in KEPT if (folder / name).exists()]
    return [file for path in kept for file in _files(path)]


def _files(path: Path) -> list[Path]:
    """A file, or all files below a folder, without drafts."""
    found = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return [file for file in found if not file.name.startswith(".") and file.suffix not in (".new", ".tmp")]


def _read_manifest(source: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise HomeError(f"{source} is no whole backup: it has no {MANIFEST}") from error
    except msgspec.MsgspecError as error:
        raise HomeError(f"{source / MANIFEST} is damaged: {error}") from error
    if manifest.format > FORMAT:
        raise HomeError(
            f"{source} was written by interlock {manifest.interlock}, which is newer than this one "
            f"({version('interlock')}); install the newer one"
        )
    missing = [name for name in manifest.files if not _inside(source, name).is_file()]
    if missing:
        raise HomeError(f"{len(missing)} file(s) of the backup are missing, such as {missing[0]}; use another backup")
    return manifest


def _inside(source: Path, name: str) -> Path:
    path = (source / name).resolve()
    if not path.is_relative_to(source.resolve()):
        raise HomeError(f"{source / MANIFEST} names {name!r}, which is outside of the backup")
    return path


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HomeError(f"{folder} is not empty; name a folder that is not there yet")


def _finish(draft: Path, target: Path) -> None:
    for folder in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
        segments.sync_folder(folder)
    draft.rename(target)
    segments.sync_folder(target.parent)
