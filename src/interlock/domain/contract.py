"""The contract of a model version: what it takes and what it gives.

Learnt at registration from reference data, a signature or an ONNX graph; enforced by the gateway; compared between
versions by the registry. Names, types and shapes are enforced. Ranges and categories are watched, and refused only
where they are declared.
"""

from typing import Literal

import msgspec

Datatype = Literal["BOOL", "INT32", "INT64", "FP32", "FP64", "BYTES"]
"""Element types, spelt as in the Open Inference Protocol. BYTES is UTF-8 text."""

Task = Literal["binary", "multiclass", "regression", "other"]

Scalar = bool | int | float | str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One input or output.

    Args:
        name: As the model knows it.
        datatype: Type of each element.
        shape: Shape of one row's value: `()` for a number or a text, `(30,)` for a vector of 30; -1 is any length.
        nullable: Whether a row may lack it (null in JSON, NaN for floats).
        categories: Values met in the reference data, for text of few distinct values. Watched, enforced if `declared`.
        minimum, maximum: Smallest and largest value met in the reference data. Watched, enforced if `declared`.
        declared: Whether range and categories were declared by a person, and so are rules.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...] = ()
    nullable: bool = False
    categories: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    declared: bool = False

    @property
    def is_numeric(self) -> bool:
        return self.datatype in ("INT32", "INT64", "FP32", "FP64")


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs and outputs of a model version, in order.

    Classifiers give `label` (a class, as in training) and `probabilities` (one per class, in the order of `classes`);
    regressors give `prediction`.
    """

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    task: Task = "other"
    classes: tuple[Scalar, ...] = ()

    def input(self, name: str) -> Field | None:
        return next((field for field in self.inputs if field.name == name), None)

    @property
    def is_classifier(self) -> bool:
        return self.task in ("binary", "multiclass")
