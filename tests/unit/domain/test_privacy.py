import pytest

from interlock.domain.contract import Contract, Field, Image
from interlock.domain.errors import InvalidInputError
from interlock.domain.privacy import effective, resolve, unkept_images


def contract(**rules: str) -> Contract:
    fields = tuple(Field(name=name, datatype="FP64", privacy=rule) for name, rule in rules.items())  # type: ignore[arg-type]  # rules are texts here
    return Contract(inputs=fields, outputs=(Field(name="label", datatype="BYTES"),))


def test_an_endpoints_own_rule_comes_first_also_to_keep() -> None:
    assert effective([contract(age="drop", name="hash")], {"input.age": "keep"}) == {"input.name": "hash"}


def test_of_several_contracts_the_strictest_rule_holds() -> None:
    assert effective([contract(age="hash"), contract(age="drop"), contract(age="keep")], {}) == {"input.age": "drop"}


def test_columns_are_named_as_people_do() -> None:
    found = resolve({"age": "drop", "output.label": "hash", "unit": "hash"}, [contract(age="keep")])
    assert found == {"input.age": "drop", "output.label": "hash", "unit": "hash"}


def test_unknown_and_doubled_columns_are_all_named() -> None:
    with pytest.raises(InvalidInputError) as caught:
        resolve({"size": "drop", "age": "hash", "input.age": "drop"}, [contract(age="keep")])
    assert caught.value.faults == (
        "privacy: column 'size' is not known; there is input.age, output.label, unit",
        "privacy: column 'input.age' has two rules",
    )


def test_images_are_kept_as_the_endpoint_says_else_as_their_contract() -> None:
    photo = Field(name="photo", datatype="UINT8", shape=(8, 8, 3), image=Image(keep=0.0))
    with_photo = Contract(inputs=(photo,), outputs=())
    assert unkept_images([with_photo], None) == ["input.photo"]
    assert unkept_images([with_photo], 0.5) == []
