import json
import math
from typing import Any

import pytest

from interlock.domain.contract import Field, Time
from interlock.domain.errors import UnloadableModelError
from interlock.registry.signature import inputs, parameters


def learnt(*columns: dict[str, Any]) -> tuple[Field, ...] | None:
    return inputs({"signature": {"inputs": json.dumps(list(columns))}})


def test_datetimes_are_times_of_a_wall_clock_in_nanoseconds() -> None:
    found = learnt({"type": "datetime", "name": "at", "required": True})
    assert found == (Field(name="at", datatype="BYTES", time=Time(resolution="ns")),)


def test_arrays_are_tensors_of_any_length() -> None:
    array = {"type": "array", "items": {"type": "array", "items": {"type": "double"}}, "name": "v", "required": True}
    assert learnt(array) == (Field(name="v", datatype="FP64", shape=(-1, -1)),)


def test_tensors_keep_their_element_type() -> None:
    spec = {"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": [-1, 28, 28, 1]}}
    assert learnt(spec) == (Field(name="input_0", datatype="UINT8", shape=(28, 28, 1)),)


def test_other_types_are_refused_with_those_there_are() -> None:
    with pytest.raises(UnloadableModelError, match=r"'binary'; there are boolean, .*, datetime, arrays of these"):
        learnt({"type": "binary", "name": "b"})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"name": "x", "default": 1.0}, "a column has the same name"),
        ({"name": "output", "default": 1.0}, "the name stands for something else"),
        ({"name": "scale", "default": None}, "it has no default"),
        ({"name": "scale", "default": math.nan}, "no number that JSON has"),
        ({"name": "scale", "default": [1.0, math.inf], "shape": [-1]}, "no number that JSON has"),
    ],
)
def test_parameters_that_callers_cannot_give_are_named(given: dict[str, Any], why: str) -> None:
    said: list[str] = []
    signature = {
        "inputs": json.dumps([{"name": "x", "type": "double"}]),
        "params": json.dumps([{"type": "double", "shape": None} | given]),
    }
    assert parameters({"signature": signature}, said) == ()
    assert why in said[0]
