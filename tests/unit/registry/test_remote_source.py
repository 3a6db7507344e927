from typing import Any

import numpy as np
import pytest

from interlock.domain.errors import UnloadableModelError
from interlock.registry.remote_source import RemoteSource, roles_of
from interlock.runtimes.open_inference import Tensor
from interlock.runtimes.remote import RemoteModel
from interlock.runtimes.remote_address import RemoteAddress

ADDRESS = RemoteAddress(url="http://h/v2/models/x")
PROBABILITIES, LABELS, SCORES = np.array([[0.2, 0.8]]), np.array(["yes"], dtype=object), np.array([[3.0, 4.0]])


@pytest.mark.parametrize(
    ("answers", "roles"),
    [
        ({"label": LABELS, "probabilities": PROBABILITIES}, {"label": "label", "probabilities": "probabilities"}),
        ({"out_a": LABELS, "out_b": PROBABILITIES}, {"probabilities": "out_b", "label": "out_a"}),
        ({"predict": np.array([[1]])}, {"answer": "predict"}),
        ({"a": SCORES, "b": np.array([1.0])}, {"answer": "a"}),
        ({"a": SCORES, "b": PROBABILITIES}, {"probabilities": "b"}),
    ],
)  # fmt: skip
def test_outputs_are_told_by_their_names_types_and_values(answers: Any, roles: dict[str, str]) -> None:
    assert roles_of(answers) == roles


def test_an_answer_without_outputs_is_refused() -> None:
    with pytest.raises(UnloadableModelError, match="without outputs"):
        roles_of({})


def test_columns_and_vectors_of_the_metadata() -> None:
    tensors = (Tensor("a", "FP32", (-1,)), Tensor("b", "INT8", (-1, 1)), Tensor("c", "BYTES", (-1, 5)))
    fields = RemoteSource(RemoteModel(address=ADDRESS, inputs=tensors)).facts.inputs
    assert [(field.name, field.datatype, field.shape) for field in fields] == [
        ("a", "FP32", ()),
        ("b", "INT32", ()),
        ("c", "BYTES", (5,)),
    ]


@pytest.mark.parametrize(
    ("tensor", "named"),
    [
        (Tensor("a", "BF16", (-1,)), "datatype 'BF16', which cannot be served"),
        (Tensor("a", "FP32", (4,)), r"shape \[4\]; its first axis must be the rows"),
        (Tensor("a", "FP32", ()), r"shape \[\]; its first axis"),
    ],
)
def test_what_has_no_axis_of_rows_or_no_known_type_is_refused(tensor: Tensor, named: str) -> None:
    with pytest.raises(UnloadableModelError, match=named):
        RemoteSource(RemoteModel(address=ADDRESS, inputs=(tensor,)))
