"""The signature of an MLflow model, as its `MLmodel` file has it (JSON texts inside YAML)."""

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

import msgspec

from interlock.domain.contract import RESERVED_PARAMETERS, Contract, Datatype, Field, Time
from interlock.domain.errors import UnloadableModelError
from interlock.registry import outputs as gives
from interlock.runtimes.facts import scalars

_COLUMNS: dict[str, Datatype] = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
}
_TENSORS: dict[str, Datatype] = {
    "bool": "BOOL", "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64", "uint8": "UINT8",
    "uint16": "UINT16", "uint32": "UINT32", "float32": "FP32", "float64": "FP64", "object": "BYTES", "str": "BYTES",
}  # fmt: skip


def inputs(mlmodel: dict[str, Any]) -> tuple[Field, ...] | None:
    """Inputs of a signature; None without one, or where MLflow itself could not tell the types."""
    columns = _columns(mlmodel, "inputs")
    if any(column.get("type") == "any" for column in columns):
        return None
    return tuple(_field(column, f"input_{at}") for at, column in enumerate(columns)) if columns else None


def parameters(mlmodel: dict[str, Any], warnings: list[str]) -> tuple[Field, ...]:
    """What callers of a pyfunc model may give beside the data, with defaults.

    Args:
        warnings: Grows by those that callers cannot give: they keep their default.
    """
    found = []
    taken = {str(column.get("name")) for column in _columns(mlmodel, "inputs")}
    for given in _columns(mlmodel, "params"):
        name, default = str(given.get("name")), given.get("default")
        datatype = _COLUMNS.get(str(given.get("type") or given.get("dtype")))
        shape = () if given.get("shape") is None else (-1,)
        if name in RESERVED_PARAMETERS:
            why = "the name stands for something else here"
        elif name in taken:
            why = "a column has the same name"
        elif datatype is None or len(given.get("shape") or ()) > 1:
            why = "its type cannot be given"
        elif default is None or (shape and None in default):
            why = "it has no default"
        elif not all(isfinite(one) for one in (default if shape else [default]) if isinstance(one, float)):
            why = "its default is no number that JSON has"
        else:
            default = tuple(default) if shape else default
            found.append(Field(name=name, datatype=datatype, shape=shape, is_parameter=True, default=default))
            continue
        warnings.append(f"callers cannot give the parameter {name!r}: {why}")
    return tuple(found)


def parameter_names(mlmodel: dict[str, Any]) -> tuple[str, ...]:
    """Names of all parameters that a signature has."""
    return tuple(str(given.get("name")) for given in _columns(mlmodel, "params"))


def outputs(mlmodel: dict[str, Any], fields: tuple[Field, ...], truth: Sequence[Any] | None) -> Contract:
    """Contract of a pyfunc model that takes `fields`.

    Its one output is a class where it is text or boolean, or where the signature says whole numbers and the label of
    the reference holds few distinct ones; else a number.

    Raises:
        UnloadableModelError: The signature names no output that can be served, or a class has no known values.
    """
    columns = _columns(mlmodel, "outputs")
    if not columns and not _columns(mlmodel, "inputs"):  # without a signature a person named the inputs
        if truth:
            return gives.classifier(fields, scalars(truth), with_probabilities=False)
        return gives.numbers(fields)
    if len(columns) != 1:
        raise UnloadableModelError("the MLflow signature must have one output; log the model with a full signature")
    output = _field(columns[0], "prediction")
    if output.datatype in ("BYTES", "BOOL"):
        if not truth:
            raise UnloadableModelError(
                "the MLflow model answers with classes; give --reference data with --label COLUMN"
            )
        return gives.classifier(fields, scalars(truth), with_probabilities=False)
    if output.is_integer and truth and all(isinstance(one, int) for one in truth) and len(truth) < 100:
        return gives.classifier(fields, scalars(truth), with_probabilities=False)
    contract = gives.numbers(fields, shape=output.shape if output.shape not in ((1,), (-1,)) else ())
    return msgspec.structs.replace(contract, task="regression" if not output.shape else "other")


def _columns(mlmodel: dict[str, Any], side: str) -> list[dict[str, Any]]:
    text = (mlmodel.get("signature") or {}).get(side)
    parsed = json.loads(text) if text else []
    return parsed if isinstance(parsed, list) else []


def _field(column: dict[str, Any], default_name: str) -> Field:
    name = str(column.get("name") or default_name)
    if column.get("type") == "datetime":  # a datetime64[ns] without zone
        is_optional = column.get("required") is False
        return Field(name=name, datatype="BYTES", nullable=is_optional, time=Time(resolution="ns"))
    if column.get("type") == "tensor":
        spec = column["tensor-spec"]
        datatype, shape = _TENSORS.get(str(spec["dtype"])), tuple(int(size) for size in spec["shape"][1:])
    else:
        depth = 0
        while column.get("type") == "array":
            column, depth = column["items"], depth + 1
        datatype, shape = _COLUMNS.get(str(column.get("type"))), (-1,) * depth
    if datatype is None:
        raise UnloadableModelError(
            f"the MLflow signature gives {name!r} a type that cannot be served, {str(column.get('type'))!r}; there are "
            f"{', '.join(_COLUMNS)}, datetime, arrays of these, and tensors"
        )
    field = Field(name=name, datatype=datatype, shape=shape)
    may_be_missing = field.is_float or field.is_text
    return msgspec.structs.replace(field, nullable=column.get("required") is False and may_be_missing)
