"""Segments: the files of a spool, by name and by content.

A segment is written as `<sequence>.open`, renamed to `<sequence>.sealed`, collected and deleted. Its first frame is
a header that says whose it is and how much this spool had acknowledged before. Reading never fails on damage: it keeps
what is whole and says what is not.
"""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec

from interlock.predictions import frames
from interlock.predictions.records import PredictionRecord, Record, decoder


class Header(msgspec.Struct, array_like=True, frozen=True, tag="h"):
    """First frame of a segment.

    Args:
        spool: Identity of the spool, stable over restarts.
        sequence: Number of the segment, never used twice.
        acknowledged: Rows by endpoint that this spool had acknowledged when the segment began.
    """

    spool: str
    sequence: int
    acknowledged: dict[str, int]


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A segment by its name."""

    path: Path
    sequence: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment by its content.

    Args:
        header: None if its frame is damaged.
        records: Every record that can be read, in order.
        damaged: Bytes that are no whole frame, or no record.
        end: Where the last whole frame ends; what follows is a torn tail.
    """

    path: Path
    sequence: int
    header: Header | None
    records: list[Record]
    damaged: list[bytes]
    end: int

    @property
    def rows(self) -> Counter[str]:
        """Prediction rows by endpoint among the records."""
        counted: Counter[str] = Counter()
        for record in self.records:
            if isinstance(record, PredictionRecord):
                counted[record.endpoint] += len(record.prediction_ids)
        return counted


encode_header = msgspec.msgpack.Encoder().encode
_decode_header = msgspec.msgpack.Decoder(Header).decode


def open_path(folder: Path, sequence: int) -> Path:
    return folder / f"{sequence:012d}.open"


def sealed_path(folder: Path, sequence: int) -> Path:
    return folder / f"{sequence:012d}.sealed"


def listing(folder: Path) -> list[SegmentFile]:
    """The segments of a spool's folder, by sequence."""
    found = []
    for path in folder.iterdir():
        if path.suffix in (".open", ".sealed") and path.stem.isdecimal():
            found.append(SegmentFile(path, int(path.stem), path.suffix == ".sealed"))
    return sorted(found, key=lambda file: file.sequence)


def read(path: Path) -> Segment:
    """Read a segment, open or sealed. Of an open one, the torn tail is not counted as damage."""
    data = path.read_bytes()
    found = frames.parse(data)
    torn_tail = path.suffix == ".open"
    damaged = [data[gap.start : gap.stop] for gap in found.gaps if not (torn_tail and gap.start >= found.end)]
    header = _header(found)
    records: list[Record] = []
    for payload in found.payloads[1:] if header else found.payloads:
        try:
            records.append(decoder.decode(payload))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            damaged.append(payload)
    return Segment(path, int(path.stem), header, records, damaged, found.end)


def _header(found: frames.Frames) -> Header | None:
    if not found.starts or found.starts[0] != 0:
        return None
    try:
        return _decode_header(found.payloads[0])
    except msgspec.MsgspecError:
        return None


def sync(path: Path) -> None:
    """Make the content of a file survive the machine."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make creations, renames and removals in a folder survive the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
