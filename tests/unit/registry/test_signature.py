import json
from typing import Any

import pytest

from interlock.domain.contract import Field, Time
from interlock.domain.errors import UnloadableModelError
from interlock.registry.signature import inputs


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
