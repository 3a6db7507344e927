import hashlib
import os
from pathlib import Path

import pytest

from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry.artifacts import ArtifactStore
from interlock.runtimes.artifact import unpack


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def folder(path: Path, **files: str) -> Path:
    for name, content in files.items():
        (path / name).mkdir(parents=True)
        (path / name / "file").write_text(content)
    return path


def test_a_file_is_stored_under_its_digest_and_nothing_else_is_left(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"model")
    digest = store.put(tmp_path / "m")
    assert digest == hashlib.sha256(b"model").hexdigest()
    assert store.put(tmp_path / "m") == digest
    assert [path.name for path in store.root.iterdir()] == [digest]
    assert store.verify(digest).read_bytes() == b"model"


def test_a_folder_has_the_same_digest_whatever_its_times_and_place(store: ArtifactStore, tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one", a="x", b="y"), folder(tmp_path / "other", b="y", a="x")
    os.utime(one / "a" / "file", (0, 0))
    (one / "a" / "file").chmod(0o600)
    digest = store.put(one)
    assert store.put(other) == digest
    unpack(store.path(digest), tmp_path / "back")
    assert (tmp_path / "back" / "b" / "file").read_text() == "y"
    assert store.put(folder(tmp_path / "third", a="x", b="z")) != digest


def test_a_folder_with_a_link_is_refused(store: ArtifactStore, tmp_path: Path) -> None:
    (folder(tmp_path / "one", a="x") / "link").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInputError, match="is a link"):
        store.put(tmp_path / "one")
    assert list(store.root.iterdir()) == []


def test_damage_is_found(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"model")
    digest = store.put(tmp_path / "m")
    store.path(digest).write_bytes(b"modem")
    with pytest.raises(UnloadableModelError, match="damaged"):
        store.verify(digest)
