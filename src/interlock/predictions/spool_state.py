"""What a spool remembers when its segments are gone: who it is, its last sequence, what it acknowledged.

Kept in `spool.json`, replaced atomically. Also recovery, which brings a folder left by a dead process in order: used by
a spool when it opens, and by the collector for a slot that nobody has opened again.
"""

import contextlib
import fcntl
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from interlock.predictions import segments
from interlock.predictions.segments import Segment, SegmentFile


class SpoolState(msgspec.Struct, frozen=True, kw_only=True):
    """Identity and counters of a spool, up to and with segment `sequence`.

    The identity is made once with the folder. It is not the folder's name: a folder that was deleted counts from 1
    again, and must not be taken for the old one, whose segments the log already has.
    """

    id: str
    sequence: int = 0
    acknowledged: dict[str, int] = {}


@contextlib.contextmanager
def try_lock(folder: Path) -> Iterator[bool]:
    """Hold the folder's lock inside the block, if it is free."""
    descriptor = take_lock(folder)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def take_lock(folder: Path, *, wait_seconds: float = 0.0) -> int | None:
    """Take the folder's lock, which ends with the process or when the returned descriptor is closed.

    Args:
        folder: The spool's folder.
        wait_seconds: How long to try. The collector holds the lock of a dead slot for moments only.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(descriptor)
                return None
            time.sleep(0.01)
        else:
            return descriptor


def load(folder: Path) -> SpoolState | None:
    """The stored state, or None before a spool first opened here."""
    try:
        return msgspec.json.decode((folder / "spool.json").read_bytes(), type=SpoolState)
    except FileNotFoundError:
        return None


def save(folder: Path, state: SpoolState) -> None:
    """Replace the stored state; it survives the machine when this returns."""
    draft = folder / "spool.json.new"
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(state))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(folder / "spool.json")
    segments.sync_folder(folder)


def recover(folder: Path, state: SpoolState | None = None) -> SpoolState:
    """Seal what a dead process left open, without its torn tail, and bring the counters up to date.

    The caller holds the folder's lock.

    Args:
        folder: The spool's folder.
        state: The counters, from a process that closes in order; by default the files tell.
    """
    stored = load(folder)
    if state is None:
        known = stored or SpoolState(id=f"{folder.name}-{uuid.uuid4().hex[:12]}")
        state = current(known, segments.listing(folder))
    # First the counters, then the files: what is removed below is what only a file told.
    if state != stored:
        save(folder, state)
    for file in segments.listing(folder):
        if not file.sealed:
            _seal_left_over(folder, segments.read(file.path))
    segments.sync_folder(folder)
    return state


def current(
    stored: SpoolState, files: Iterable[SegmentFile], read: Callable[[Path], Segment] = segments.read
) -> SpoolState:
    """The state that the files of a folder tell, of a spool that may be open elsewhere.

    Args:
        stored: What was stored last.
        files: As `segments.listing` gives them.
        read: How a file is read.
    """
    newer = [file for file in files if file.sequence > stored.sequence]
    if not newer:
        return stored
    acknowledged = Counter(stored.acknowledged)
    for segment in _from_last_header(newer, read):
        if segment.header is not None:
            acknowledged = Counter(segment.header.acknowledged)
        acknowledged.update(segment.rows)
    return SpoolState(id=stored.id, sequence=newer[-1].sequence, acknowledged=dict(acknowledged))


def _from_last_header(files: list[SegmentFile], read: Callable[[Path], Segment]) -> list[Segment]:
    found: list[Segment] = []
    for file in reversed(files):
        found.append(read(file.path))
        if found[-1].header is not None:
            break
    return found[::-1]


def _seal_left_over(folder: Path, segment: Segment) -> None:
    if not segment.records and not segment.damaged:
        segment.path.unlink()
        return
    with segment.path.open("r+b") as file:
        file.truncate(segment.end)
        os.fsync(file.fileno())
    segment.path.rename(segments.sealed_path(folder, segment.sequence))
