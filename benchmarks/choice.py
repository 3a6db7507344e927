"""Words on the command line, separated by commas."""

import argparse
from collections.abc import Callable, Sequence


def some_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Reads a list of known words, for `argparse`.

    Examples:
        >>> some_of(["one", "two"])("two,one")
        ('two', 'one')
        >>> some_of(["one", "two"])("three")
        Traceback (most recent call last):
        argparse.ArgumentTypeError: three: must be of one, two
    """

    def read(text: str) -> tuple[str, ...]:
        words = tuple(word for word in text.split(",") if word)
        if unknown := [word for word in words if word not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: must be of {', '.join(known)}")
        return words

    return read
