"""The spool: where a gateway worker writes each record before the answer leaves.

One folder per worker slot, held by a lock while open. `append` is one `write` to a file, so what it returned from
survives the death of the process; what was there when `sync` began survives the machine when it returns. The collector
takes it from there. A record that cannot be written is refused, never half kept: the answer it stands for must not
leave, unless its endpoint says otherwise, and then it is counted as unrecorded.

    .open ──seal (a)──► .sealed ──collector──► deleted
      └─process dies, recovery (b): torn tail cut, then as (a)
"""

import contextlib
import errno
import logging
import os
import time
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self
from zlib import crc32

from interlock.domain.errors import ConflictError, UnrecordedError
from interlock.predictions import segments, spool_state
from interlock.predictions.frames import HEAD, MARK, pack
from interlock.predictions.segments import Header, encode_header
from interlock.predictions.spool_state import SpoolState
from interlock.predictions.unrecorded import Unrecorded

_log = logging.getLogger(__name__)

# Beyond this age or size the next `seal` ends a segment: evidence is seconds behind, and a segment fits in memory.
_SEGMENT_SECONDS = 1.0
_SEGMENT_BYTES = 4 * 1024 * 1024
# The collector, or a predecessor that is on its way out, may hold the lock for a moment.
_LOCK_SECONDS = 10.0


class Spool:
    """A slot's spool. `append`, `sync` and `seal` may be called from different threads.

    Args:
        folder: The slot's folder; its name is the slot. Made if it is not there.

    Examples:
        >>> import tempfile
        >>> with Spool(Path(tempfile.mkdtemp()) / "gw0") as spool:
        ...     spool.append(b"...", rows=2, endpoint="wine")
        ...     spool.acknowledged
        {'wine': 2}
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._appending, self._sealing = Lock(), Lock()
        self._lock: int | None = None
        self._descriptor: int | None = None
        self._unsynced: list[int] = []
        self._is_unsynced = False

    def open(self) -> Self:
        """Take the folder, put what a predecessor left in order, and begin a segment.

        Raises:
            ConflictError: A living process holds the folder.
            OSError: The folder cannot be made or written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = spool_state.take_lock(self.folder, wait_seconds=_LOCK_SECONDS)
        if self._lock is None:
            raise ConflictError(f"spool {self.folder} is in use by another process; each worker needs its own slot")
        try:
            state = spool_state.recover(self.folder)
            self.id, self._sequence, self._acknowledged = state.id, state.sequence, dict(state.acknowledged)
            self._unrecorded = Unrecorded(self.folder)
        except BaseException:
            self._unlock()
            raise
        try:
            self._begin_segment()
        except OSError:
            _log.warning("no segment can be begun in %s; nothing is recorded until one can", self.folder, exc_info=True)
        return self

    @property
    def acknowledged(self) -> dict[str, int]:
        """Rows of predictions that were ever acknowledged in this spool, by endpoint, over all restarts."""
        return dict(self._acknowledged)

    @property
    def unrecorded(self) -> dict[str, int]:
        """Rows of predictions that were answered without a record, by endpoint, over all restarts."""
        return self._unrecorded.rows

    def count_unrecorded(self, endpoint: str, rows: int) -> None:
        """Note that rows were answered though they could not be recorded."""
        with self._appending:
            self._unrecorded.add(endpoint, rows)

    def append(self, record: bytes, *, rows: int, endpoint: str, to_be_synced: bool = False) -> None:
        """Write one record; when this returns it is acknowledged.

        Args:
            record: As `records.encoder` gives it.
            rows: Prediction rows in it: 0 for failures and labels.
            endpoint: Whose rows they are; empty for readings of devices.
            to_be_synced: The caller will ask for `sync` before it tells anyone.

        Raises:
            UnrecordedError: The disk is full or broken. Nothing is kept, so the answer must be withheld.
        """
        frame = HEAD.pack(MARK, len(record), crc32(record)) + record
        with self._appending:
            if self._descriptor is None:
                raise UnrecordedError("not recorded, so not answered: the disk is full or broken")
            try:
                written = os.write(self._descriptor, frame)
            except OSError as error:
                self._cut()
                raise UnrecordedError(f"not recorded, so not answered: {error.strerror}") from error
            if written != len(frame):
                self._cut()
                raise UnrecordedError("not recorded, so not answered: the disk is full")
            self._end += written
            if endpoint:
                self._acknowledged[endpoint] = self._acknowledged.get(endpoint, 0) + rows
            self._is_unsynced = self._is_unsynced or to_be_synced

    def sync(self) -> None:
        """Wait until everything appended so far to be synced is on the disk. Takes milliseconds: call from a thread.

        Raises:
            UnrecordedError: It could not be brought there. What was appended may be kept all the same.
        """
        with self._appending:
            # Descriptors of its own: `seal` may close the other one meanwhile.
            present = [] if self._descriptor is None else [os.dup(self._descriptor)]
            descriptors, self._unsynced = [*self._unsynced, *present], []
            self._is_unsynced = False
        try:
            for descriptor in descriptors:
                os.fsync(descriptor)
        except OSError as error:
            raise UnrecordedError(f"not recorded: {error.strerror}") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def seal(self, *, force: bool = False) -> bool:
        """Hand the segment to the collector if it is old or big enough, and begin the next. Empty ones go on.

        Syncs the folder, which takes milliseconds: call from a thread, four times a second or so.

        Args:
            force: Whatever its age.

        Returns:
            Whether a segment was sealed.

        Raises:
            OSError: No segment could be begun; the present one goes on.
        """
        with self._sealing:
            if self._descriptor is None:
                self._begin_segment()
                return False
            old = time.monotonic() - self._began >= _SEGMENT_SECONDS or self._end >= _SEGMENT_BYTES
            if self._end == self._header_end or not (old or force):
                return False
            sealed = self._descriptor
            self._begin_segment()
            self._finish(sealed)
            self._rename_finished()
            return True

    def close(self) -> None:
        """Seal what there is and give the folder back. May be called twice."""
        if self._lock is None:
            return
        with self._sealing, self._appending:
            for descriptor in (self._descriptor, *self._unsynced):
                if descriptor is not None:
                    os.close(descriptor)
            self._descriptor, self._unsynced = None, []
            self._unrecorded.close()
            state = SpoolState(id=self.id, sequence=self._sequence, acknowledged=self.acknowledged)
            try:
                spool_state.recover(self.folder, state)
            finally:
                self._unlock()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _begin_segment(self) -> None:
        sequence = self._sequence + 1
        path = segments.open_path(self.folder, sequence)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            segments.sync_folder(self.folder)
            with self._appending:
                header = pack(encode_header(Header(self.id, sequence, self._acknowledged)))
                if os.write(descriptor, header) != len(header):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
                self._descriptor, self._sequence = descriptor, sequence
                self._end = self._header_end = len(header)
                self._began = time.monotonic()
        except OSError:
            path.unlink()
            os.close(descriptor)
            raise

    def _finish(self, sealed: int) -> None:
        """Close a segment's descriptor, or leave it to the next `sync` if someone will ask for that."""
        with self._appending:
            if self._is_unsynced:
                self._unsynced.append(sealed)
                return
        os.close(sealed)

    def _rename_finished(self) -> None:
        for file in segments.listing(self.folder):
            if not file.sealed and file.sequence < self._sequence:
                file.path.rename(segments.sealed_path(self.folder, file.sequence))
        segments.sync_folder(self.folder)

    def _cut(self) -> None:
        """Remove what a failed write left. Where even that fails, readers skip it by its checksum."""
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, self._end)
        self._end = os.fstat(self._descriptor).st_size
