import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.domain.errors import InvalidInputError
from interlock.domain.row_condition import Condition, Sign, parse, spell

SIGNS: tuple[Sign, ...] = ("=", "!=", "<", "<=", ">", ">=", "missing", "given")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  ", ()),
        ("x=1", (Condition("x", "=", "1"),)),
        ("x == 1", (Condition("x", "=", "1"),)),
        ("dep delay >= 15", (Condition("dep delay", ">=", "15"),)),
        ('"a = b" != red', (Condition("a = b", "!=", "red"),)),
        ("x IS missing AND y is given", (Condition("x", "missing"), Condition("y", "given"))),
        ("kind = ''", (Condition("kind", "=", ""),)),
        ("kind =", (Condition("kind", "=", ""),)),
        ("label = on time and score < 0.6", (Condition("label", "=", "on time"), Condition("score", "<", "0.6"))),
        ("brand = sand", (Condition("brand", "=", "sand"),)),
        ("x > 1 and x <= 2.5", (Condition("x", ">", "1"), Condition("x", "<=", "2.5"))),
    ],
)
def test_conditions_are_read_as_people_write_them(text: str, expected: tuple[Condition, ...]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["x", "= 3", "x > 1 and", "x > 1 and y", "'x' = 1", "x ! 3"])
def test_what_is_no_condition_is_told_how_one_looks(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"must be like `origin = EWR`"):
        parse(text)


def test_there_is_an_end_to_conditions() -> None:
    with pytest.raises(InvalidInputError, match="must have at most 8"):
        parse(" and ".join(f"x{number} = 1" for number in range(9)))
    with pytest.raises(InvalidInputError, match="must have at most 1000"):
        parse("x = " + "y" * 1_000)


NAMES = st.text(min_size=1, max_size=20).filter(lambda name: '"' not in name and bool(name.strip()))


@given(st.lists(st.tuples(NAMES, st.sampled_from(SIGNS), st.text(max_size=20)), max_size=4))
def test_what_is_spelt_is_read_again(parts: list[tuple[str, Sign, str]]) -> None:
    conditions = tuple(
        Condition(name, sign, "" if sign in ("missing", "given") else value) for name, sign, value in parts
    )
    assert parse(spell(conditions)) == conditions
