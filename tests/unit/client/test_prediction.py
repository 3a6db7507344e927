from typing import Any

import msgspec
import pytest

from interlock.client.connection import Answer
from interlock.client.prediction import Prediction


def _answer(outputs: list[dict[str, Any]], **headers: bytes) -> Answer:
    raw = {"model_name": "wine", "model_version": "2", "parameters": {"prediction_id": ["a", "b"]}, "outputs": outputs}
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return Answer(status=200, headers=named, body=msgspec.json.encode(raw))


_SCORES = {"name": "probabilities", "datatype": "FP64", "shape": [2, 2], "data": [0.1, 0.9, 0.8, 0.2]}
_LABEL = {"name": "label", "datatype": "INT64", "shape": [2], "data": [1, 0]}


def test_labels_come_first_whatever_the_order_of_outputs() -> None:
    prediction = Prediction.of(_answer([_SCORES, _LABEL], x_interlock_version=b"wine:3"))
    assert (prediction.values, prediction.ids, prediction.version) == ([1, 0], ["a", "b"], "wine:3")
    assert prediction.outputs == {"probabilities": [[0.1, 0.9], [0.8, 0.2]], "label": [1, 0]}


def test_without_a_known_output_the_first_is_the_value() -> None:
    assert Prediction.of(_answer([_SCORES])).values == [[0.1, 0.9], [0.8, 0.2]]


@pytest.mark.parametrize(("headers", "expected"), [({}, False), ({"x_interlock_fallback": b"1"}, True)])
def test_a_fallback_is_told(headers: dict[str, bytes], expected: bool) -> None:
    assert Prediction.of(_answer([_LABEL], **headers)).fallback is expected
