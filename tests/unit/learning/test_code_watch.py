from datetime import UTC, datetime, timedelta
from pathlib import Path

from interlock.learning.code_watch import CodeWatch


def test_what_has_stood_for_two_looks_counts_also_when_the_folder_goes(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    watch = CodeWatch(lambda: now)
    folder = tmp_path / "code"

    def look() -> str:
        nonlocal now
        now += timedelta(seconds=30)
        return watch.digest(str(folder))

    assert (look(), look()) == ("", "")
    folder.mkdir()
    (folder / "learn.py").write_text("a = 1")
    assert look() == ""
    first = look()
    assert len(first) == 64
    (folder / "learn.py").write_text("a = 2")
    assert look() == first
    (folder / "learn.py").write_text("a = 3")
    assert look() == first
    assert look() not in ("", first)
    (folder / "learn.py").unlink()
    folder.rmdir()
    look()
    assert look() == ""
