import hashlib
from pathlib import Path

import pytest

from interlock.client.config_file import ConfigFile
from interlock.domain.configuration import ConfiguredChannel
from interlock.domain.errors import InvalidInputError


def write(folder: Path, text: str) -> Path:
    path = folder / "interlock.yaml"
    path.write_text(text)
    return path


def refused(path: Path, **variables: str) -> list[str]:
    with pytest.raises(InvalidInputError) as error:
        ConfigFile(path, variables).document()
    return [fault.removeprefix(f"{path}:") for fault in error.value.faults]


def test_every_fault_has_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "endpoints:\n  wine:\n    deadline: 5\nchannels:\n  team: {url: $x, colour: red}\n")
    assert refused(path) == [
        "3: endpoints.wine.deadline: is not known; did you mean deadline_ms?",
        "2: endpoints.wine.model: is missing",
        f"5: channels.team.colour: is not known; there is {', '.join(ConfiguredChannel.__struct_fields__)}",
    ]


def test_a_secret_comes_from_the_environment_and_is_in_no_fault(tmp_path: Path) -> None:
    path = write(tmp_path, "channels:\n  team: {url: 'https://u:${PASSWORD}@example.org/${A}'}\n")
    found = ConfigFile(path, {"PASSWORD": "s3cret", "A": "b"}).document()
    assert found == {"channels": {"team": {"url": "https://u:s3cret@example.org/b"}}}
    assert refused(path, PASSWORD="s3cret") == ["2: channels.team.url: the environment variable A is not set"]
    path = write(tmp_path, "channels:\n  team: {url: '${PASSWORD}', least_severity: x}\n")
    assert "s3cret" not in str(refused(path, PASSWORD="s3cret"))


def test_models_are_sent_as_the_digest_of_what_the_file_names_from_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"model")
    digest = hashlib.sha256(b"model").hexdigest()
    path = write(tmp_path, "models:\n  wine:\n  - source: a.onnx\n  - {digest: " + "0" * 64 + "}\n")
    assert ConfigFile(path, {}).document() == {
        "models": {"wine": [{"source": "a.onnx", "digest": digest}, {"digest": "0" * 64}]}
    }


def test_a_source_that_is_not_there_is_a_fault_unless_its_digest_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, "models:\n  wine:\n  - source: a.onnx\n")
    assert refused(path) == [
        f"3: models.wine[0].source: {tmp_path}/a.onnx does not exist; name a file or folder on this machine"
    ]
    path = write(tmp_path, f"models:\n  wine:\n  - {{source: a.onnx, digest: {'0' * 64}}}\n")
    assert ConfigFile(path, {}).document()["models"]["wine"][0]["digest"] == "0" * 64


def test_a_source_that_is_not_what_the_digest_says_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"model")
    path = write(tmp_path, f"models:\n  wine:\n  - {{source: a.onnx, digest: {'0' * 64}}}\n")
    (fault,) = refused(path)
    assert fault.startswith(f"3: models.wine[0].digest: is {'0' * 64}, and the source has ")


def test_an_empty_file_manages_nothing(tmp_path: Path) -> None:
    assert ConfigFile(write(tmp_path, "# nothing yet\n"), {}).document() == {}
    assert ConfigFile(write(tmp_path, "endpoints:\nchannels: {}\n"), {}).document() == {"channels": {}}
