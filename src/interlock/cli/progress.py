"""Work in batches, with a progress bar on a terminal and none in a pipe."""

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import track


def batches(total: int, size: int) -> Iterator[int]:
    """Where each batch starts."""
    console = Console(stderr=True)
    yield from track(range(0, total, size), description="", console=console, disable=not sys.stderr.isatty())
