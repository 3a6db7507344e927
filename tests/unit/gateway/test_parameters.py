"""Parameters of a model: beside the data in MLflow's protocol, tensors like others in the other one."""

import json
from typing import Any

import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError
from interlock.gateway import invocations, open_inference
from interlock.gateway.columns import ColumnReader, Rows
from interlock.gateway.described import tensor

READER = ColumnReader(
    Contract(
        inputs=(
            Field(name="area", datatype="FP64"),
            Field(name="rooms", datatype="FP64"),
            Field(name="scale", datatype="FP64", is_parameter=True, default=2.0),
            Field(name="mode", datatype="BYTES", is_parameter=True, default="plain"),
            Field(name="weights", datatype="FP64", shape=(-1,), is_parameter=True, default=(1.0, 0.5)),
        ),
        outputs=(Field(name="prediction", datatype="FP64"),),
    )
)


def invoke(**body: Any) -> Rows:
    return invocations.read_rows(invocations.decode(json.dumps(body).encode(), b"", READER), READER)


def plain(*rows: Rows) -> dict[str, list[Any]]:
    return {name: values.tolist() for name, values in READER.join(rows).items()}


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_defaults_stand_for_what_a_request_does_not_give(form: str) -> None:
    assert plain(invoke(**{form: [[1, 2], [3, 4]]})) == {
        "area": [1.0, 3.0],
        "rooms": [2.0, 4.0],
        "scale": [2.0, 2.0],
        "mode": ["plain", "plain"],
        "weights": [[1.0, 0.5], [1.0, 0.5]],
    }


@pytest.mark.parametrize(
    "data",
    [
        {"instances": [[1, 2], [3, 4]]},
        {"dataframe_records": [{"area": 1, "rooms": 2}, {"area": 3, "rooms": 4}]},
        {"dataframe_split": {"columns": ["rooms", "area"], "data": [[2, 1], [4, 3]]}},
        {"inputs": {"area": [1, 3], "rooms": [2, 4]}},
    ],
    ids=lambda data: next(iter(data)),
)
def test_one_value_is_for_all_rows(data: dict[str, Any]) -> None:
    given = invoke(**data, params={"scale": 3, "weights": [1, 2, 3], "output": "all"})
    found = plain(given)
    assert (found["area"], found["rooms"]) == ([1.0, 3.0], [2.0, 4.0])
    assert (found["scale"], found["mode"], found["weights"]) == ([3.0] * 2, ["plain"] * 2, [[1.0, 2.0, 3.0]] * 2)


def test_requests_with_other_values_are_one_batch_each_with_its_own() -> None:
    found = plain(invoke(instances=[[1, 2]], params={"scale": 3}), invoke(instances=[[5, 6]]))
    assert (found["area"], found["scale"]) == ([1.0, 5.0], [3.0, 2.0])


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"scale": "much"}, r'scale\[0\] == "much", must be a number'),
        ({"weights": 1.0}, "weights: shape"),
        ({"scale": None}, r"scale\[0\] == null, must not be missing"),
        (
            {"mode": "x" * 600_000},
            r'params: "mode" has 600000 numbers or characters and is for 2 rows; together at most',
        ),
        ({"weights": [0.5] * 600_000}, r'params: "weights" has 600000'),
        ({"sale": 1.0}, r'params: "sale" is not known; there is output and event_at and scale and mode and weights'),
    ],
)
def test_what_is_no_value_of_a_parameter_is_refused(params: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        invoke(instances=[[1, 2], [3, 4]], params=params)


def test_in_the_open_inference_protocol_they_are_tensors() -> None:
    tensors = [
        {"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, 3, 4]},
        {"name": "scale", "shape": [2], "datatype": "FP64", "data": [7, 8]},
    ]
    given, raw = open_inference.decode(json.dumps({"inputs": tensors}).encode(), None)
    found = plain(open_inference.read_rows(given, raw, READER))
    assert (found["area"], found["rooms"], found["scale"]) == ([1.0, 3.0], [2.0, 4.0], [7.0, 8.0])


def test_a_wrong_value_is_told_once_and_not_for_each_row() -> None:
    with pytest.raises(InvalidInputError) as error:
        invoke(instances=[[1, 2]] * 50, params={"scale": "much"})
    assert str(error.value).count("much") == 1


def test_too_many_rows_are_refused_before_a_parameter_is_repeated() -> None:
    with pytest.raises(InvalidInputError, match="200000 rows, must be at most 10000"):
        invoke(instances=[[1, 2]] * 200_000, params={"weights": [0.5] * 1000})


def test_a_matrix_of_other_width_is_told_the_columns_of_the_data() -> None:
    with pytest.raises(InvalidInputError, match=r"must be \[rows, 2\] with the columns area, rooms$"):
        invoke(instances=[[1, 2, 3]])


def test_lists_of_other_lengths_are_not_one_batch() -> None:
    short, long = (invoke(instances=[[1, 2]], params={"weights": weights}) for weights in ([1], [1, 2]))
    assert short.shapes != long.shapes


def test_metadata_say_what_may_be_left_out() -> None:
    field = READER.field("weights")
    assert field is not None
    assert tensor(field)["parameters"] == {"optional": True, "default": (1.0, 0.5)}
