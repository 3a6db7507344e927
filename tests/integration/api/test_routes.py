import io
import re
import tarfile
from typing import Any

import pytest


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _member(name: str, **fields: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(member, field, value)
    return member


def test_the_docs_name_every_route_and_load_nothing_from_elsewhere(plane: Any) -> None:
    page = plane.client.get("/api/v1/docs")
    assert page.status_code == 200
    for path in plane.app.openapi()["paths"]:
        assert path in page.text
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_an_empty_server_answers_with_empty_lists(plane: Any) -> None:
    admin = plane.header("admin")
    for noun in ("models", "endpoints", "releases", "alerts", "silences", "channels"):
        assert plane.client.get(f"/api/v1/{noun}", headers=admin).json() == {noun: []}
    assert plane.client.get("/api/v1/log/reconciliation", headers=admin).json() == {"endpoints": {}}
    assert plane.client.get("/api/v1/audit/verify", headers=admin).json()["ok"] is True


def test_keys_are_made_shown_once_listed_and_revoked(plane: Any) -> None:
    admin = plane.header("admin")
    new = {"name": "till", "role": "scorer", "endpoints": ["wine"], "allow": ["backdate"]}
    made = plane.client.post("/api/v1/keys", headers=admin, json=new)
    assert made.status_code == 201
    secret = made.json()["key"]
    listed = plane.client.get("/api/v1/keys", headers=admin)
    assert secret not in listed.text
    assert "digest" not in listed.text
    assert "till" in [key["name"] for key in listed.json()["keys"]]
    bearer = {"Authorization": f"bearer {secret}"}
    assert plane.client.get("/api/v1/address", headers=bearer).json() == {"gateway": "http://127.0.0.1:8080"}
    assert plane.client.delete("/api/v1/keys/till", headers=admin).status_code == 204
    assert plane.client.get("/api/v1/address", headers=bearer).status_code == 401


@pytest.mark.parametrize("name", ["../x", "a/b", "", "..", ".body", "x" * 300, "a\0b"])
def test_an_upload_cannot_name_a_path(plane: Any, name: str) -> None:
    answer = plane.client.post("/api/v1/uploads", params={"name": name}, headers=plane.header("operator"), content=b"x")
    assert answer.status_code == 400
    assert not list(plane.app.state.services.staging._root.glob("*"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"not a tar at all", "not a tar archive"),
        (_tar((_member("../escape"), b"x")), "not a tar archive of plain files"),
        (_tar((_member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")), "links or devices"),
        (_tar((_member("hard", type=tarfile.LNKTYPE, linkname="/etc/passwd"), b"")), "links or devices"),
        (_tar((_member("fifo", type=tarfile.FIFOTYPE), b"")), "links or devices"),
    ],
)
def test_an_archive_cannot_leave_its_folder(plane: Any, body: bytes, said: str) -> None:
    answer = plane.client.post(
        "/api/v1/uploads", params={"name": "m", "kind": "folder"}, headers=plane.header("operator"), content=body
    )
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert not list(plane.app.state.services.staging._root.glob("*"))


def test_a_file_and_a_folder_arrive_whole(plane: Any) -> None:
    staging = plane.app.state.services.staging
    for kind, body in (("file", b"\0" * 3_000_000), ("folder", _tar((_member("sub/a.txt"), b"hello")))):
        answer = plane.client.post(
            "/api/v1/uploads", params={"name": "m.bin", "kind": kind}, headers=plane.header("operator"), content=body
        )
        assert answer.status_code == 201
        path = staging.find(answer.json()["id"])
        assert path.name == "m.bin"
        content = path.read_bytes() if kind == "file" else (path / "sub" / "a.txt").read_bytes()
        assert content == (body if kind == "file" else b"hello")
        staging.discard(answer.json()["id"])


def test_a_file_that_is_no_model_is_refused_with_the_reason_and_leaves_nothing(plane: Any) -> None:
    operator = plane.header("operator")
    upload = plane.client.post(
        "/api/v1/uploads", params={"name": "model.onnx"}, headers=operator, content=b"not a model"
    ).json()["id"]
    answer = plane.client.post("/api/v1/models/junk", headers=operator, json={"source": upload})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("model.onnx is not a loadable ONNX model: it is empty, cut off")
    assert "artifacts" not in answer.json()["detail"]
    assert plane.client.get("/api/v1/models", headers=operator).json() == {"models": []}
    assert not list(plane.app.state.services.staging._root.glob("*"))


@pytest.mark.parametrize(("path", "body"), [("pins", {"name": "predictions"}), ("forget", {"unit": "alice"})])
def test_no_name_leaves_the_log(plane: Any, path: str, body: dict[str, str]) -> None:
    log = plane.app.state.services.settings.log
    kept = log / "predictions" / "kept"
    kept.mkdir(parents=True)
    try:
        for name in ("%2e%2e", "..%2fx", ".hidden"):
            answer = plane.client.post(f"/api/v1/log/{name}/{path}", headers=plane.header("admin"), json=body)
            assert answer.status_code in (400, 404)
        assert kept.is_dir()
    finally:
        kept.rmdir()
