"""What certifying simulations share: their options, the room for chance, and the place of their tables in a page."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

START, END = "<!-- {name}: begin -->", "<!-- {name}: end -->"


def options(description: str | None, *, runs: int, quick: int, seed: int = 1) -> argparse.Namespace:
    """Read the options; `runs` is then how many each cell gets."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{quick} runs a cell")
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--write", type=Path, help="put the tables between the marks in this page")
    found = parser.parse_args()
    found.runs = quick if found.quick else found.runs
    return found


def noise(promised: float, runs: int) -> float:
    """Three standard errors of a share that is `promised`, counted in so many runs."""
    return float(3 * (promised * (1 - promised) / max(1, runs)) ** 0.5)


def told(found: float, promised: float, runs: int) -> str:
    """A share of runs as the tables show it, marked where it is surely over what is promised.

    Examples:
        >>> told(0.0005, 0.0125, 2000), told(0.05, 0.0125, 2000)
        ('0.05%', '5.00% **broken**')
    """
    return f"{found:.2%}" + ("" if found <= promised + noise(promised, runs) else " **broken**")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown.

    Examples:
        >>> print(table(["a", "b"], [["1", "2"]]))
        | a | b |
        |---|---|
        | 1 | 2 |
    """
    lines = [list(header), ["---"] * len(header), *(list(row) for row in rows)]
    spelled = ["| " + " | ".join(line) + " |" for line in lines]
    spelled[1] = spelled[1].replace(" ", "")
    return "\n".join(spelled)


def finish(name: str, text: str, page: Path | None, *, kept: bool) -> None:
    """Print, write between the marks of `name` if there is a page, and leave with 1 if a promise is broken."""
    print(text)
    if page is not None:
        begin, end = START.format(name=name), END.format(name=name)
        before, rest = page.read_text().split(begin)
        page.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")
    sys.exit(0 if kept else 1)
