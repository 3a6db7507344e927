"""`interlock init`, `diff`, `apply`: releases as code. The file is the user's: it is made once, and then only read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect, running_server
from interlock.cli.output import note, show_json
from interlock.cli.working import working
from interlock.client.config_apply import ConfigApply
from interlock.client.config_file import ConfigFile
from interlock.client.config_text import render
from interlock.domain.errors import ConflictError, InvalidInputError, ServerUnreachableError

File = Annotated[Path, typer.Argument(metavar="FILE", help="As docs/config.md describes it.")]
Prune = Annotated[
    bool, typer.Option("--prune", help="Delete what is not in the file, in the sections that it has; never a model.")
]
_SIGNS = {"register": "+", "create": "+", "change": "~", "delete": "-"}


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make.")] = Path("interlock.yaml"),
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Write a commented file to begin with: of what is there, if a server runs on the home folder. Overwrites nothing.

    Example: [bold]interlock init[/bold]
    """
    text = _start(server, home)
    try:
        with file.open("x", encoding="utf-8") as made:
            made.write(text)
    except FileExistsError as error:
        raise InvalidInputError(f"{file} is there already, and is yours; name another file") from error
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be written: {error.strerror}") from error
    if as_json:
        show_json({"file": str(file)})
    else:
        print(f"wrote {file}; `interlock diff {file}` shows what it would change, `interlock apply {file}` does it")


def diff(
    file: File, prune: Prune = False, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False
) -> None:
    """Show what a file would change. Exit code 1 if anything would.

    Example: [bold]interlock diff interlock.yaml[/bold]
    """
    with _faults_by_line():
        read = ConfigFile(file)
        with connect(server, home) as client, working(f"comparing {file}"):
            found = ConfigApply(client, read, prune=prune).compare()
    if as_json:
        show_json(found)
    else:
        _show(found, read)
    sys.exit(1 if found["changes"] or found["conflicts"] else 0)


def apply(
    file: File,
    prune: Prune = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make what is there as a file says. Applied again it does nothing; interrupted, it is mended by applying it again.

    Refused as a whole if it would break a running release. Nothing is deleted without --prune.

    Example: [bold]interlock apply interlock.yaml[/bold]
    """
    with _faults_by_line():
        read = ConfigFile(file)
        with connect(server, home) as client:
            with working(f"comparing {file}"):
                work = ConfigApply(client, read, prune=prune)
                found = work.compare()
            if not as_json:
                _show(found, read)
            if not yes:
                _ask(found)
            with working(f"applying {file}"):
                work.apply(found, tell=_say)
    if as_json:
        show_json({**found, "applied": True})
    elif found["changes"]:
        print("done")


@contextmanager
def _faults_by_line() -> Iterator[None]:
    """Shows faults one a line, since a file may have many."""
    try:
        yield
    except InvalidInputError as error:
        if len(error.faults) < 2:
            raise
        for fault in error.faults:
            note(f"error: {fault}")
        raise typer.Exit(2) from error


def _start(server: str | None, home: Path) -> str:
    if server is None and not os.environ.get("INTERLOCK_URL"):
        try:
            running_server(home)
        except ServerUnreachableError:
            if (home / "store.db").exists():
                note(
                    f"no server runs on {home}, so the file does not say what is there; "
                    f"`interlock export config` does, once one runs"
                )
            return render({}, {})
    with connect(server, home) as client:
        found = client.config()
    return render(found["document"], found["notes"])


def _ask(found: dict[str, Any]) -> None:
    gone = [change["place"] for change in found["changes"] if change["action"] == "delete"]
    if not gone or found["conflicts"]:
        return
    if not sys.stdin.isatty():
        raise ConflictError(f"would delete {', '.join(gone)}; give --yes if that is meant")
    if not typer.confirm(f"Delete {', '.join(gone)}?", err=True):
        raise typer.Exit(1)


def _say(what: str) -> None:
    if sys.stderr.isatty():
        note(what)


def _show(found: dict[str, Any], file: ConfigFile) -> None:
    for change in found["changes"]:
        print(f"{_SIGNS[change['action']]} {_named(change)}")
        for field in change["fields"]:
            print(f"    {_spell_field(field, is_change=change['action'] == 'change')}")
    for each in found["notes"]:
        note(f"note: {file.at(each['place'] + ': ' + each['text'])}")
    for each in found["conflicts"]:
        note(f"refused: {file.at(each['place'] + ': ' + each['text'])}")
    if found["unmanaged"]:
        print(f"not in the file, left as it is: {', '.join(found['unmanaged'])}")
    if not found["changes"]:
        print("nothing to do")


def _named(change: dict[str, Any]) -> str:
    section = change["place"].partition(".")[0].partition("[")[0]
    return f"{section}.{change['subject']}"


def _spell_field(field: dict[str, Any], *, is_change: bool) -> str:
    new = _value(field["new"])
    return f"{field['name']}: {_value(field['old'])} -> {new}" if is_change else f"{field['name']}: {new}"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
