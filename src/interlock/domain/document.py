"""What a person wrote by hand becomes a struct: every fault at once, each with its place.

msgspec stops at the first fault, which is right for programs. A person who mends a file wants to know them all. Pure:
used by the command line before anything is sent, and by the server wherever a document arrives.
"""

import difflib
import re
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

FIELDS_OF = "fields_of"
"""In `Meta(extra={FIELDS_OF: Struct})` of a mapping: it holds some of the fields of that struct, and nothing else."""

Place = tuple[str | int, ...]
_Struct = TypeVar("_Struct", bound=msgspec.Struct)

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_LONGEST_SHOWN = 60


class Fault(msgspec.Struct, frozen=True):
    """What is wrong at a place of a document.

    Args:
        place: Like `endpoints.wine.deadline_ms`, or `models.wine[0]`.
        text: The rule, and what to do.
    """

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


def read(kind: type[_Struct], given: Any, *, secret: Sequence[str] = ()) -> tuple[_Struct | None, list[Fault]]:
    """Make a struct of a document.

    Args:
        kind: Of which struct. Its fields may be structs, lists and mappings of such.
        given: What YAML or JSON gave.
        secret: Names of fields whose values no fault may repeat.

    Returns:
        The struct, or None where there are faults; and these.
    """
    reader = _Reader(frozenset(secret))
    found = reader.read(kind, {} if given is None else given, ())
    return (None if reader.faults else found), reader.faults


def spell(place: Place) -> str:
    """A place in words.

    Examples:
        >>> spell(("models", "wine", 0, "source"))
        'models.wine[0].source'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def nearest(name: str, known: Sequence[str]) -> str:
    """A known name that was perhaps meant, in words; else all there are.

    Examples:
        >>> nearest("endpoint", ["models", "endpoints"]), nearest("x", ["a", "b"])
        ('did you mean endpoints?', 'there is a, b')
    """
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there is {', '.join(known)}"


class _Reader:
    def __init__(self, secret: frozenset[str]) -> None:
        self.faults: list[Fault] = []
        self._secret = secret

    def read(self, kind: Any, given: Any, place: Place) -> Any:
        bare, fields_of = _bare(kind)
        if given is None and bare is not kind and type(None) in get_args(kind):
            return None
        if fields_of is not None:
            return None if self._fields(fields_of, given, place) is None else dict(given)  # checked, and plain
        if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
            return self._struct(bare, given, place)
        if get_origin(bare) in (list, tuple):
            return self._list(get_args(bare)[0], given, place)
        if get_origin(bare) is dict:
            return self._mapping(get_args(bare), given, place)
        return self._value(bare, given, place)

    def _struct(self, kind: type[msgspec.Struct], given: Any, place: Place) -> Any:
        before = len(self.faults)
        found = self._fields(kind, given, place)
        if found is not None:
            for field in msgspec.structs.fields(kind):
                if field.required and field.name not in given:
                    self._refuse((*place, field.name), "is missing")
        return kind(**found) if found is not None and len(self.faults) == before else None

    def _fields(self, kind: type[msgspec.Struct], given: Any, place: Place) -> dict[str, Any] | None:
        if not self._is(Mapping, given, place):
            return None
        known = {field.name: field.type for field in msgspec.structs.fields(kind)}
        for name in given:
            if name not in known:
                self._refuse((*place, str(name)), f"is not known; {nearest(str(name), list(known))}")
        return {name: self.read(known[name], value, (*place, name)) for name, value in given.items() if name in known}

    def _list(self, kind: Any, given: Any, place: Place) -> tuple[Any, ...] | None:
        if not self._is(list | tuple, given, place):
            return None
        return tuple(self.read(kind, value, (*place, number)) for number, value in enumerate(given))

    def _mapping(self, kinds: tuple[Any, ...], given: Any, place: Place) -> dict[str, Any] | None:
        if not self._is(Mapping, given, place):
            return None
        for name in given:
            if _fault_of(kinds[0], name) is not None:
                self._refuse((*place, str(name)), "is no name: 1 to 128 of a-z 0-9 . _ -, first a letter or digit")
        return {name: self.read(kinds[1], value, (*place, str(name))) for name, value in given.items()}

    def _value(self, kind: Any, given: Any, place: Place) -> Any:
        fault = _fault_of(kind, given)
        if fault is None:
            return msgspec.convert(given, kind)
        is_shown = isinstance(given, bool | int | float | str) and not self._secret & set(map(str, place))
        shown = f"{str(given)[:_LONGEST_SHOWN]!r} " if isinstance(given, str) else f"{given} "
        self._refuse(place, f"{shown if is_shown else ''}{fault}")
        return None

    def _is(self, kind: Any, given: Any, place: Place) -> bool:
        if isinstance(given, kind):
            return True
        self._refuse(place, "must be a mapping" if kind is Mapping else "must be a list")
        return False

    def _refuse(self, place: Place, text: str) -> None:
        self.faults.append(Fault(spell(place), text))


def _bare(kind: Any) -> tuple[Any, type[msgspec.Struct] | None]:
    """A type without `| None`, and without `Annotated` where it is a container."""
    if get_origin(kind) in (Union, types.UnionType):
        rest = [one for one in get_args(kind) if one is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else (Union[tuple(rest)], None)  # noqa: UP007 (made at run time)
    if get_origin(kind) is not Annotated:
        return kind, None
    inner, *said = get_args(kind)
    metas = [each for each in said if isinstance(each, msgspec.Meta)]
    marked = next((each.extra[FIELDS_OF] for each in metas if each.extra and FIELDS_OF in each.extra), None)
    return (inner if get_origin(inner) in (list, tuple, dict) else kind), marked


def _fault_of(kind: Any, given: Any) -> str | None:
    """Why a value is not of a type, in words."""
    if get_origin(kind) is Literal:
        known = [str(each) for each in get_args(kind)]
        return None if given in get_args(kind) else f"must be one of {', '.join(known)}"
    try:
        msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        return _plain(str(error))
    return None


def _plain(message: str) -> str:
    """What msgspec says, in a person's words.

    Examples:
        >>> _plain("Expected `float`, got `str`"), _plain("Expected `int` >= 1")
        ('must be a number', 'must be a whole number >= 1')
    """
    said = re.sub(r", got `\w+`", "", message.partition(" - at ")[0])
    said = re.sub(r"`([\w |]+)`", lambda found: " or ".join(map(_word, found[1].split(" | "))), said)
    return said.replace("Expected ", "must be ", 1)


def _word(name: str) -> str:
    return _WORDS.get(name, name)
