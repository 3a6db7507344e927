"""Registration of PyTorch programs. Skipped where torch is not installed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from interlock.domain.errors import UnloadableModelError
from interlock.runtimes.predictors import load_predictor

torch: Any = pytest.importorskip("torch", reason="torch is not installed; the extra `torch` brings it")

pytestmark = pytest.mark.slow

MakeRows = Callable[[int, int], pd.DataFrame]


def module(*layers: Any) -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(*layers).eval()


def export(model: Any, path: Path, *, rows: int = 4, fixed: bool = False, width: int = 2) -> Path:
    shapes = None if fixed else ({0: torch.export.Dim("batch")},)
    program = torch.export.export(model, (torch.zeros(rows, width),), dynamic_shapes=shapes)
    torch.export.save(program, path)
    return path


@pytest.fixture
def rows(make_rows: MakeRows) -> pd.DataFrame:
    return make_rows(60, 1)[["hour", "weekend", "late", "price"]]


def test_a_program_needs_trust_and_is_not_opened_without(desk: Any) -> None:
    path = export(module(torch.nn.Linear(2, 1)), desk.folder / "m.pt2")
    with pytest.raises(
        UnloadableModelError, match=r"m\.pt2 is a PyTorch program, and loading it would run what it holds"
    ):
        desk.register(path)


def test_a_regression_of_one_matrix(desk: Any, rows: pd.DataFrame) -> None:
    model = module(torch.nn.Linear(2, 1))
    path = export(model, desk.folder / "m.pt2")
    version = desk.register(path, rows[["hour", "weekend", "price"]], label="price", trust_pickle=True)
    assert (version.model_format, version.placement, version.contract.task) == (
        "torch_export", "isolated", "regression",
    )  # fmt: skip
    assert version.frameworks["torch"] == torch.__version__
    given = rows[["hour", "weekend"]]
    outputs = load_predictor(version, desk.artifacts).predict({name: given[name].to_numpy() for name in given})
    with torch.inference_mode():
        expected = model(torch.as_tensor(given.to_numpy(dtype=np.float32))).numpy().reshape(-1)
    np.testing.assert_allclose(outputs["prediction"], expected, rtol=1e-5)


def test_scores_without_a_softmax_are_numbers_with_a_warning(desk: Any, rows: pd.DataFrame) -> None:
    path = export(module(torch.nn.Linear(2, 2)), desk.folder / "m.pt2")
    version = desk.register(path, rows[["hour", "weekend", "late"]], label="late", trust_pickle=True)
    assert (version.contract.task, version.contract.outputs[0].shape) == ("regression", (2,))
    assert any("end it with a softmax" in warning for warning in version.warnings)


def test_one_probability_for_two_classes(desk: Any, rows: pd.DataFrame) -> None:
    path = export(module(torch.nn.Linear(2, 1), torch.nn.Sigmoid()), desk.folder / "m.pt2")
    version = desk.register(path, rows[["hour", "weekend", "late"]], label="late", trust_pickle=True)
    assert (version.contract.task, version.contract.classes) == ("binary", (False, True))


def test_a_program_for_one_row_answers_any_number(desk: Any) -> None:
    path = export(module(torch.nn.Linear(2, 1)), desk.folder / "m.pt2", rows=1, fixed=True)
    version = desk.register(path, trust_pickle=True)
    outputs = load_predictor(version, desk.artifacts).predict({"input": np.zeros((3, 2))})
    assert outputs["prediction"].shape == (3,)


def test_a_program_for_a_fixed_number_of_rows_is_refused_with_what_to_do(desk: Any) -> None:
    path = export(module(torch.nn.Linear(2, 1)), desk.folder / "m.pt2", fixed=True)
    with pytest.raises(UnloadableModelError, match=r"exported for exactly 4 rows; export it with dynamic_shapes="):
        desk.register(path, trust_pickle=True)


@pytest.mark.parametrize("name", ["m.pt", "m.pt2"])
@pytest.mark.parametrize("what", ["a module", "weights"])
def test_what_torch_save_writes_is_refused_and_not_unpickled(desk: Any, name: str, what: str) -> None:
    model = module(torch.nn.Linear(2, 1))
    torch.save(model if what == "a module" else model.state_dict(), desk.folder / name)
    with pytest.raises(UnloadableModelError, match=r"written by torch\.save, and holds weights or a pickled module"):
        desk.register(desk.folder / name, trust_pickle=True)


@pytest.mark.parametrize("name", ["m.pt", "m.pt2"])
def test_a_file_that_is_none_is_refused(desk: Any, name: str) -> None:
    (desk.folder / name).write_bytes(b"just some text")
    with pytest.raises(UnloadableModelError, match="it is no"):
        desk.register(desk.folder / name, trust_pickle=True)
