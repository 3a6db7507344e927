"""What is computed before sending is what the registry stores."""

from pathlib import Path

import msgspec
import pytest

from interlock.client.source import Source, resolved
from interlock.client.source_digest import source_digest
from interlock.registry.artifacts import ArtifactStore
from interlock.runtimes.remote_address import RemoteAddress


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_a_file_and_a_folder(tmp_path: Path, artifacts: ArtifactStore) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    (folder / "sub" / "data").write_bytes(b"\0" * 100_000)
    for source in (folder, folder / "MLmodel"):
        with resolved(source) as found:
            assert source_digest(found) == artifacts.put(source)


def test_code_is_digested_as_it_arrives_without_caches(tmp_path: Path, artifacts: ArtifactStore) -> None:
    package = tmp_path / "model_code"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_text("class Model: ...")
    (package / "__pycache__" / "x.pyc").write_bytes(b"x")
    arrived = tmp_path / "arrived" / "model_code"
    arrived.mkdir(parents=True)
    (arrived / "__init__.py").write_text("class Model: ...")
    source = Source(package, entry="model_code.Model")
    assert source_digest(source) == artifacts.put(arrived.parent)
    module = tmp_path / "one.py"
    module.write_text("class Model: ...")
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "one.py").write_text("class Model: ...")
    assert source_digest(Source(module, entry="one.Model")) == artifacts.put(alone)


def test_an_installed_class_and_another_server(tmp_path: Path, artifacts: ArtifactStore) -> None:
    empty = tmp_path / "code"
    empty.mkdir()
    assert source_digest(Source(entry="package.Model")) == artifacts.put(empty)
    address = RemoteAddress(url="http://127.0.0.1:1/v2/models/x", token_env="INTERLOCK_REMOTE_X")
    stored = tmp_path / "remote.json"
    stored.write_bytes(msgspec.json.encode(address))
    assert source_digest(Source(url=address.url), address.token_env) == artifacts.put(stored)
