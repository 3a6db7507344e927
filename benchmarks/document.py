"""Writes generated figures into a page, between two markers; what stands outside them is nobody's but the author's."""

from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def begin(name: str) -> str:
    """The line before a section."""
    return f"<!-- begin {name}: generated, do not edit -->"


def end(name: str) -> str:
    """The line after it."""
    return f"<!-- end {name} -->"


def replace(page: str, name: str, text: str) -> str:
    """Put a section in the place of the one with that name, or at the end.

    Examples:
        >>> once = replace("# Page\\n", "serving", "one")
        >>> print(replace(once + "kept\\n", "serving", "two"), end="")
        # Page
        <BLANKLINE>
        <!-- begin serving: generated, do not edit -->
        two
        <!-- end serving -->
        kept
    """
    section = f"{begin(name)}\n{text.strip()}\n{end(name)}"
    before, found, rest = page.partition(begin(name))
    if not found:
        return f"{page.rstrip()}\n\n{section}\n"
    _, found, after = rest.partition(end(name))
    if not found:
        raise ValueError(f"the page has {begin(name)!r} without {end(name)!r}; put the second below the first")
    return before + section + after


def write(name: str, text: str) -> None:
    """Replace a section of the benchmarks' page."""
    PAGE.write_text(replace(PAGE.read_text(), name, text))
