from collections.abc import Callable
from pathlib import Path

from interlock.predictions import segments, spool_state
from interlock.predictions.frames import pack
from interlock.predictions.records import PredictionRecord, encoder
from interlock.predictions.segments import Header, encode_header
from interlock.predictions.spool_state import SpoolState

Make = Callable[..., PredictionRecord]


def segment(folder: Path, sequence: int, acknowledged: dict[str, int], *records: PredictionRecord) -> Path:
    path = segments.open_path(folder, sequence)
    header = pack(encode_header(Header("gw0-1", sequence, acknowledged)))
    path.write_bytes(header + b"".join(pack(encoder.encode(record)) for record in records))
    return path


def test_recovery_seals_cuts_and_counts(tmp_path: Path, record: Make) -> None:
    path = segment(tmp_path, 4, {"wine": 10}, record(1, rows=2))
    path.write_bytes(path.read_bytes() + b"torn")
    state = spool_state.recover(tmp_path)
    assert (state.sequence, state.acknowledged) == (4, {"wine": 12})
    assert spool_state.load(tmp_path) == state
    assert [file.sealed for file in segments.listing(tmp_path)] == [True]
    assert segments.read(segments.sealed_path(tmp_path, 4)).damaged == []


def test_an_empty_segment_goes_and_its_number_is_not_used_again(tmp_path: Path) -> None:
    segment(tmp_path, 4, {"wine": 10})
    assert spool_state.recover(tmp_path).sequence == 4
    assert segments.listing(tmp_path) == []
    assert spool_state.recover(tmp_path).acknowledged == {"wine": 10}


def test_a_crash_between_two_segments_leaves_both_in_order(tmp_path: Path, record: Make) -> None:
    segment(tmp_path, 4, {}, record(1))
    segment(tmp_path, 5, {"wine": 1}, record(2), record(3))
    assert spool_state.recover(tmp_path).acknowledged == {"wine": 3}
    assert [(file.sequence, file.sealed) for file in segments.listing(tmp_path)] == [(4, True), (5, True)]


def test_counters_are_found_behind_a_damaged_header(tmp_path: Path, record: Make) -> None:
    segment(tmp_path, 4, {"wine": 10}, record(1))
    damaged = segment(tmp_path, 5, {"wine": 11}, record(2))
    damaged.write_bytes(b"?" + damaged.read_bytes()[1:])
    assert spool_state.recover(tmp_path).acknowledged == {"wine": 12}


def test_recovery_can_be_repeated_at_any_point(tmp_path: Path, record: Make) -> None:
    segment(tmp_path, 4, {}, record(1))
    stored = SpoolState(id="gw0-1", sequence=4, acknowledged={"wine": 1})
    spool_state.save(tmp_path, stored)
    assert spool_state.recover(tmp_path) == stored
    assert spool_state.recover(tmp_path) == stored


def test_the_lock_is_free_again_when_its_holder_is_gone(tmp_path: Path) -> None:
    with spool_state.try_lock(tmp_path) as mine, spool_state.try_lock(tmp_path) as theirs:
        assert (mine, theirs) == (True, False)
    with spool_state.try_lock(tmp_path) as mine:
        assert mine
