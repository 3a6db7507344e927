"""Work in batches, with a progress bar on a terminal and none in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, track


def batches(total: int, size: int) -> Iterator[int]:
    """Where each batch starts."""
    console = Console(stderr=True)
    yield from track(range(0, total, size), description="", console=console, disable=not sys.stderr.isatty())


@contextmanager
def bar() -> Iterator[Callable[[int, int], None]]:
    """A bar for work whose total is known only when it runs: call with what is done, and the total."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
