"""Options that many commands share, and how a command finds its server."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.client.client import Client
from interlock.client.trust import by_certificate
from interlock.domain.errors import InvalidInputError, ServerUnreachableError

Home = Annotated[
    Path, typer.Option("--home", envvar="INTERLOCK_HOME", help="The folder where everything lives.", show_default=True)
]
Server = Annotated[
    str | None,
    typer.Option("--server", envvar="INTERLOCK_URL", help="The control port; default: the server of the home folder."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
StoreUrl = Annotated[
    str, typer.Option(envvar="INTERLOCK_STORE_URL", help="PostgreSQL in place of SQLite in the home folder.")
]
At = Annotated[str | None, typer.Option(metavar="TIME", help="ISO 8601; without a zone it is UTC.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log.")]

DEFAULT_HOME = Path(".interlock")


def connect(server: str | None, home: Path) -> Client:
    """A client for the server that a command means; the key comes from INTERLOCK_API_KEY.

    Raises:
        ServerUnreachableError: None was named and none runs on the home folder.
    """
    if server is not None:
        return Client(server)
    found = running_server(home)
    certificate = found["certificate"]
    return Client(found["control"], trust=by_certificate(certificate) if certificate else None)


def running_server(home: Path) -> dict[str, Any]:
    """The server that runs on a home folder: its addresses, and its certificate if it has one.

    Raises:
        ServerUnreachableError: None does.
    """
    try:
        found = json.loads((home / "run" / "server.json").read_text())
        os.kill(found["pid"], 0)
        found = {"certificate": None, **found, "control": str(found["control"])}
    except (OSError, ValueError, KeyError) as error:
        raise ServerUnreachableError(
            f"no Interlock runs on {home}; start one with `interlock up --home {home}`, or name one with --server"
        ) from error
    return found


def split(text: str | None) -> tuple[str, ...]:
    """A comma-separated list.

    Examples:
        >>> split("a, b"), split(None)
        (('a', 'b'), ())
    """
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def shares(text: str) -> list[float]:
    """A comma-separated list of numbers.

    Raises:
        InvalidInputError: Something in it is none.
    """
    try:
        return [float(part) for part in split(text)]
    except ValueError as error:
        raise InvalidInputError(f"steps == {text!r}, must be numbers like 0.01,0.05,0.25,1") from error


def time_of(name: str, text: str | None) -> datetime | None:
    """A time as a person writes it.

    Raises:
        InvalidInputError: It is none.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(f"{name} == {text!r}, must be a time like 2013-07-01T00:00:00Z") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
