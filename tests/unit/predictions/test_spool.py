import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest

from interlock.domain.errors import ConflictError, UnrecordedError
from interlock.predictions import segments, spool, unrecorded
from interlock.predictions.records import PredictionRecord, encoder
from interlock.predictions.spool import Spool

Make = Callable[..., PredictionRecord]


def write(target: Spool, record: PredictionRecord, *, to_be_synced: bool = False) -> None:
    rows = len(record.prediction_ids)
    target.append(encoder.encode(record), rows=rows, endpoint=record.endpoint, to_be_synced=to_be_synced)


def read(folder: Path) -> list[str]:
    found = [segments.read(file.path) for file in segments.listing(folder)]
    return [
        str(record.request_ids[0])
        for segment in found
        for record in segment.records
        if isinstance(record, PredictionRecord)
    ]


def test_what_was_appended_is_in_the_file_at_once(tmp_path: Path, record: Make) -> None:
    with Spool(tmp_path / "gw0") as target:
        write(target, record(1, rows=2))
        write(target, record(2), to_be_synced=True)
        target.sync()
        assert read(tmp_path / "gw0") == ["q1", "q2"]
        assert target.acknowledged == {"wine": 3}


def test_closing_seals_and_counters_go_on_from_there(tmp_path: Path, record: Make) -> None:
    with Spool(tmp_path) as target:
        write(target, record(1))
        identity = target.id
    assert [file.sealed for file in segments.listing(tmp_path)] == [True]
    with Spool(tmp_path) as target:
        write(target, record(2))
        assert target.acknowledged == {"wine": 2}
        assert target.id == identity


def test_sequence_and_counters_survive_the_deletion_of_every_segment(tmp_path: Path, record: Make) -> None:
    with Spool(tmp_path) as target:
        write(target, record(1))
    last = segments.listing(tmp_path)[-1]
    last.path.unlink()
    with Spool(tmp_path) as target:
        assert target.acknowledged == {"wine": 1}
        assert segments.listing(tmp_path)[0].sequence > last.sequence


def test_an_empty_segment_is_never_sealed(tmp_path: Path, record: Make) -> None:
    with Spool(tmp_path) as target:
        assert not target.seal(force=True)
        write(target, record(1))
        assert target.seal(force=True)
        assert not target.seal(force=True)
    assert [file.sequence for file in segments.listing(tmp_path)] == [1]


def test_a_young_and_small_segment_goes_on(tmp_path: Path, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with Spool(tmp_path) as target:
        write(target, record(1))
        assert not target.seal()
        monkeypatch.setattr(spool, "_SEGMENT_BYTES", 100)
        assert target.seal()
        write(target, record(2))
        monkeypatch.setattr(spool, "_SEGMENT_BYTES", 10**6)
        monkeypatch.setattr(spool, "_SEGMENT_SECONDS", 0.0)
        assert target.seal()


def test_a_second_process_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_LOCK_SECONDS", 0.0)
    with Spool(tmp_path), pytest.raises(ConflictError, match="in use by another process"):
        Spool(tmp_path).open()


def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path, record: Make) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from interlock.predictions.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1])).open()\n"
        "for _ in range(3): spool.append(sys.stdin.buffer.peek(), rows=1, endpoint='wine')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], input=encoder.encode(record(5)), check=False, timeout=30
    )
    assert done.returncode == -signal.SIGKILL
    with segments.open_path(tmp_path, 1).open("ab") as file:
        file.write(b"\xc1ILK torn")
    with Spool(tmp_path) as target:
        assert target.acknowledged == {"wine": 3}
    assert read(tmp_path) == ["q5"] * 3
    assert segments.read(segments.sealed_path(tmp_path, 1)).damaged == []


def test_a_full_disk_refuses_the_record_and_keeps_nothing_of_it(tmp_path: Path, record: Make) -> None:
    # A limit on the file's size makes the kernel write a part and then refuse, as a full disk does.
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Spool(tmp_path) as target:
        write(target, record(1))
        size = segments.open_path(tmp_path, 1).stat().st_size
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, before[1]))
            for _ in range(2):
                with pytest.raises(UnrecordedError, match="not recorded"):
                    write(target, record(2))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        assert segments.open_path(tmp_path, 1).stat().st_size == size
        write(target, record(3))
        assert target.acknowledged == {"wine": 2}
    assert read(tmp_path) == ["q1", "q3"]


def test_no_new_segment_on_a_full_disk_leaves_the_present_one(
    tmp_path: Path, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    with Spool(tmp_path) as target:
        write(target, record(1))
        with monkeypatch.context() as patch:
            patch.setattr(segments, "sync_folder", full)
            with pytest.raises(OSError, match="No space left"):
                target.seal(force=True)
        write(target, record(2))
        assert target.seal(force=True)
    assert read(tmp_path) == ["q1", "q2"]


def test_a_spool_opened_on_a_full_disk_refuses_until_there_is_room(
    tmp_path: Path, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_spool: Spool) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Spool(tmp_path) as target:
        write(target, record(1))
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "_begin_segment", full)
        target = Spool(tmp_path).open()
        with pytest.raises(UnrecordedError, match="the disk is full or broken"):
            write(target, record(2))
        with pytest.raises(OSError, match="No space left"):
            target.seal()
        target.sync()
    target.seal()
    write(target, record(3))
    assert target.acknowledged == {"wine": 2}
    target.close()
    assert read(tmp_path) == ["q1", "q3"]


def test_sync_reaches_segments_sealed_since_the_record(
    tmp_path: Path, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}").rpartition("/")[2])
        fsync(descriptor)

    with Spool(tmp_path) as target:
        write(target, record(1), to_be_synced=True)
        target.seal(force=True)
        write(target, record(2), to_be_synced=True)
        monkeypatch.setattr(os, "fsync", noted)
        target.sync()
        assert synced == ["000000000001.sealed", "000000000002.open"]
        target.sync()
        assert synced[2:] == ["000000000002.open"]
        before = len(os.listdir("/proc/self/fd"))
        for number in range(5):
            write(target, record(number))
            target.seal(force=True)
        assert len(os.listdir("/proc/self/fd")) == before


def test_rows_without_a_record_are_counted_over_restarts(tmp_path: Path) -> None:
    with Spool(tmp_path) as target:
        target.count_unrecorded("wine", 2)
        target.count_unrecorded("beer", 1)
        assert unrecorded.load(tmp_path) == {"wine": 2, "beer": 1}
    with Spool(tmp_path) as target:
        target.count_unrecorded("wine", 3)
        assert target.unrecorded == {"wine": 5, "beer": 1}
        assert target.acknowledged == {}


def test_sealing_beside_appending_loses_and_doubles_nothing(tmp_path: Path, record: Make) -> None:
    appended, enough = count(), Event()

    def append() -> None:
        while not enough.is_set():
            write(target, record(next(appended)))

    with Spool(tmp_path) as target:
        thread = Thread(target=append)
        thread.start()
        sealed = 0
        while sealed < 20:
            sealed += target.seal(force=True)
        enough.set()
        thread.join()
    assert read(tmp_path) == [f"q{number}" for number in range(next(appended))]
    for file in segments.listing(tmp_path):
        found = segments.read(file.path)
        assert found.header is not None
        first = found.records[0]
        assert isinstance(first, PredictionRecord)
        assert found.header.acknowledged.get("wine", 0) == int(str(first.request_ids[0])[1:])


def test_a_folder_made_anew_is_another_spool(tmp_path: Path) -> None:
    with Spool(tmp_path / "gw0") as one:
        pass
    with Spool(tmp_path / "gw1") as other:
        assert one.id != other.id
