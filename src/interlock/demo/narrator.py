"""Tells the story to whoever watches: lines of plain language, and a moving status line on a terminal.

On stderr when the summary is to be read by a machine, so that stdout holds one JSON document.
"""

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table


class Narrator:
    """Prints what happens. Use as a context manager; the status line exists only on a terminal."""

    def __init__(self, *, to_stderr: bool) -> None:
        self.console = Console(stderr=to_stderr, highlight=False)
        self._progress = Progress(
            TextColumn("{task.fields[day]}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[status]}"),
            console=self.console,
        )
        self._task: TaskID | None = None
        self._live = Live(self._progress, console=self.console, refresh_per_second=4)

    def __enter__(self) -> "Narrator":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def chapter(self, title: str) -> None:
        self.console.print(f"\n[bold]{title}[/bold]", soft_wrap=True)

    def say(self, text: str, *, at: datetime | None = None) -> None:
        """One line; `at` is the flights' time."""
        self.console.print(f"  {at:%d %b}  {text}" if at else f"  {text}", soft_wrap=True)

    def status(self, at: datetime, share: float, text: str) -> None:
        """Move the status line."""
        if self._task is None:
            self._task = self._progress.add_task("", total=1.0, day="", status="")
        self._progress.update(self._task, completed=share, day=f"  {at:%d %b %Y}", status=text)

    def table(self, title: str, rows: list[dict[str, Any]]) -> None:
        """A table of what was measured, a column per key."""
        if not rows:
            return
        table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 2))
        for name in rows[0]:
            table.add_column(name, justify="left" if isinstance(rows[0][name], str) else "right")
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        self.console.print(table)
