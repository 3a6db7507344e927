from pathlib import Path

import pytest

from interlock.domain.model import Runner
from interlock.runtimes import memory


def test_a_version_says_or_the_setting_or_half_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERLOCK_RUNNER_MEMORY_BYTES", raising=False)
    assert memory.memory_bytes(Runner()) == memory.machine_bytes() // 2
    monkeypatch.setenv("INTERLOCK_RUNNER_MEMORY_BYTES", "0")
    assert memory.memory_bytes(Runner()) == memory.machine_bytes() // 2
    monkeypatch.setenv("INTERLOCK_RUNNER_MEMORY_BYTES", "1000000")
    assert memory.memory_bytes(Runner()) == 1_000_000
    assert memory.memory_bytes(Runner(memory_bytes=5)) == 5


@pytest.mark.parametrize(("said", "expected"), [("1048576\n", 1 << 20), ("max\n", None), (f"{1 << 60}", None)])
def test_in_a_container_its_limit_is_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, expected: int | None
) -> None:
    whole = memory.machine_bytes()
    (tmp_path / "memory.max").write_text(said)
    monkeypatch.setattr(memory, "_CGROUP_LIMIT", tmp_path / "memory.max")
    assert memory.machine_bytes() == (expected or whole)
