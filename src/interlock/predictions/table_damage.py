"""What can be wrong with a table of the log: commits that cannot be read, files that are gone, files that are nobody's.

Used by `interlock doctor`. Nothing is deleted for good that may still be wanted: commits that are in the way are set
aside in `_damaged`.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from interlock.predictions import cleaning, commits, segments, unit_traces
from interlock.predictions.damage import Damage
from interlock.predictions.delta_log import DeltaLog, Kind

# A file that no commit names may be one of a commit that is about to come; no commit takes so long.
_COMMIT_SECONDS = 3600.0


def find(log: DeltaLog, kind: Kind, endpoint: str, pinned: Sequence[Path], *, give_up: bool = False) -> list[Damage]:
    """Look at one table.

    Args:
        log: The log.
        kind, endpoint: The table.
        pinned: Roots of the endpoint's pins, which may still have a file that is gone from the table.
        give_up: Whether rows whose files are gone for good may be given up, so that the others can be read.
    """
    where = f"{kind} of {endpoint}"
    try:
        table = DeltaTable(log.path(kind, endpoint))
    except Exception as error:  # delta-rs has no name for what a damaged file provokes
        return [_unreadable(log.path(kind, endpoint), where, error)]
    copies = [root / kind / endpoint for root in pinned]
    return [*_missing(table, where, copies, give_up=give_up), *_abandoned(log, kind, endpoint, where)]


def _unreadable(folder: Path, where: str, error: Exception) -> Damage:
    reason = str(error).split("\n", 1)[0]
    for files in _suspects(folder):
        if _reads_without(folder, files):
            names = ", ".join(file.name for file in files)
            mend = partial(_set_aside, folder, files)
            return Damage(f"{where}: {names} is damaged, so nothing can be read ({reason})", "error", mend)
    return Damage(f"{where} cannot be read: {reason}", "error", None, "restore a backup")


def _suspects(folder: Path) -> Iterator[list[Path]]:
    """What may be damaged, and what reading goes on without: the newest checkpoint, the newest commit, or both."""
    log = folder / "_delta_log"
    # The newest checkpoint, with the file that points at it.
    checkpoints = [*sorted(log.glob("*.checkpoint.parquet"))[-1:], *log.glob("_last_checkpoint")]
    newest = sorted(log.glob("*.json"))[-1:]
    yield from (files for files in (checkpoints, newest, checkpoints + newest) if files)


def _reads_without(folder: Path, files: Sequence[Path]) -> bool:
    with tempfile.TemporaryDirectory() as trial:
        copy = Path(trial) / "_delta_log"
        shutil.copytree(folder / "_delta_log", copy, ignore=shutil.ignore_patterns(*(file.name for file in files)))
        try:
            DeltaTable(trial).file_uris()
        except Exception:  # not this one, then
            return False
        return True


def _set_aside(folder: Path, files: Sequence[Path]) -> str:
    place = folder / "_damaged"
    place.mkdir(exist_ok=True)
    for file in files:
        file.rename(place / file.name)
    segments.sync_folder(folder / "_delta_log")
    lost = any(file.suffix == ".json" for file in files)
    return f"set {', '.join(file.name for file in files)} aside in {place}" + (
        "; whether rows are lost by that, the sums of the log tell" if lost else "; no row is lost by that"
    )


def _missing(table: DeltaTable, where: str, copies: Sequence[Path], *, give_up: bool) -> Iterator[Damage]:
    folder = commits.folder_of(table)
    actions = pa.table(table.get_add_actions(flatten=True)).select(["path", "size_bytes", "num_records"]).to_pylist()
    gone = [action for action in actions if not _is_whole(folder / unquote(action["path"]), action["size_bytes"])]
    for action in list(gone):
        name = unquote(action["path"])
        copy = next((copy / name for copy in copies if _is_whole(copy / name, action["size_bytes"])), None)
        if copy is not None:
            gone.remove(action)
            what = f"{where}: {name} is missing or cut off, and a pin still has it"
            yield Damage(what, "error", partial(_link, copy, folder / name))
    if gone:
        rows = sum(action["num_records"] or 0 for action in gone)
        names = [unquote(action["path"]) for action in gone]
        what = f"{where}: {len(gone)} file(s) with {rows} rows are missing or cut off, such as {names[0]}"
        remedy = f"put them into {folder} from a backup, or give their rows up with --repair --give-up"
        yield Damage(what, "error", partial(_give_up, folder, names, rows) if give_up else None, remedy)


def _is_whole(file: Path, size: int) -> bool:
    return file.is_file() and file.stat().st_size == size


def _link(copy: Path, place: Path) -> str:
    place.unlink(missing_ok=True)
    place.parent.mkdir(exist_ok=True)
    place.hardlink_to(copy)
    segments.sync_folder(place.parent)
    return f"took {place.name} from {copy}"


def _give_up(folder: Path, names: Sequence[str], rows: int) -> str:
    for name in names:
        (folder / name).unlink(missing_ok=True)
    DeltaTable(folder).repair()
    return f"gave up {rows} rows; the others can be read"


def _abandoned(log: DeltaLog, kind: Kind, endpoint: str, where: str) -> Iterator[Damage]:
    """Files that a writer left who died before his commit. They look like rows, and are none."""
    table = DeltaTable(log.path(kind, endpoint))
    known = {*commits.files_of(table), *cleaning.replaced(table)}
    found = [file for file in unit_traces.data_files(log, kind, endpoint) - known if _is_old(file)]
    if found:
        size = sum(file.stat().st_size for file in found) / 1e6
        what = f"{where}: {len(found)} file(s) ({size:.1f} MB) belong to no commit; upkeep deletes them after a week"
        yield Damage(what, "warning", partial(_delete, found))


def _is_old(file: Path) -> bool:
    return time.time() - file.stat().st_mtime >= _COMMIT_SECONDS


def _delete(files: Sequence[Path]) -> str:
    for file in files:
        file.unlink(missing_ok=True)
    return f"deleted {len(files)} file(s) that belonged to no commit"
