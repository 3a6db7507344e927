from typing import Annotated, Any, Literal

import msgspec
import pytest

from interlock.domain.document import FIELDS_OF, Fault, nearest, read


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    radius: Annotated[float, msgspec.Meta(gt=0)]
    colour: Literal["red", "blue"] = "red"


class Cart(msgspec.Struct, frozen=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")]
    wheels: tuple[Wheel, ...] = ()
    spare: dict[Annotated[str, msgspec.Meta(pattern="^[a-z]+$")], Wheel] | None = None
    load: Literal["all"] | Annotated[float, msgspec.Meta(le=1)] | None = None
    like: Annotated[dict[str, Any], msgspec.Meta(extra={FIELDS_OF: Wheel})] = {}
    key: str = ""


def faults(given: Any) -> list[str]:
    found, faults = read(Cart, given, secret=("key",))
    assert found is None
    return list(map(str, faults))


def test_a_right_document_is_a_struct_at_every_depth() -> None:
    given = {"name": "a", "wheels": [{"radius": 1}], "spare": {"b": {"radius": 2.5, "colour": "blue"}}, "load": 0.5}
    assert read(Cart, given) == (
        Cart(name="a", wheels=(Wheel(radius=1.0),), spare={"b": Wheel(radius=2.5, colour="blue")}, load=0.5),
        [],
    )


def test_all_faults_are_told_at_once_each_with_its_place() -> None:
    assert faults(
        {
            "name": "A",
            "wheel": [],
            "wheels": [{"radius": 0}, {"radius": "x", "colour": "rde"}, 5],
            "spare": {"B": {}},
            "load": "some",
            "like": {"radius": -1, "color": "red"},
        }
    ) == [
        "wheel: is not known; did you mean wheels?",
        "name: 'A' must be text matching regex '^[a-z]+$'",
        "wheels[0].radius: 0 must be a number > 0.0",
        "wheels[1].radius: 'x' must be a number",
        "wheels[1].colour: 'rde' must be one of red, blue",
        "wheels[2]: must be a mapping",
        "spare.B: is no name: 1 to 128 of a-z 0-9 . _ -, first a letter or digit",
        "spare.B.radius: is missing",
        "load: 'some' Invalid enum value 'some'",
        "like.color: is not known; did you mean colour?",
        "like.radius: -1 must be a number > 0.0",
    ]


def test_a_secret_is_not_repeated() -> None:
    assert faults({"name": "a", "key": 12345}) == ["key: must be text"]


def test_nothing_stands_for_what_may_be_left_out_and_for_nothing_else() -> None:
    found, _ = read(Cart, {"name": "a", "spare": None, "load": None})
    assert found == Cart(name="a")
    assert faults({"name": None}) == ["name: must be text"]
    assert faults(None) == ["name: is missing"]
    assert faults([1]) == ["must be a mapping"]


def test_fields_of_a_struct_need_not_be_all_of_them() -> None:
    found, _ = read(Cart, {"name": "a", "like": {"colour": "blue"}})
    assert found is not None
    assert found.like == {"colour": "blue"}


@pytest.mark.parametrize(("name", "said"), [("whels", "did you mean wheels?"), ("zzz", "there is name, wheels")])
def test_the_nearest_known_name(name: str, said: str) -> None:
    assert nearest(name, ["name", "wheels"]) == said


def test_a_fault_without_a_place() -> None:
    assert str(Fault("", "must be a mapping")) == "must be a mapping"
