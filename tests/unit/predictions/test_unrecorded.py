from pathlib import Path

import pytest

from interlock.predictions import unrecorded
from interlock.predictions.unrecorded import Unrecorded


def test_a_count_torn_by_the_end_of_the_process_leaves_the_one_before(tmp_path: Path) -> None:
    counter = Unrecorded(tmp_path)
    for _ in range(3):
        counter.add("wine", 1)
    counter.close()
    data = bytearray((tmp_path / unrecorded.NAME).read_bytes())
    # The third count is in the second half; its text is torn.
    start = len(data) // 2
    data[start + 16 : start + 20] = b"torn"
    (tmp_path / unrecorded.NAME).write_bytes(data)
    assert unrecorded.load(tmp_path) == {"wine": 2}
    again = Unrecorded(tmp_path)
    again.add("wine", 5)
    assert unrecorded.load(tmp_path) == {"wine": 7}


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 70_000])
def test_a_damaged_file_counts_from_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / unrecorded.NAME).write_bytes(content)
    assert unrecorded.load(tmp_path) == {}


def test_a_spool_that_never_lost_anything_has_no_file(tmp_path: Path) -> None:
    assert unrecorded.load(tmp_path) == {}
