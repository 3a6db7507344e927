from datetime import UTC, datetime
from pathlib import Path

from interlock.domain.access import Key
from interlock.domain.traffic import TrafficPlan
from interlock.gateway.memory import Memory, MemoryFile

MEMORY = Memory(
    plans=(TrafficPlan(endpoint="e", generation=3, champion="m:1"),),
    keys=(Key(name="k", role="scorer", digest="ab", created_at=datetime(2026, 1, 1, tzinfo=UTC)),),
    trips={"r": "why"},
)


def test_what_is_saved_is_loaded_by_the_next_worker(tmp_path: Path) -> None:
    MemoryFile(tmp_path / "gw0").save(MEMORY)
    assert MemoryFile(tmp_path / "gw0").load() == MEMORY
    assert [file.name for file in (tmp_path / "gw0").iterdir()] == ["state.json"]
    assert (tmp_path / "gw0" / "state.json").stat().st_mode & 0o077 == 0


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    MemoryFile(tmp_path).save(MEMORY)
    file = MemoryFile(tmp_path)
    file.load()
    before = (tmp_path / "state.json").stat().st_ino
    file.save(MEMORY)
    assert (tmp_path / "state.json").stat().st_ino == before


def test_no_file_and_a_damaged_one_are_no_memory(tmp_path: Path) -> None:
    assert MemoryFile(tmp_path).load() is None
    (tmp_path / "state.json").write_bytes(b"\x00")
    assert MemoryFile(tmp_path).load() is None
