from collections.abc import Callable
from pathlib import Path

from interlock.predictions import segments
from interlock.predictions.frames import pack
from interlock.predictions.records import FailureRecord, PredictionRecord, encoder
from interlock.predictions.segments import Header, encode_header

HEADER = pack(encode_header(Header("gw0-1", 7, {"wine": 10})))


def test_a_segment_is_read_with_its_header_and_records(tmp_path: Path, record: Callable[..., PredictionRecord]) -> None:
    written = record(1, rows=3)
    failure = FailureRecord("wine", 1, "q", written.assignment, None, 1, 5)
    path = segments.sealed_path(tmp_path, 7)
    path.write_bytes(HEADER + pack(encoder.encode(written)) + pack(encoder.encode(failure)))
    found = segments.read(path)
    assert found.header == Header("gw0-1", 7, {"wine": 10})
    assert found.records == [written, failure]
    assert found.rows == {"wine": 3}
    assert found.damaged == []


def test_a_record_that_cannot_be_decoded_is_damage_and_the_next_is_kept(
    tmp_path: Path, record: Callable[..., PredictionRecord]
) -> None:
    path = segments.sealed_path(tmp_path, 7)
    path.write_bytes(HEADER + pack(b"\xc1") + pack(encoder.encode(record())))
    found = segments.read(path)
    assert found.records == [record()]
    assert found.damaged == [b"\xc1"]


def test_a_damaged_header_costs_no_record(tmp_path: Path, record: Callable[..., PredictionRecord]) -> None:
    path = segments.sealed_path(tmp_path, 7)
    path.write_bytes(b"?" + HEADER[1:] + pack(encoder.encode(record())))
    found = segments.read(path)
    assert found.header is None
    assert found.records == [record()]


def test_a_torn_tail_is_damage_only_where_nothing_is_being_written(tmp_path: Path) -> None:
    for path, damaged in ((segments.open_path(tmp_path, 7), []), (segments.sealed_path(tmp_path, 8), [b"half"])):
        path.write_bytes(HEADER + b"half")
        found = segments.read(path)
        assert found.damaged == damaged
        assert found.end == len(HEADER)


def test_a_listing_has_the_segments_in_order_and_nothing_else(tmp_path: Path) -> None:
    for name in ("000000000010.open", "000000000009.sealed", "spool.json", "lock", "x.open"):
        (tmp_path / name).touch()
    assert [(file.sequence, file.sealed) for file in segments.listing(tmp_path)] == [(9, True), (10, False)]
