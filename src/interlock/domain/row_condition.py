"""Conditions on logged rows as people write them: `temp > 30 and origin = EWR`.

One language for the filter of the page of errors, for rules that tag rows, for slices that are proposed, and for rows
that are to be labelled. Here it is read and spelt; `predictions` makes SQL of it. It knows no columns, and has no
`or`: that is two rules.
"""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from interlock.domain.errors import InvalidInputError

Sign = Literal["=", "!=", "<", "<=", ">", ">=", "missing", "given"]

MOST = 8
LONGEST = 1_000

_OF_SIGN: dict[str, Sign] = {
    "=": "=", "==": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
    "is missing": "missing", "is given": "given",
}  # fmt: skip
_SUBJECT = r"""\s*(?:"(?P<quoted>[^"]+)"|(?P<bare>[^"'=<>!]+?))\s*"""
_PART = re.compile(
    _SUBJECT
    + r"(?:(?P<lacks>\bis\s+(?:missing|given)\b)"
    + r"|(?P<sign>==|!=|<=|>=|=|<|>)\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<value>.*?)))"
    + r"\s*(?P<more>\band\b|$)",
    re.DOTALL | re.IGNORECASE,
)
_NEEDS_QUOTES = re.compile(r"^\s|\s$|'|\band\b|^$", re.IGNORECASE)
_NAME_NEEDS_QUOTES = re.compile(r"^\s|\s$|[\"'=<>!]|\b(?:and|is)\b", re.IGNORECASE)


class Condition(msgspec.Struct, frozen=True):
    """One comparison.

    Args:
        subject: An input's name, `input.NAME`, or `answer`, `label`, `score`, `version`.
        sign: `missing` and `given` have no value.
        value: As text; what it is compared as, its column says.
    """

    subject: str
    sign: Sign
    value: str = ""

    def __str__(self) -> str:
        name = f'"{self.subject}"' if _NAME_NEEDS_QUOTES.search(self.subject) else self.subject
        if self.sign in ("missing", "given"):
            return f"{name} is {self.sign}"
        value = self.value
        if _NEEDS_QUOTES.search(value):
            value = "'" + value.replace("'", "''") + "'"
        return f"{name} {self.sign} {value}"


def parse(text: str) -> tuple[Condition, ...]:
    """Read conditions that must all hold; none of an empty text.

    Raises:
        InvalidInputError: It is not like that.

    Examples:
        >>> parse("temp > 30 and origin = EWR")
        (Condition(subject='temp', sign='>', value='30'), Condition(subject='origin', sign='=', value='EWR'))
        >>> print(*parse("wind is missing and name = 'salt and ''pepper'''"), sep=" and ")
        wind is missing and name = 'salt and ''pepper'''
    """
    if len(text) > LONGEST:
        raise InvalidInputError(f"the condition has {len(text)} characters, must have at most {LONGEST}")
    found, place = list[Condition](), 0
    while text[place:].strip() or (found and place == len(text)):
        match = _PART.match(text, place)
        if match is None:
            raise InvalidInputError(
                f"condition == {text[:80]!r}, must be like `origin = EWR`, `temp > 30 and temp <= 40` or "
                "`wind is missing`; a value with `and` in it stands in '...'"
            )
        found.append(_condition(match))
        place = match.end()
        if not match["more"]:
            break
    if len(found) > MOST:
        raise InvalidInputError(f"the condition has {len(found)} parts, must have at most {MOST}")
    return tuple(found)


def spell(conditions: Sequence[Condition]) -> str:
    """The same as text; `parse` gives the same conditions again."""
    return " and ".join(map(str, conditions))


def _condition(match: re.Match[str]) -> Condition:
    subject = match["quoted"] or match["bare"].strip()
    if match["lacks"]:
        return Condition(subject, _OF_SIGN[" ".join(match["lacks"].lower().split())])
    value = match["value"].strip() if match["text"] is None else match["text"].replace("''", "'")
    return Condition(subject, _OF_SIGN[match["sign"]], value)
