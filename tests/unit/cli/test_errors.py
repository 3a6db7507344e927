from pathlib import Path

import pytest

from interlock.cli.app import exit_code, run
from interlock.client.errors import RemoteError
from interlock.domain import errors


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.InvalidInputError("x"), 2),
        (errors.NotFoundError("model", "wine"), 2),
        (errors.ConflictError("x"), 2),
        (errors.HomeError("x"), 2),
        (errors.ForbiddenError("x"), 2),
        (errors.ServerUnreachableError("x"), 3),
        (errors.OverloadedError("x"), 1),
        (errors.DeadlineExceededError("wine:1", 100), 1),
        (RemoteError("x", 500), 1),
        (RemoteError("x", 418), 2),
    ],
)
def test_exit_codes(error: errors.InterlockError, expected: int) -> None:
    assert exit_code(error) == expected


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["model", "list"], 3, "no Interlock runs on"),
        (["model", "list", "--server", "http://127.0.0.1:9"], 3, "no Interlock answers at http://127.0.0.1:9"),
        (["model", "list", "--server", "127.0.0.1:9"], 2, "must be an address like"),
        (["model", "register", "Wine!", "x"], 2, "model name == 'Wine!'"),
        (["model", "register", "wine", "not/there"], 2, "not/there does not exist"),
        (["model", "register", "wine", "models:/wine/3"], 3, "no Interlock runs on"),
        (["model", "register", "wine", "https://example.org/wine", "--memory", "x"], 2, "must be a size like 512M"),
        (["serve", "https://example.org/wine.onnx"], 2, "source == 'https://example.org/wine.onnx', must be a file"),
        (["model", "diff", "wine", "wine:2"], 2, "must be NAME:VERSION"),
        (["endpoint", "create", "wine", "--model", "wine"], 2, "must be NAME:VERSION"),
        (["release", "start", "wine", "--candidate", "wine:2", "--steps", "a,b"], 2, "steps == 'a,b'"),
        (["release", "start", "wine", "--candidate", "wine:2", "--plan", "not.there"], 2, "not.there cannot be read"),
        (["predict", "wine", "--data", "not.csv"], 2, "error: not.csv cannot be read: there is no such file\n"),
        (["predict", "wine", "--data", "rows.txt"], 2, "must be one of .csv"),
        (["label", "wine", "not.csv"], 2, "error: not.csv cannot be read: there is no such file\n"),
        (["monitor", "wine", "--since", "yesterday", "--server", "http://127.0.0.1:9"], 2, "since == 'yesterday'"),
        (["key", "list"], 2, "is not an Interlock home folder"),
        (["log", "path", "wine"], 2, "does not exist"),
        (["serve", "not/there.onnx"], 2, "not/there.onnx does not exist"),
        (["diff", "not.yaml"], 2, "not.yaml cannot be read: No such file"),
        (["apply", __file__], 2, "is not YAML"),
        (["up", "--config", "not.yaml"], 2, "not.yaml cannot be read: No such file"),
        (["export", "config"], 3, "no Interlock runs on"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_expected_errors_are_one_sentence_on_stderr(
    arguments: list[str],
    code: int,
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("INTERLOCK_URL", raising=False)
    assert run(arguments) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert named in said.err
    assert said.err.count("\n") == 1


def test_doctor_says_what_is_wrong_where_there_is_no_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--home", str(tmp_path / "none"), "--json"]) == 1
    assert '"ok": false' in capsys.readouterr().out
