"""How commands print: one JSON document for machines, a table for people."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_NO_STYLE: Mapping[str, str] = {}
_STYLES = {
    "breach": "bold red",
    "error": "bold red",
    "ok": "green",
    "no_data": "yellow",
    "promoted": "green",
    "drifted": "bold red",
}


def show_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document, enc_hook=str)).decode() + "\n")
    sys.stdout.flush()


def show_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, empty: str) -> None:
    """Print rows, or a sentence if there are none."""
    rows = list(rows)
    if not rows:
        print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(cell(row.get(column)) for column in columns))
    console().print(table)


def show_facts(facts: Mapping[str, Any]) -> None:
    """Print name and value, one a line."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), cell(value))
    console().print(table)


def cell(value: Any) -> Text:
    """One value as a person reads it."""
    if value is None or value in ((), [], {}, ""):
        return Text("-")
    if isinstance(value, float):
        return Text(f"{value:.4g}")
    if isinstance(value, Mapping):
        return Text(", ".join(f"{key} {cell(member).plain}" for key, member in value.items()))
    if isinstance(value, list | tuple):
        return Text(", ".join(cell(member).plain for member in value))
    text = str(value)
    return Text(text, style=_STYLES.get(text, ""))


def console() -> Console:
    """On stdout; a pipe gets wide, plain lines."""
    return Console() if sys.stdout.isatty() else Console(width=200, highlight=False)


def note(message: str) -> None:
    """Say something to a person, on stderr."""
    print(message, file=sys.stderr)
