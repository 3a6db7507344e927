"""Joins the commands, and turns errors into one sentence and an exit code."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from interlock.cli import (
    alert,
    annotate,
    audit,
    backup,
    check_data,
    compare,
    config,
    demo,
    doctor,
    drift,
    endpoint,
    errors,
    estimate,
    export,
    key,
    label,
    learn,
    log,
    model,
    monitor,
    predict,
    release,
    replay,
    report,
    retrain,
    runs,
    serve,
    telemetry,
    up,
)
from interlock.domain.errors import (
    DeadlineExceededError,
    InterlockError,
    ModelFailedError,
    OverloadedError,
    ServerUnreachableError,
)

WRONG_USAGE, UNREACHABLE, NO = 2, 3, 1

app = typer.Typer(
    name="interlock",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"interlock {version('interlock')}")
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Takes a model into production and keeps it honest there."""


_COMMANDS = (
    up.up,
    serve.serve,
    demo.demo,
    predict.predict,
    label.label,
    monitor.monitor,
    compare.compare,
    replay.replay,
    report.report,
    drift.drift,
    estimate.estimate,
    retrain.retrain,
    check_data.check_data,
    doctor.doctor,
    backup.backup,
    backup.restore,
    config.init,
    config.diff,
    config.apply,
)
for command in _COMMANDS:
    app.command()(command)
for noun in (model, endpoint, release, runs, learn, alert, log, key, audit, export, annotate, errors, telemetry):
    app.add_typer(noun.app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: Without the program's name. Default: the process's own.

    Returns:
        0 done, 1 the answer is no, 2 wrong usage or bad input, 3 server not reachable.
    """
    try:
        app(args=list(arguments) if arguments is not None else None, prog_name="interlock")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else WRONG_USAGE
    except InterlockError as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def exit_code(error: InterlockError) -> int:
    """What an error means to a script."""
    if isinstance(error, ServerUnreachableError):
        return UNREACHABLE
    server_side = isinstance(error, ModelFailedError | DeadlineExceededError | OverloadedError)
    return NO if server_side or getattr(error, "status", 400) >= 500 else WRONG_USAGE


def main() -> None:
    """The `interlock` program."""
    sys.exit(run())
