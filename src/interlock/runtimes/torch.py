"""PyTorch programs: a `.pt2` of `torch.export`, or a TorchScript `.pt`.

Called by `predictors` inside runner processes only. Both are programs and not data: loading a `.pt2` evaluates the
shape expressions that it holds and may unpickle its constants, and a TorchScript file brings its own functions; so both
need `--trust-pickle`. What `torch.save` writes (a whole pickled module, or weights without a program) is refused.
"""

import contextlib
import logging
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Datatype, Field
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, Predictor
from interlock.runtimes.facts import Facts
from interlock.runtimes.frameworks import framework, installed
from interlock.runtimes.raw_answers import outputs_of
from interlock.runtimes.row_by_row import RowByRow

_NO_PROGRAM = (
    "it was written by torch.save, and holds weights or a pickled module, no program; save the model with "
    "torch.export.save as .pt2"
)

_DATATYPES: dict[str, Datatype] = {
    "torch.float64": "FP64",
    "torch.float32": "FP32",
    "torch.float16": "FP32",
    "torch.bfloat16": "FP32",
    "torch.int64": "INT64",
    "torch.int32": "INT32",
    "torch.bool": "BOOL",
}


def load(path: Path, version: ModelVersion) -> Predictor:
    """Load a stored program on one thread."""
    if version.serving_format == "torchscript":
        script = _open_script(path)
        return TorchPredictor(script, _script_inputs(script), version.contract)
    program = _open_program(path)
    inputs = _program_inputs(program)
    predictor = TorchPredictor(program.module(), inputs, version.contract)
    return RowByRow(predictor) if any(one.one_row for one in inputs) else predictor


def describe(path: Path, version: ModelVersion) -> Facts:
    """Open a stored program, and say what it takes.

    Raises:
        UnloadableModelError: It is none, or was exported for a fixed number of rows.
    """
    is_script = version.serving_format == "torchscript"
    inputs = _script_inputs(_open_script(path)) if is_script else _program_inputs(_open_program(path))
    return Facts(
        kind="TorchScript" if is_script else "ExportedProgram",
        inputs=tuple(one.field for one in inputs),
        frameworks=installed(("torch", "numpy")),
    )


class _Input:
    """One tensor that a program takes: its name, element type, shape of a row, and whether it takes one row only."""

    def __init__(self, name: str, dtype: Any, shape: tuple[int, ...], *, one_row: bool = False) -> None:
        self.name, self.dtype, self.shape, self.one_row = name, dtype, shape, one_row

    @property
    def field(self) -> Field:
        if str(self.dtype) not in _DATATYPES:
            raise UnloadableModelError(f"input {self.name!r} has type {self.dtype}, must be numbers or booleans")
        return Field(
            name=self.name, datatype=_DATATYPES[str(self.dtype)], shape=() if self.shape == (1,) else self.shape
        )


class TorchPredictor:
    """A program fed with one tensor for each of its inputs, or with one matrix of all columns.

    Args:
        program: Callable with tensors.
        inputs: What it takes, in its order.
        contract: In the order of the columns of a matrix.
    """

    def __init__(self, program: Any, inputs: list[_Input], contract: Contract) -> None:
        self._torch, self._program, self._inputs, self._contract = (
            framework("torch", "torch"),
            program,
            inputs,
            contract,
        )
        self._names = [field.name for field in contract.inputs]
        self._as_matrix = not {one.name for one in inputs} <= set(self._names)

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        return outputs_of(self._answer(columns), self._contract)

    def close(self) -> None:
        """The program is freed with this object."""

    def _answer(self, columns: Columns) -> NDArray[Any]:
        with self._torch.inference_mode():
            answer = self._program(*self._tensors(columns))
        if isinstance(answer, tuple | list) and len(answer) == 1:
            answer = answer[0]
        if not isinstance(answer, self._torch.Tensor):
            raise TypeError(f"it answers with a {type(answer).__name__}, must be one tensor")
        values: NDArray[Any] = answer.detach().to("cpu").to(_numpy_kind(self._torch, answer.dtype)).numpy()
        return values

    def _tensors(self, columns: Columns) -> list[Any]:
        if not self._as_matrix:
            return [self._tensor(_shaped(columns[one.name], one), one) for one in self._inputs]
        vectors = [columns[name] for name in self._names]
        matrix = vectors[0] if vectors[0].ndim > 1 else np.column_stack(vectors)
        return [self._tensor(matrix, self._inputs[0])]

    def _tensor(self, values: NDArray[Any], given: _Input) -> Any:
        return self._torch.as_tensor(np.ascontiguousarray(values)).to(given.dtype)


def _shaped(values: NDArray[Any], given: _Input) -> NDArray[Any]:
    return values.reshape(-1, 1) if given.shape == (1,) else values


def _numpy_kind(torch: Any, dtype: Any) -> Any:
    return torch.float32 if dtype in (torch.bfloat16, torch.float16) else dtype


def _open_program(path: Path) -> Any:
    torch = _torch_on_one_thread()
    export = framework("torch.export", "torch")
    _refuse_other_archives(path)
    with _quiet():
        try:
            # By its content: a stored artifact has no ending, by which torch would know it.
            with path.open("rb") as file:
                return export.load(file)
        except Exception as error:  # whatever a foreign file provokes
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            raise UnloadableModelError(
                f"torch {torch.__version__} cannot load it as a program of torch.export: {reason}"
            ) from error


def _refuse_other_archives(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise UnloadableModelError("it is no archive of torch at all; save the model with torch.export.save")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any("/aotinductor/" in name for name in names):
        raise UnloadableModelError("it holds machine code (AOTInductor); save the model with torch.export.save")
    if any("/code/" in name for name in names):
        raise UnloadableModelError("it is a TorchScript file; rename it to end in .pt")
    if not any(name.endswith(("archive_format", "serialized_exported_program.json")) for name in names):
        raise UnloadableModelError(_NO_PROGRAM)


def _program_inputs(program: Any) -> list[_Input]:
    wanted = program.graph_signature.user_inputs
    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    return [_program_input(name, values.get(name)) for name in wanted]


def _program_input(name: Any, value: Any) -> _Input:
    if not hasattr(value, "shape"):
        raise UnloadableModelError(f"input {name!r} is no tensor; export a module that takes tensors only")
    rows, *rest = value.shape
    if isinstance(rows, int) and rows != 1:
        raise UnloadableModelError(
            f"it was exported for exactly {rows} rows; export it with dynamic_shapes="
            f"{{{name!r}: {{0: torch.export.Dim('batch')}}}}"
        )
    shape = tuple(size if isinstance(size, int) else -1 for size in rest)
    return _Input(str(name), value.dtype, shape, one_row=isinstance(rows, int))


def _open_script(path: Path) -> Any:
    torch = _torch_on_one_thread()
    if not zipfile.is_zipfile(path):
        raise UnloadableModelError("it is no TorchScript file; save the model with torch.export.save")
    with zipfile.ZipFile(path) as archive:
        if not any("/code/" in name for name in archive.namelist()):
            raise UnloadableModelError(_NO_PROGRAM)
    with _quiet():
        try:
            return torch.jit.load(str(path), map_location="cpu").eval()
        except Exception as error:
            reason = str(error).strip().splitlines()[0][:200]
            raise UnloadableModelError(f"torch {torch.__version__} cannot load it as TorchScript: {reason}") from error


def _script_inputs(script: Any) -> list[_Input]:
    torch = framework("torch", "torch")
    _itself, *arguments = script.forward.schema.arguments
    if len(arguments) != 1:
        raise UnloadableModelError(f"its forward() takes {len(arguments)} arguments, must take one tensor")
    floating = (one.dtype for one in script.parameters() if one.dtype.is_floating_point)
    return [_Input(arguments[0].name, next(floating, torch.float32), (-1,))]


def _torch_on_one_thread() -> Any:
    torch = framework("torch", "torch")
    torch.set_num_threads(1)
    with contextlib.suppress(RuntimeError):  # it may be set once only, and is one by the environment
        torch.set_num_interop_threads(1)
    return torch


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Loading warns of deprecations that whoever serves a file can do nothing about."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
