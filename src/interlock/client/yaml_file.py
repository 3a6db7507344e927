"""YAML that people write, with the line of everything in it. It is only read: comments and order are the user's.

PyYAML reads YAML 1.1, where `off` and `yes` are truth values, `1e-3` is a text and `012` is ten. Here plain words mean
what YAML 1.2 and JSON say. Keys are texts, and no key may stand twice.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from interlock.domain.document import Place, spell
from interlock.domain.errors import InvalidInputError

_MOST_NODES = 100_000
_DEEPEST = 50

_RESOLVERS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
}


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    found: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for name, (pattern, firsts) in _RESOLVERS.items():
        for first in firsts:
            found.setdefault(first, []).append((f"tag:yaml.org,2002:{name}", re.compile(f"(?:{pattern})$")))
    return found


class Loader(yaml.SafeLoader):
    """Reads YAML 1.2's core schema."""

    yaml_implicit_resolvers = _resolvers()


class Dumper(yaml.SafeDumper):
    """Writes what `Loader` reads as the same."""

    yaml_implicit_resolvers = _resolvers()


class YamlFile:
    """A file's content and its lines.

    Args:
        path: Of the file.

    Raises:
        InvalidInputError: It cannot be read, or is not YAML.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[str, int] = {}
        self._faults: list[str] = []
        self._nodes = 0
        self.content = self._read(_text(path))
        if self._faults:
            raise InvalidInputError(*self._faults)

    def at(self, sentence: str) -> str:
        """A sentence that begins with a place, with file and line in front: `f.yaml:3: endpoints.wine: ...`."""
        place, separator, _ = sentence.partition(": ")
        line = self._line(place) if separator else None
        return f"{self.path}:{line}: {sentence}" if line else f"{self.path}: {sentence}"

    def explain(self, error: InvalidInputError) -> InvalidInputError:
        """The same error, each fault with its line."""
        return InvalidInputError(*map(self.at, error.faults))

    def _line(self, place: str) -> int | None:
        """Of a place, or of the nearest place that it is in."""
        while place and place not in self._lines:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return self._lines[place] if place else None

    def _read(self, text: str) -> Any:
        try:
            loader = Loader(text)
            node = loader.get_single_node()
            return self._plain(loader, node, ()) if node is not None else None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f":{mark.line + 1}" if mark is not None else ""
            what = getattr(error, "problem", None) or " ".join(str(error).split())[:300]
            raise InvalidInputError(f"{self.path}{where}: is not YAML: {what}") from error

    def _plain(self, loader: Loader, node: yaml.Node, place: Place) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES or len(place) > _DEEPEST:  # an alias within its own anchor, or worse
            raise InvalidInputError(f"{self.path}: is too large, or has an alias inside of what it stands for")
        self._lines.setdefault(spell(place), node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return {key: self._plain(loader, value, (*place, key)) for key, value in self._pairs(node, place)}
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(loader, value, (*place, number)) for number, value in enumerate(node.value)]
        return loader.construct_object(node)

    def _pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, yaml.Node]]:
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._faults.append(f"{self.path}:{line}: a key must be a word")
                continue
            if key.value in seen:
                self._faults.append(f"{self.path}:{line}: {spell((*place, key.value))}: is there twice")
            seen.add(key.value)
            self._lines.setdefault(spell((*place, key.value)), line)
            yield key.value, value


def read_mapping(path: Path, like: str) -> dict[str, Any]:
    """Content of a file that holds names and values, in YAML or JSON, which is a part of YAML.

    Args:
        path: Of the file.
        like: What it should hold, for whom it does not.

    Raises:
        InvalidInputError: It cannot be read, is not YAML, or holds something else.
    """
    found = YamlFile(path).content
    if not isinstance(found, dict):
        raise InvalidInputError(f"{path} must be a mapping {like}")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} is not text in UTF-8: byte {error.start} is wrong") from error
