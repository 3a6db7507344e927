import sys
import tarfile
from pathlib import Path
from typing import BinaryIO

import pytest

from interlock.client.connection import Answer
from interlock.client.source import Source, check_file, kind_of, resolved
from interlock.client.transport import Transport
from interlock.client.uploading import send_code
from interlock.domain.errors import InvalidInputError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(source: str | Path, code: Path | None = None) -> Source:
    with resolved(source, code) as one:
        return one


@pytest.mark.parametrize("source", ["models:/wine/3", "runs:/ab/model", "python:pkg.make", "http://h/m", "https://h/m"])
@pytest.mark.parametrize("kind", [str, Path])
def test_where_only_a_file_will_do_an_address_is_refused(source: str, kind: type[str] | type[Path]) -> None:
    with pytest.raises(InvalidInputError, match=f"^source == '{source}', must be a file or folder here"):
        check_file(kind(source))


@pytest.mark.parametrize("source", ["model.onnx", "not/there", "wine:1", "models/wine"])
def test_a_path_is_no_address(source: str) -> None:
    assert kind_of(source) is None
    check_file(source)


def test_a_file_that_is_called_like_an_address_is_a_file(folder: Path) -> None:
    (folder / "models:").mkdir()
    assert found("models:/") == Source(Path("models:/"))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"^model\.onnx does not exist; name a file or folder on this machine"):
        found("model.onnx")


def test_the_address_of_a_server_is_handed_on() -> None:
    assert found("http://triton:8000/v2/models/x") == Source(url="http://triton:8000/v2/models/x")


def test_a_class_comes_with_the_module_beside_it(folder: Path) -> None:
    (folder / "churn.py").touch()
    assert found("python:churn.Model") == Source(Path("churn.py"), entry="churn.Model")


def test_a_class_comes_with_the_package_beside_it(folder: Path) -> None:
    (folder / "churn").mkdir()
    (folder / "churn" / "__init__.py").touch()
    assert found("python:churn.deep.Model") == Source(folder / "churn", entry="churn.deep.Model")


def test_a_class_that_is_installed_on_the_server_comes_alone() -> None:
    assert found("python:churn.Model") == Source(entry="churn.Model")


def test_a_class_comes_with_the_code_that_is_named(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    assert found("python:churn.Model", Path("elsewhere")).upload == Path("elsewhere")


@pytest.mark.parametrize("entry", ["churn", "churn.", ".Model", "churn:Model", "churn.Mod el", "1.Model", ""])
def test_what_names_no_class_is_refused(entry: str) -> None:
    with pytest.raises(InvalidInputError, match=r"must look like python:module\.Class"):
        found(f"python:{entry}")


def test_code_without_a_class_is_refused(folder: Path) -> None:
    (folder / "model.onnx").touch()
    with pytest.raises(InvalidInputError, match=r"code is for sources like python:module\.Class only"):
        found("model.onnx", folder)


def test_what_mlflow_does_not_know_is_told_with_where_to_look(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    with pytest.raises(InvalidInputError, match=r"MLflow cannot fetch 'models:/nothing/1': .*MLFLOW_TRACKING_URI"):
        found("models:/nothing/1")


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.artifacts", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'interlock\[mlflow\]'"):
        found("models:/wine/3")


class _Keeps(Transport):
    """Unpacks what is uploaded, as a server does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def upload(self, path: str, file: BinaryIO, length: int) -> Answer:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            tar.extractall(self.folder, filter="data")
        return Answer(200, {}, b'{"id": "1"}')


def sent(folder: Path, code: Path) -> set[str]:
    target = folder / "sent"
    send_code(_Keeps(target), code)
    return {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}


def make_code(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder / "code"


def test_a_folder_of_modules_is_sent_as_what_python_imports_from(folder: Path) -> None:
    code = make_code(folder, "churn.py", "weights.bin", "__pycache__/churn.pyc", ".git/config", "parts/one.py")
    assert sent(folder, code) == {"churn.py", "weights.bin", "parts/one.py"}


def test_a_package_is_sent_under_its_own_name(folder: Path) -> None:
    assert sent(folder, make_code(folder, "__init__.py", "deep.py")) == {"code/__init__.py", "code/deep.py"}


def test_a_module_is_sent_alone(folder: Path) -> None:
    assert sent(folder, make_code(folder, "churn.py", "other.py") / "churn.py") == {"churn.py"}


def test_what_cannot_be_read_is_named(folder: Path) -> None:
    with pytest.raises(InvalidInputError, match="nothing cannot be read: No such file"):
        sent(folder, Path("nothing"))
