from typing import Any

import pytest
import yaml

from interlock.domain.declaration import DeclaredField, image_share, parse
from interlock.domain.errors import InvalidInputError


def faults(given: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidInputError) as caught:
        parse(given)
    return caught.value.faults


def test_yaml_is_read_as_it_looks() -> None:
    given = yaml.safe_load("""
        inputs:
          age: {type: number, minimum: 0, maximum: 120}
          joined: {type: date, minimum: 2020-01-01}
          photo: {type: image, shape: [8, 8, 3], keep: none}
          plan:
        classes: [true, false]
    """)
    found = parse(given)
    assert list(found.inputs) == ["age", "joined", "photo", "plan"]
    assert found.inputs["age"] == DeclaredField(type="number", minimum=0, maximum=120)
    assert found.inputs["joined"].minimum == "2020-01-01"
    assert found.inputs["photo"].given() == {"type": "image", "shape": (8, 8, 3), "keep": "none"}
    assert found.inputs["plan"].given() == {}
    assert found.classes == (True, False)


def test_every_fault_is_named_with_its_place() -> None:
    given = {"inputs": {"a": {"kind": "number"}, "b": {"type": "colour"}, "c": {"minimum": [1]}}, "more": {}}
    assert faults(given) == (
        "contract: more is not known; there is inputs, outputs and classes",
        "contract: inputs.a: there is no `kind`",
        "contract: inputs.b: Invalid enum value 'colour': `type`",
        "contract: inputs.c: Expected `float | str | null`, got `array`: `minimum`",
    )
    assert faults([]) == ("the contract must be a mapping with inputs, outputs or classes",)
    assert faults({"inputs": ["a"]}) == ("contract: inputs must be a mapping from names to what is said of them",)


def test_a_norwegian_category_must_be_quoted() -> None:
    assert "got `bool`" in faults(yaml.safe_load("inputs: {country: {categories: [se, no]}}"))[0]


@pytest.mark.parametrize(("keep", "share"), [("all", 1.0), ("none", 0.0), (0.01, 0.01), (1, 1.0)])
def test_a_policy_on_images_is_a_share(keep: Any, share: float) -> None:
    assert image_share(keep) == share


@pytest.mark.parametrize("keep", ["some", 1.5, -0.1])
def test_another_policy_is_refused(keep: Any) -> None:
    with pytest.raises(InvalidInputError, match="must be all, none, or a share"):
        image_share(keep)
