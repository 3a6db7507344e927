"""Figures as Markdown: medians over rounds, ratios, one table after another."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

Row = Mapping[str, Any]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Table:
    """Rows with the same columns, and what a reader must know.

    Args:
        name: Of the measurement, as in `--only`.
        title: Heading.
        rows: Column to value. Numbers are plain; how they are shown is decided here.
        notes: Sentences below it.
    """

    name: str
    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """The table under its heading."""
        parts = [f"### {self.title}", markdown(self.rows) if self.rows else "Nothing was measured.", *self.notes]
        return "\n\n".join(parts)


def markdown(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table; the columns are those of the first.

    Examples:
        >>> print(markdown([{"server": "echo", "requests/s": 41234.5, "p50 ms": 0.0651}, {"server": "x"}]))
        | server | requests/s | p50 ms |
        |---|---|---|
        | echo | 41,234 | 0.0651 |
        | x |  |  |
    """
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(shown(row.get(column)) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def shown(value: object) -> str:
    """A value as a table shows it: three digits that count.

    Examples:
        >>> [shown(value) for value in (None, "a", True, 12345.6, 123.45, 12.345, 1.2345, 0.012345)]
        ['', 'a', 'yes', '12,346', '123', '12.3', '1.23', '0.0123']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def medians(rounds: Iterable[Mapping[Key, Mapping[str, float]]]) -> dict[Key, dict[str, float]]:
    """The median of each figure over the rounds that have it.

    Examples:
        >>> medians([{"a": {"x": 1.0}}, {"a": {"x": 3.0}}, {"a": {"x": 2.0}, "b": {"x": 7.0}}])
        {'a': {'x': 2.0}, 'b': {'x': 7.0}}
    """
    gathered: dict[Key, dict[str, list[float]]] = {}
    for found in rounds:
        for key, figures in found.items():
            for name, value in figures.items():
                gathered.setdefault(key, {}).setdefault(name, []).append(value)
    return {key: {name: median(values) for name, values in of.items()} for key, of in gathered.items()}


def ratio(value: float | None, base: float | None) -> float | None:
    """`value / base`, or None where one of them was not measured.

    Examples:
        >>> ratio(3.0, 2.0), ratio(3.0, None), ratio(3.0, 0.0)
        (1.5, None, None)
    """
    return value / base if value is not None and base else None
