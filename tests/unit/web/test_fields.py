from typing import Any

import pytest

from interlock.domain.contract import Field, Image, Time
from interlock.web.fields import hint_of


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"datatype": "FP64", "minimum": 11.0, "maximum": 14.8}, "FP64, seen 11 to 14.8"),
        ({"datatype": "INT64", "minimum": 0, "maximum": 9, "declared": True}, "INT64, must be 0 to 9"),
        ({"datatype": "BYTES", "categories": ("a", "b"), "nullable": True}, "text, may be empty"),
        ({"datatype": "BYTES", "time": Time(zone="Europe/Paris")}, "time, UTC"),
        ({"datatype": "FP64", "shape": (3,)}, "JSON list"),
        ({"datatype": "UINT8", "shape": (8, 8, 1), "image": Image()}, "image [8, 8, 1]"),
        ({"datatype": "FP64", "is_parameter": True, "default": 1.0}, "FP64, may be empty"),
    ],
)
def test_a_hint_says_kind_range_and_whether_it_may_be_empty(given: dict[str, Any], hint: str) -> None:
    assert hint_of(Field(name="x", **given)) == hint
