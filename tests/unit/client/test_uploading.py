from pathlib import Path

import pytest

from interlock.client.uploading import check_source
from interlock.domain.errors import InvalidInputError


@pytest.mark.parametrize(
    "source", ["models:/wine/3", "runs:/ab12/model", "python:pkg.make", "http://h/m", "https://h/m"]
)
@pytest.mark.parametrize("kind", [str, Path])
def test_an_address_is_not_taken_for_a_file(source: str, kind: type[str] | type[Path]) -> None:
    with pytest.raises(
        InvalidInputError, match=f"^source == '{source}', .* not supported yet; give a file or folder: "
    ):
        check_source(kind(source))


@pytest.mark.parametrize("source", ["model.onnx", "not/there", "wine:1", "models/wine"])
def test_a_path_is_left_to_who_opens_it(source: str) -> None:
    check_source(source)


def test_a_file_that_is_called_like_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models:").mkdir()
    monkeypatch.chdir(tmp_path)
    check_source("models:/")
