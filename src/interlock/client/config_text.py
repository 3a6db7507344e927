"""A configuration as the text of a file, with comments. What it writes is read as what it was written from."""

import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from interlock.client.yaml_file import Dumper
from interlock.domain.errors import InterlockError

_HEAD = """\
# What this server shall be: `interlock diff FILE` shows what would change, `interlock apply FILE` does it.
# What is not in this file stays as it is. docs/config.md has all that may stand here.
"""

_MODELS = """\
# Versions of models, by name, in the order in which they are registered: those that are not there yet, by content.
# Paths are relative to this file.
"""
_MODELS_EXAMPLE = """\
models:
  wine:
  - source: wine.skops
    reference: held_out.parquet
    label: quality
"""
_ENDPOINTS = """\
# Names that callers use. `model` answers at first; later a release changes that, never this file.
# `release` is what `interlock release start` does where nothing else is said.
"""
_ENDPOINTS_EXAMPLE = """\
endpoints:
  wine:
    model: wine:1
    durability: disk
    privacy: {customer: hash}
    release:
      strategy: canary
      plan: {steps: [0.01, 0.1, 0.5, 1], require_approval: true}
"""
_RETRAINING = """\
# How the next version of a model is made, and when (docs/retraining.md). Paths are absolute, on the server's machine.
"""
_RETRAINING_EXAMPLE = """\
retraining:
  wine:
    trainer: sklearn
    triggers: {cron: "0 3 * * 1", on_quality: true}
"""
_ONLINE = """\
# Models that learn from each label as it comes (docs/online-learning.md). Off where nothing is said.
"""
_ONLINE_EXAMPLE = """\
online_learning:
  wine:
    serve: true
    every_labels: 500
"""
_RULES = """\
# Thresholds of your own, beside the rules that need no writing (docs/alerts.md).
"""
_RULES_EXAMPLE = """\
alert_rules:
- {name: accuracy-below-60, check: accuracy, below: 0.6}
"""
_CHANNELS = """\
# Who is told of alerts. Secrets stand in environment variables; a channel without `url` keeps the one it has.
"""
_CHANNELS_EXAMPLE = """\
channels:
  team:
    url: ${TEAM_CHANNEL_URL}
    least_severity: warning
"""

_SECTIONS = (
    ("models", _MODELS, _MODELS_EXAMPLE),
    ("endpoints", _ENDPOINTS, _ENDPOINTS_EXAMPLE),
    ("retraining", _RETRAINING, _RETRAINING_EXAMPLE),
    ("online_learning", _ONLINE, _ONLINE_EXAMPLE),
    ("alert_rules", _RULES, _RULES_EXAMPLE),
    ("channels", _CHANNELS, _CHANNELS_EXAMPLE),
)


def render(document: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """The text of a file.

    Args:
        document: As `Client.config` gives it; a section that is empty is shown by an example that is commented out.
        notes: Comments by place.

    Raises:
        InterlockError: The document has a section that this program does not know: the server is newer.
    """
    unknown = sorted(document.keys() - {name for name, _, _ in _SECTIONS})
    if unknown:
        raise InterlockError(f"the server has {', '.join(unknown)}, which this program does not know; update it")
    parts = [_HEAD]
    for name, about, example in _SECTIONS:
        written = "\n".join(_section(name, document[name], notes)) + "\n" if document.get(name) else _muted(example)
        parts.append(about + written)
    return "\n".join(parts)


def _muted(example: str) -> str:
    return textwrap.indent(example, "# ")


def _section(name: str, content: Any, notes: Mapping[str, str]) -> Iterator[str]:
    yield f"{name}:"
    if isinstance(content, list):
        yield from (f"- {_inline(item)}" for item in content)
        return
    for key, value in content.items():
        place = f"{name}.{key}"
        yield from _comment(notes.get(place), "  ")
        yield f"  {_inline(key)}:"
        yield from _items(value, place, notes) if isinstance(value, list) else _fields(value)


def _items(items: list[Any], place: str, notes: Mapping[str, str]) -> Iterator[str]:
    for number, item in enumerate(items):
        yield from _comment(notes.get(f"{place}[{number}]"), "  ")
        for line, (key, value) in enumerate(item.items()):
            yield f"  {'- ' if line == 0 else '  '}{_inline(key)}: {_inline(value)}"


def _fields(fields: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"    {_inline(key)}: {_inline(value)}" for key, value in fields.items())


def _comment(note: str | None, indent: str) -> Iterator[str]:
    if note:
        yield f"{indent}# {''.join(each if each.isprintable() else ' ' for each in note)}"


def _inline(value: Any) -> str:
    """A value on one line."""
    style = None if _is_printable(value) else '"'
    text = yaml.dump(
        value, Dumper=Dumper, default_style=style, default_flow_style=True, width=sys.maxsize, sort_keys=False,
        allow_unicode=style is None,
    )  # fmt: skip
    return text.removesuffix("\n").removesuffix("\n...")


def _is_printable(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_printable(each) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return all(map(_is_printable, value))
    return not isinstance(value, str) or value.isprintable()
