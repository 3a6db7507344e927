"""The contract of a model version: what it takes and what it gives.

Learnt at registration from reference data, a signature or an ONNX graph; enforced by the gateway; compared between
versions by the registry. Names, types and shapes are enforced. Ranges and categories are watched, and refused only
where they are declared.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

Datatype = Literal[
    "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "FP32", "FP64", "BYTES",
]  # fmt: skip
"""Element types, spelt as in the Open Inference Protocol. BYTES is UTF-8 text."""

INTEGER_RANGES: dict[Datatype, tuple[int, int]] = {
    "INT8": (-(1 << 7), (1 << 7) - 1),
    "INT16": (-(1 << 15), (1 << 15) - 1),
    "INT32": (-(1 << 31), (1 << 31) - 1),
    "INT64": (-(1 << 63), (1 << 63) - 1),
    "UINT8": (0, (1 << 8) - 1),
    "UINT16": (0, (1 << 16) - 1),
    "UINT32": (0, (1 << 32) - 1),
}
"""Whole numbers, and the least and largest that each holds. There is no UINT64: the log could not hold it."""

Task = Literal["binary", "multiclass", "regression", "other"]

Scalar = bool | int | float | str

TimeUnit = Literal["s", "ms", "us", "ns", "d"]
"""What integers that stand for times count, since 1970."""

PrivacyRule = Literal["keep", "hash", "drop"]
"""What the log gets of a column: its values, a keyed hash of each, or nothing."""

RESERVED_PARAMETERS = ("output", "event_at")
"""What `params` of MLflow's protocol have of ours."""

MOST_PIXELS = 32_000_000
"""Of all images in one request: 96 MB of colours. No single image may have more."""

Resize = Literal["nearest", "bilinear", "bicubic", "lanczos"]


class Time(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a field a date, or a point in time. Inside, both are microseconds; finer digits are cut.

    Args:
        is_date: A day, without time of day and zone.
        zone: Of points in time, by its IANA name: texts must then carry an offset. None: times of a wall clock, which
            must not carry one; the log keeps them as if they were UTC.
        unit: Of integers that callers may send instead of text, since 1970; `d` for dates.
        model_takes: What the model was trained on: datetime64 (pandas: Timestamp), text, or integers of `unit`.
        resolution: Of that datetime64.
    """

    is_date: bool = False
    zone: str | None = None
    unit: TimeUnit | None = None
    model_takes: Literal["datetime", "text", "integer"] = "datetime"
    resolution: Literal["s", "ms", "us", "ns"] = "us"


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a field an image: callers send an encoded file, or pixels; the model gets pixels.

    Args:
        formats: Of encoded files.
        max_bytes: Of one encoded file.
        max_pixels: Width times height of one image.
        resize: How an image of another size is brought to the field's shape (stretched); None refuses it.
        keep: Share of images that the log keeps, 0 to 1. Their descriptors are always kept.
    """

    formats: tuple[Literal["png", "jpeg"], ...] = ("png", "jpeg")
    max_bytes: int = 8 * 1024 * 1024
    max_pixels: int = 16_000_000
    resize: Resize | None = None
    keep: float = 1.0


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One input or output.

    Args:
        name: As the model knows it.
        datatype: Type of each element: of a time INT64 where it has a `unit`, else BYTES; of an image UINT8.
        shape: Shape of one row's value: `()` for a number or a text, `(30,)` for a vector of 30; -1 is any length.
            Of an image height, width and channels (1, 3 or 4).
        nullable: Whether a row may lack it (null in JSON, NaN for floats).
        categories: Values met in the reference data, for text of few distinct values. Watched, enforced if `declared`.
        minimum, maximum: Smallest and largest value met in the reference data. Watched, enforced if `declared`.
        declared: Whether range and categories were declared by a person, and so are rules.
        is_category: Whether the model was trained on pandas' categories: it gets those in `categories`.
        time: What kind of date or time it is, if it is one.
        image: What kind of image it is, if it is one.
        privacy: What the log gets of it, unless the endpoint says otherwise.
        is_parameter: Whether it belongs to the call and not to the data (MLflow's `params`): a request may leave it
            out, which means `default`, and gives one value for all its rows where it comes in `params`.
        default: Of a parameter.
        measured_in: What its numbers count, where a person says so: `km`, `EUR`. Compared as it is written, and never
            converted.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...] = ()
    nullable: bool = False
    categories: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    declared: bool = False
    is_category: bool = False
    time: Time | None = None
    image: Image | None = None
    privacy: PrivacyRule = "keep"
    is_parameter: bool = False
    default: Scalar | tuple[Scalar, ...] | None = None
    measured_in: str = ""

    @property
    def is_float(self) -> bool:
        return self.datatype in ("FP32", "FP64")

    @property
    def is_integer(self) -> bool:
        return self.datatype in INTEGER_RANGES and self.time is None

    @property
    def is_numeric(self) -> bool:
        return self.is_float or self.is_integer

    @property
    def is_text(self) -> bool:
        return self.datatype == "BYTES" and self.time is None


def spell_shape(shape: Sequence[int | str]) -> str:
    """A shape as messages write it.

    Examples:
        >>> spell_shape(("rows", 30, -1))
        '[rows, 30, any]'
    """
    return str(["any" if size == -1 else size for size in shape]).replace("'", "")


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
