"""Takes the sealed segments of one spool in order, as rows, and knows when each may go.

Held by the collector, one for each spool folder. Three things are kept apart: read (in this process), counted (the
store's cursor has passed it), and logged (every table has its rows); a segment is deleted after all three.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from interlock.predictions import segments, spool_state
from interlock.predictions.contents import Contents, TypesOf, convert
from interlock.predictions.delta_log import Kind
from interlock.predictions.prediction_rows import Images
from interlock.predictions.segments import Segment, SegmentFile
from interlock.store.spools import SegmentRows

TableKey = tuple[Kind, str]
"""Kind and endpoint of a table of the log."""


class Intake:
    """Reads one spool.

    Args:
        folder: The slot's folder.
        spool: Its identity.
    """

    def __init__(self, folder: Path, spool: str) -> None:
        self.folder, self.spool = folder, spool
        self.read_upto = 0
        self.unlogged: dict[int, set[TableKey]] = {}

    def take(self, types_of: TypesOf, images: Images | None = None) -> Iterator[Contents]:
        """The sealed segments not read yet, in order. The caller moves `read_upto` when it has dealt with one."""
        for file in segments.listing(self.folder):
            if not file.sealed:
                return
            if file.sequence > self.read_upto:
                contents = convert(segments.read(file.path), types_of, images)
                if contents.segment.damaged and not self._add_lost(contents):
                    return
                yield contents

    def keep_for_logging(self, contents: Contents, tables: set[TableKey]) -> None:
        """Note that a segment has been read, and which tables have yet to get rows of it."""
        self.read_upto = contents.segment.sequence
        self.unlogged[self.read_upto] = tables

    def logged(self, sequence: int, table: TableKey) -> None:
        """Note that a table has the segment's rows."""
        self.unlogged[sequence].discard(table)

    @property
    def logged_upto(self) -> int:
        """Every segment up to this one is where it belongs."""
        unfinished = [sequence for sequence, tables in self.unlogged.items() if tables]
        return min(unfinished, default=self.read_upto + 1) - 1

    def delete_done(self) -> bool:
        """Delete segments whose rows are everywhere; whether there were any.

        The newest stays as long as only its header tells the spool's counters.
        """
        files = segments.listing(self.folder)
        state = spool_state.load(self.folder)
        newest = max([file.sequence for file in files], default=0)
        keep_from = newest + 1 if state is not None and state.sequence >= newest else newest
        done = [file for file in files if self._is_done(file) and file.sequence < keep_from]
        for file in done:
            file.path.unlink()
            del self.unlogged[file.sequence]
        return bool(done)

    def _is_done(self, file: SegmentFile) -> bool:
        return file.sealed and file.sequence in self.unlogged and not self.unlogged[file.sequence]

    def set_aside(self, contents: Contents) -> None:
        """Copy what is no row to the quarantine, where a person can look at it. Doing it again changes nothing."""
        if not contents.set_aside:
            return
        quarantine = self.folder / "quarantine"
        quarantine.mkdir(exist_ok=True)
        for number, data in enumerate(contents.set_aside):
            path = quarantine / f"{contents.segment.sequence:012d}-{number}.bin"
            path.write_bytes(data)
            segments.sync(path)
        segments.sync_folder(quarantine)

    def _add_lost(self, contents: Contents) -> bool:
        """Count the rows in damaged frames: what the spool counted between this header and the next, less what is left.

        Returns:
            Whether they could be counted: False while the next segment is not there yet.
        """
        segment = contents.segment
        after = self._acknowledged_after(segment)
        if after is None:
            return False
        before = segment.header.acknowledged if segment.header else after
        for endpoint, acknowledged in after.items():
            lost = acknowledged - before.get(endpoint, 0) - segment.rows[endpoint]
            contents.count(endpoint, SegmentRows(quarantined=max(0, lost)))
        return True

    def _acknowledged_after(self, segment: Segment) -> dict[str, int] | None:
        state = spool_state.load(self.folder)
        if state is not None and state.sequence == segment.sequence:
            return state.acknowledged
        for file in segments.listing(self.folder):
            if file.sequence > segment.sequence:
                # Sealed by its owner between the listing and now.
                with contextlib.suppress(FileNotFoundError):
                    following = segments.read(file.path)
                    return following.header.acknowledged if following.header else {}
        return {} if state is not None and state.sequence > segment.sequence else None
