"""Registration of Python classes: what a class may say of itself, and what is said of one that cannot be served."""

import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from interlock.domain.errors import ModelFailedError, UnloadableModelError
from interlock.runtimes.load import load_runtime

MakeRows = Callable[[int, int], pd.DataFrame]
Register = Callable[..., Any]


@pytest.fixture
def register(desk: Any) -> Register:
    """Registers a class from its source, called `Model` in `model_code`."""

    def make(code: str, reference: pd.DataFrame | None = None, **options: Any) -> Any:
        path = desk.folder / "model_code.py"
        path.write_text("import numpy\n" + textwrap.dedent(code))
        return desk.register(path, reference, entry="model_code.Model", **{"trust_pickle": True, **options})

    return make


@pytest.fixture
def rows(make_rows: MakeRows) -> pd.DataFrame:
    return make_rows(100, 1)


def test_numbers_of_columns_that_the_class_declares(register: Register) -> None:
    version = register("""
        class Model:
            inputs = {"x": "FP64", "plan": "BYTES"}
            def predict(self, columns):
                return columns["x"] * 2
    """)
    assert (version.model_format, version.placement, version.entry) == ("python", "isolated", "model_code.Model")
    assert [(field.name, field.datatype) for field in version.contract.inputs] == [("x", "FP64"), ("plan", "BYTES")]
    assert (version.contract.task, version.contract.outputs[0].name) == ("regression", "prediction")
    assert version.lineage["estimator"] == "model_code.Model"


def test_columns_of_the_reference_as_a_data_frame(register: Register, rows: pd.DataFrame) -> None:
    version = register(
        """
        class Model:
            classes = (False, True)
            as_frame = True
            def predict(self, rows):
                assert list(rows.columns) == ["temp", "hour", "weekend", "carrier", "price"]
                return numpy.where(rows["temp"].isna() | (rows["carrier"] == "UA"), 0.75, 0.25)
        """,
        rows,
        label="late",
    )
    assert version.contract.classes == (False, True)
    assert [field.name for field in version.contract.outputs] == ["label", "probabilities"]
    assert version.profile["rows"] == 100


def test_labels_alone(register: Register, rows: pd.DataFrame) -> None:
    version = register(
        """
        class Model:
            def predict(self, columns):
                return numpy.where(columns["hour"] > 12, "AA", "UA")
        """,
        rows[["temp", "hour", "carrier"]],
        label="carrier",
    )
    assert version.contract.classes == ("AA", "B6", "UA")
    assert [field.name for field in version.contract.outputs] == ["label"]


def test_code_that_was_registered_is_what_answers(desk: Any, register: Register) -> None:
    version = register("""
        class Model:
            inputs = {"x": "FP64"}
            def load(self, path):
                assert open(f"{path}/model_code.py").read().startswith("import numpy")
            def predict(self, columns):
                return columns["x"] + 1
    """)
    (desk.folder / "model_code.py").unlink()
    import asyncio

    async def run() -> list[float]:
        runtime = await asyncio.to_thread(load_runtime, version, desk.artifacts)
        answers = await runtime.predict({"x": np.array([1.0, 2.0])}, 10.0)
        await runtime.close()
        values: list[float] = answers["prediction"].tolist()
        return values

    assert asyncio.run(run()) == [2.0, 3.0]


def test_code_needs_trust_and_is_not_imported_without(desk: Any, register: Register) -> None:
    with pytest.raises(UnloadableModelError, match=r"^python:model_code\.Model is code .* use --trust-pickle"):
        register(f"open({str(desk.folder / 'owned')!r}, 'w')\nclass Model: pass", trust_pickle=False)
    assert not (desk.folder / "owned").exists()


def test_importing_it_happens_in_a_process_of_its_own(register: Register) -> None:
    with pytest.raises(UnloadableModelError, match=r"died while loading \(exit code 7\)"):
        register("import os\nos._exit(7)")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("x = 1", r"the module 'model_code' has no class 'Model'"),
        ("Model = 1", r"has no class 'Model'"),
        ("class Model: pass", r"has no method `predict\(columns\)`"),
        ("raise ValueError('no\\nweights')", r"importing model_code raised ValueError: no"),
        ("import not_there_at_all", r"the module 'not_there_at_all' is not there; .*--code"),
        (
            "class Model:\n    def __init__(self, x): pass\n    def predict(self, c): return 1",
            r"made without arguments",
        ),
        (
            "class Model:\n    def load(self, path): raise OSError('gone')\n    def predict(self, c): return 1",
            r"Model\.load raised OSError: gone",
        ),
        ("class Model:\n    inputs = {'x': 'float'}\n    def predict(self, c): return 1", r"inputs == .* must map"),
        ("class Model:\n    def predict(self, c): return 1", r"does not say what it takes; give --reference"),
        (
            "class Model:\n    inputs = {'x': 'FP64'}\n    def predict(self, c): return 1",
            r"answers with one value; must be one for each row",
        ),
        (
            "class Model:\n    inputs = {'x': 'FP64'}\n    def predict(self, c): raise KeyError('y')",
            r"KeyError: 'y'",
        ),
    ],
)
def test_what_is_wrong_with_a_class_is_told(register: Register, code: str, named: str) -> None:
    with pytest.raises((UnloadableModelError, ModelFailedError), match=named) as refused:
        register(code)
    assert ":0" not in str(refused.value)


def test_a_class_without_code_must_be_installed_where_it_runs(desk: Any) -> None:
    with pytest.raises(UnloadableModelError, match="module 'nothing_here' is not there; upload it with --code"):
        desk.register(None, entry="nothing_here.Model", trust_pickle=True)
