"""The command line: one file per noun. It parses, calls a service, prints, and decides on the exit code."""

from interlock.cli.app import main, run

__all__ = ["main", "run"]
