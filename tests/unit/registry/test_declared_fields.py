from typing import Any

import numpy as np
import pytest

from interlock.domain.contract import Contract, Field, Image, Time
from interlock.domain.declaration import parse
from interlock.domain.errors import InvalidInputError
from interlock.registry import declared_fields

AGE = Field(name="age", datatype="FP64", minimum=18.0, maximum=90.0)
PLAN = Field(name="plan", datatype="BYTES", categories=("free", "pro"))
COUNT = Field(name="count", datatype="INT64", minimum=0.0, maximum=9.0)
TEXT = Field(name="at", datatype="BYTES")
TENSOR = Field(name="x", datatype="FP32", shape=(3, 24, 32))


def declared(learnt: Field, *, is_guess: bool = False, **said: Any) -> Field:
    declaration = parse({"inputs": {learnt.name: said}})
    return declared_fields.inputs([learnt], declaration, is_guess=is_guess)[0]


def fault(learnt: Field, **said: Any) -> str:
    with pytest.raises(InvalidInputError) as caught:
        declared(learnt, **said)
    return str(caught.value)


def test_what_is_not_said_stays_as_it_was_learnt() -> None:
    assert declared(AGE, nullable=True) == Field(name="age", datatype="FP64", minimum=18.0, maximum=90.0, nullable=True)
    assert declared(AGE) == AGE


def test_only_the_bound_that_is_declared_refuses() -> None:
    found = declared(AGE, maximum=120)
    assert (found.minimum, found.maximum, found.declared) == (None, 120.0, True)


def test_learnt_ranges_become_rules_when_a_person_says_so() -> None:
    found = declared(AGE, declared=True)
    assert (found.minimum, found.maximum, found.declared) == (18.0, 90.0, True)
    assert not declared(AGE, minimum=0, declared=False).declared


def test_categories_are_texts_and_rules() -> None:
    found = declared(PLAN, type="category", categories=["free", "pro", "team"])
    assert (found.categories, found.declared) == (("free", "pro", "team"), True)
    assert declared(COUNT, categories=[1, 2]).categories == ("1", "2")
    assert declared(PLAN, model_takes="category").is_category
    assert declared(PLAN, type="text").categories is None


def test_a_type_may_be_another_one_than_was_learnt() -> None:
    assert declared(COUNT, type="number", nullable=True).datatype == "FP64"
    assert declared(AGE, datatype="FP32").datatype == "FP32"
    assert declared(COUNT, type="boolean").datatype == "BOOL"


def test_times_are_given_to_models_as_these_were_trained() -> None:
    assert declared(TEXT, type="timestamp").time == Time(model_takes="text")
    assert declared(COUNT, type="timestamp", unit="s").time == Time(unit="s", model_takes="integer")
    assert declared(COUNT, type="timestamp", unit="s").datatype == "INT64"
    assert declared(TEXT, is_guess=True, type="timestamp", zone="UTC").time == Time(zone="UTC")
    learnt = Field(name="at", datatype="BYTES", time=Time(resolution="ns"), minimum=0.0)
    assert declared(learnt, unit="ms").time == Time(resolution="ns", unit="ms")
    bounded = declared(learnt, minimum="1970-01-02T00:00:00")
    assert (bounded.minimum, bounded.maximum, bounded.declared) == (86_400.0, None, True)


def test_images_take_what_the_model_takes_in_any_order_of_axes() -> None:
    found = declared(TENSOR, type="image", resize="bilinear", keep=0.01)
    assert (found.datatype, found.shape, found.image) == ("UINT8", (24, 32, 3), Image(resize="bilinear", keep=0.01))
    flat = Field(name="x", datatype="FP64", shape=(768,))
    assert declared(flat, type="image", shape=[16, 16, 3]).shape == (16, 16, 3)
    assert "and the model takes [768]" in fault(flat, type="image", shape=[16, 16, 1])


@pytest.mark.parametrize(
    ("learnt", "said", "sentence"),
    [
        (AGE, {"zone": "UTC"}, "zone cannot be said of a field of type number"),
        (AGE, {"minimum": 5, "maximum": 1}, "minimum == 5.0, must not be above maximum == 1.0"),
        (AGE, {"minimum": "low"}, "minimum == 'low', must be a number"),
        (PLAN, {"categories": []}, "categories is empty"),
        (COUNT, {"nullable": True}, "a field of datatype INT64 cannot be missing"),
        (COUNT, {"type": "timestamp"}, "the model takes integers; say what they count, like unit: s"),
        (TEXT, {"type": "date", "unit": "s"}, "must be d for dates"),
        (TEXT, {"type": "timestamp", "zone": "Mars"}, "zone == 'Mars', must be one by name"),
        (TEXT, {"type": "timestamp", "minimum": "soon"}, "must be a timestamp in ISO 8601"),
        (TENSOR, {"type": "image", "shape": [24, 32]}, "must be [height, width, channels]"),
        (TENSOR, {"type": "image", "shape": [24, 32, 3], "nullable": True}, "an image cannot be missing"),
        (TENSOR, {"type": "image", "max_pixels": 10**9}, "max_pixels must be 1 to 32000000"),
        (TENSOR, {"type": "image", "shape": [-1, -1, 3], "resize": "bilinear"}, "resize needs a height and width"),
        (TENSOR, {"type": "number"}, "the model takes a tensor of the shape [3, 24, 32]"),
    ],
)
def test_what_cannot_be_is_refused_by_name(learnt: Field, said: dict[str, Any], sentence: str) -> None:
    assert f"contract: inputs.{learnt.name}: " in fault(learnt, **said)
    assert sentence in fault(learnt, **said)


def test_all_faults_are_told_at_once() -> None:
    declaration = parse({"inputs": {"age": {"zone": "UTC"}, "size": {}, "plan": {"categories": []}}})
    with pytest.raises(InvalidInputError) as caught:
        declared_fields.inputs([AGE, PLAN], declaration, is_guess=False)
    assert len(caught.value.faults) == 3


def test_names_that_the_log_gives_to_other_columns_are_refused() -> None:
    photo = Field(name="p", datatype="UINT8", shape=(8, 8, 3), image=Image())
    width = Field(name="p.width", datatype="FP64")
    with pytest.raises(InvalidInputError, match="have the names of descriptors of image 'p'"):
        declared_fields.inputs([photo, width], parse({}), is_guess=False)


def test_of_an_output_of_numbers_a_range_and_a_unit_are_declared() -> None:
    contract = Contract(inputs=(AGE,), outputs=(Field(name="prediction", datatype="FP64"),), task="regression")
    said = {"prediction": {"minimum": 0, "maximum": 500, "measured_in": "km"}}
    (found,) = declared_fields.outputs(contract, parse({"outputs": said})).outputs
    assert (found.minimum, found.maximum, found.declared, found.measured_in) == (0.0, 500.0, True, "km")
    with pytest.raises(InvalidInputError, match="give a unit, like km"):
        declared_fields.outputs(contract, parse({"outputs": {"prediction": {"measured_in": "k" * 41}}}))


def test_of_classes_only_privacy_is_declared() -> None:
    label = Field(name="label", datatype="BYTES")
    contract = Contract(inputs=(AGE,), outputs=(label,), task="binary", classes=("a", "b"))
    found = declared_fields.outputs(contract, parse({"outputs": {"label": {"privacy": "hash"}}}))
    assert found.outputs[0].privacy == "hash"
    with pytest.raises(InvalidInputError, match=r"outputs\.label: only privacy can be declared of it, not type"):
        declared_fields.outputs(contract, parse({"outputs": {"label": {"type": "number"}}}))


def test_a_declaration_alone_is_a_contracts_inputs() -> None:
    said = {
        "age": {"type": "number"},
        "at": {"type": "timestamp", "zone": "UTC"},
        "v": {"type": "tensor", "shape": [-1]},
    }
    found = declared_fields.complete(parse({"inputs": said}))
    assert [(field.name, field.datatype, field.shape) for field in found] == [
        ("age", "FP64", ()), ("at", "BYTES", ()), ("v", "FP64", (-1,)),
    ]  # fmt: skip
    with pytest.raises(InvalidInputError, match=r"inputs\.x lacks its type"):
        declared_fields.complete(parse({"inputs": {"x": {"nullable": True}}}))


def test_reference_rows_that_break_a_declaration_are_counted() -> None:
    fields = [declared(AGE, maximum=50), declared(PLAN, categories=["free"])]
    columns = {"age": np.array([18.0, 60.0, np.nan]), "plan": np.array(["free", "pro", None], dtype=object)}
    assert declared_fields.broken(fields, columns) == [
        "1 reference row(s) break what is declared of 'age', and will be refused",
        "1 reference row(s) break what is declared of 'plan', and will be refused",
    ]
