import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from interlock.domain.errors import UnloadableModelError
from interlock.runtimes.artifact import unpack, verified


def archive(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return path


def file(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = 3
    return member


def link(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


def test_an_intact_artifact_is_found(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"model").hexdigest()
    (tmp_path / digest).write_bytes(b"model")
    assert verified(tmp_path, digest) == tmp_path / digest


def test_a_damaged_artifact_is_refused_with_both_digests(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"model").hexdigest()
    (tmp_path / digest).write_bytes(b"modem")
    with pytest.raises(UnloadableModelError, match=f"{digest} is damaged.*{hashlib.sha256(b'modem').hexdigest()}"):
        verified(tmp_path, digest)


def test_a_missing_artifact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnloadableModelError, match="missing"):
        verified(tmp_path, "0" * 64)


def test_an_archive_is_unpacked_with_its_folders(tmp_path: Path) -> None:
    unpack(archive(tmp_path / "a.tar", file("MLmodel"), file("data/model.pkl")), tmp_path / "out")
    assert (tmp_path / "out/data/model.pkl").read_bytes() == b"xxx"


@pytest.mark.parametrize("bad", [file("../outside"), file("/outside"), file("a/../../outside"), link("inside")])
def test_a_member_that_leads_outside_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    target = tmp_path / "deep" / "out"
    with pytest.raises(UnloadableModelError, match="plain file inside"):
        unpack(archive(tmp_path / "a.tar", bad), target)
    assert [path.name for path in tmp_path.rglob("outside")] == []


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"not a tar" * 100)
    with pytest.raises(UnloadableModelError, match="no archive"):
        unpack(tmp_path / "a.tar", tmp_path / "out")
