"""What a trainer is given: rows to learn from, the parent model, and places for what it makes.

Made by the trainer's process; users' functions take it as their one argument. It has no held-out rows: nothing that a
trainer does can learn from what its model will be judged on.
"""

import time
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.domain.model import ModelFormat
from interlock.domain.retraining import Mode
from interlock.learning import workspace
from interlock.learning.dataset import FACTS, TRAINING
from interlock.learning.kept_images import KeptImages
from interlock.runtimes.pickles import load_pickle

_TELL_EVERY_SECONDS = 0.2


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """The champion: `name:version`, how it is stored, and its file or, unpacked, its folder."""

    ref: str
    model_format: ModelFormat
    path: str


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the trainer's process is given. Paths are texts, as JSON has them."""

    endpoint: str
    folder: str
    trainer: str
    mode: Mode
    seed: int
    label: str
    contract: Contract
    parent: Parent
    log: str
    code: str | None = None
    parameters: dict[str, Any] = {}
    references: dict[str, str] = {}
    trust_pickle: bool = False
    memory_bytes: int | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a trainer is: 0 to 1, and what it says."""

    share: float
    text: str = ""


class TrainingContext:
    """One run, as its trainer sees it.

    Args:
        task: What is asked.

    Attributes:
        endpoint: Whose model it is.
        mode: `scratch`, or `fine_tune`: go on from the parent.
        seed: For all randomness.
        parameters: As declared.
        inputs: Names of the model's inputs, in order.
        label: Name of the column of labels.
        references: Declared files by name.
        parent: The champion.
        folder: For artifacts: what is written there is kept with the run.
    """

    def __init__(self, task: Task) -> None:
        self._task, self._home = task, Path(task.folder)
        self.endpoint, self.mode, self.seed, self.label = task.endpoint, task.mode, task.seed, task.label
        self.parameters: Mapping[str, Any] = task.parameters
        self.inputs = tuple(field.name for field in task.contract.inputs)
        self.references = {name: Path(path) for name, path in task.references.items()}
        self.parent, self.contract = task.parent, task.contract
        self.folder = self._home / workspace.ARTIFACTS
        self._images = KeptImages(Path(task.log), task.endpoint, task.contract)
        self._told_at = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the rows: inputs by name, the label, `weight`, `event_at`, `observed_at`, `unit`, `reward.<name>`.

        Where an input has the name of one of the others, that one has a `_` behind it.
        """
        return tuple(self._renamed(name) for name in pq.read_schema(self._file).names)

    def arrow(self) -> pa.Table:
        """All rows, in order of their events. Images are the files that were sent, as bytes."""
        return self._shown(pq.read_table(self._file))

    def pandas(self) -> Any:
        """All rows as a pandas data frame."""
        return self.arrow().to_pandas()

    def polars(self) -> Any:
        """All rows as a Polars data frame."""
        import polars

        return polars.from_arrow(self.arrow())

    def batches(self, rows: int = 65_536) -> Iterator[pa.Table]:
        """All rows in order, at most so many at a time: for more than memory holds."""
        for batch in pq.ParquetFile(self._file).iter_batches(rows):
            yield self._shown(pa.Table.from_batches([batch]))

    def pixels(self, name: str, rows: pa.Table | None = None) -> NDArray[Any]:
        """Images as the model gets them: decoded, and brought to the shape of the contract.

        Args:
            name: Of the input.
            rows: Of `arrow()` or `batches()`; all of them where nothing is said.

        Returns:
            `uint8`, shape (n, height, width, channels); where sizes may differ and do, an array of arrays.

        Raises:
            InvalidInputError: It is no image, or one cannot be decoded.
        """
        column = (self.arrow() if rows is None else rows)[name]
        return self._images.pixels(name, (file.as_py() for file in column))

    def read_image(self, file: str) -> bytes:
        """The file of an image by its name in `logged`."""
        return self._images.read(file)

    @property
    def logged(self) -> pa.Table:
        """All rows as the log has them: columns `input.<name>`, of images the names of their files.

        For feeding them to a model as the server does.
        """
        return pq.read_table(self._file)

    def load_parent(self) -> Any:
        """The parent as an object, where that runs no code, or is trusted.

        Raises:
            UnloadableModelError: It is stored in a form that only its own framework reads; `parent.path` is its file.
        """
        from interlock.runtimes import lightgbm, sklearn, xgboost

        path, name = Path(self.parent.path), self.parent.ref
        if self.parent.model_format == "skops":
            return sklearn.load_skops(path, name)
        if self.parent.model_format == "xgboost":
            return xgboost.open_booster(path, name)
        if self.parent.model_format == "lightgbm":
            return lightgbm.open_model(path, name)
        if self.parent.model_format == "pickle" and self._task.trust_pickle:
            return load_pickle(path, name)
        hint = "; say trust_pickle: true if you trust it" if self.parent.model_format == "pickle" else ""
        raise UnloadableModelError(
            f"{name} is stored as {self.parent.model_format} and cannot be opened here as an object{hint}; "
            "write a trainer that reads context.parent.path, or trains anew without it"
        )

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """Keep a figure with the run; with steps, a curve.

        Raises:
            InvalidInputError: It is no finite number.
        """
        number = float(value)
        if not isfinite(number):
            raise InvalidInputError(f"metric {name!r} == {value!r}, must be a finite number")
        line = msgspec.json.encode({"name": name, "value": number, "step": step}) + b"\n"
        with (self._home / workspace.METRICS).open("ab") as file:
            file.write(line)

    def progress(self, share: float, text: str = "") -> None:
        """Say how far it is, 0 to 1. May be called as often as one likes."""
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY_SECONDS or share >= 1:
            self._told_at = now
            told = Progress(share=min(max(float(share), 0.0), 1.0), text=text[:200])
            workspace.write(self._home / workspace.PROGRESS, told)

    @property
    def _file(self) -> Path:
        return self._home / TRAINING

    def _shown(self, rows: pa.Table) -> pa.Table:
        return self._images.with_files(rows).rename_columns(list(self.columns))

    def _renamed(self, name: str) -> str:
        if name.startswith("input."):
            return name.removeprefix("input.")
        shown = self.label if name == "label" else name
        while shown in self.inputs or (name != "label" and name in FACTS and shown == self.label):
            shown += "_"
        return shown
