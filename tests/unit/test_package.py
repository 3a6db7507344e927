import subprocess
import sys

import pytest

import interlock


def test_the_import_brings_nothing_heavy() -> None:
    heavy = {"numpy", "pyarrow", "fastapi", "sqlalchemy", "typer"}
    code = f"import sys, interlock; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


def test_names_are_found_on_first_use() -> None:
    assert interlock.Client.__module__ == "interlock.client.client"
    assert callable(interlock.serve)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        interlock.nonsense  # noqa: B018
