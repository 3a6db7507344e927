"""Rows for application tests that the server keeps by name."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.domain.access import Key
from interlock.domain.errors import InvalidInputError
from interlock.registry.held_out_files import HeldOutFiles
from interlock.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Key(name="ann", role="operator", digest="d", created_at=NOW)


@pytest.fixture
def files(tmp_path: Path, store_url: str) -> Iterator[HeldOutFiles]:
    store = Store(store_url)
    yield HeldOutFiles(tmp_path / "held-out", store, lambda: NOW)
    store.close()


def sent(folder: Path, name: str, content: str = "x,y\n1,2\n") -> Path:
    file = folder / name
    file.write_text(content)
    return file


def test_a_file_is_kept_under_its_name_and_replaced(files: HeldOutFiles, tmp_path: Path) -> None:
    first = files.keep(sent(tmp_path, "heldout.csv"), ANN)
    assert first.sha256 == hashlib.sha256(b"x,y\n1,2\n").hexdigest() == files.sha256("heldout.csv")
    second = files.keep(sent(tmp_path, "heldout.csv", "x\n1\n"), ANN)
    assert [(each.name, each.bytes) for each in files.list()] == [("heldout.csv", 4)]
    assert files.find("heldout.csv").read_text() == "x\n1\n"
    assert second.sha256 != first.sha256


@pytest.mark.parametrize("name", [".hidden.csv", "model.pkl", "a b.csv"])
def test_other_names_are_refused(files: HeldOutFiles, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match="must be letters"):
        files.keep(sent(tmp_path, name), ANN)
    assert files.list() == []


@pytest.mark.parametrize("name", ["../interlock.db", "/etc/passwd", "nobody.csv", ""])
def test_nothing_else_is_found(files: HeldOutFiles, tmp_path: Path, name: str) -> None:
    sent(tmp_path, "interlock.db")
    files.keep(sent(tmp_path, "there.csv"), ANN)
    with pytest.raises(InvalidInputError, match=r"no held-out file of that name \(it has: there.csv\)"):
        files.find(name)
