"""`interlock key`: works on the home folder itself, server or not: whoever owns the folder owns the server."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock import bootstrap
from interlock.cli.options import DEFAULT_HOME, AsJson, Home, StoreUrl, split
from interlock.cli.output import note, show_json, show_table
from interlock.process.home import check_format
from interlock.settings import Settings

if TYPE_CHECKING:
    from interlock.api.key_ring import KeyRing

app = typer.Typer(name="key", help="Access keys, in the home folder itself.", no_args_is_help=True)


@app.command()
def create(
    role: Annotated[str, typer.Option(help="scorer, viewer, operator, approver or admin.")],
    name: Annotated[str, typer.Option(help="As the audit log will show it.")],
    owner: Annotated[str, typer.Option(help="The person behind it; default: the name.")] = "",
    endpoints: Annotated[str | None, typer.Option(help="Limit it to these, comma-separated.")] = None,
    allow: Annotated[str | None, typer.Option(help="Further permissions: backdate, pinned.")] = None,
    home: Home = DEFAULT_HOME,
    store_url: StoreUrl = "",
    as_json: AsJson = False,
) -> None:
    """Make a key and print it. It is not kept: only its SHA-256 is.

    Example: [bold]interlock key create --role scorer --name checkout --endpoints wine[/bold]
    """
    key, secret = _ring(home, store_url).create(
        name, role, actor=bootstrap.local_actor(), owner=owner, endpoints=split(endpoints), allow=split(allow)
    )
    if as_json:
        show_json({"name": key.name, "role": key.role, "owner": key.owner, "key": secret})
    else:
        note(f"key {name!r} with role {role}; shown once:")
        print(secret)


@app.command("list")
def list_keys(home: Home = DEFAULT_HOME, store_url: StoreUrl = "", as_json: AsJson = False) -> None:
    """List keys, also revoked ones.

    Example: [bold]interlock key list[/bold]
    """
    shown = ("name", "role", "owner", "endpoints", "allow", "created_at", "revoked_at")
    rows = [{field: getattr(key, field) for field in shown} for key in _ring(home, store_url).list()]
    if as_json:
        show_json({"keys": rows})
    else:
        show_table(rows, shown, empty="no keys yet; the first `interlock up` makes one")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The key's name.")],
    home: Home = DEFAULT_HOME,
    store_url: StoreUrl = "",
    as_json: AsJson = False,
) -> None:
    """Make a key worthless.

    Example: [bold]interlock key revoke checkout[/bold]
    """
    _ring(home, store_url).revoke(name, actor=bootstrap.local_actor())
    if as_json:
        show_json({"revoked": name})
    else:
        print(f"revoked {name}")


def _ring(home: Path, store_url: str) -> "KeyRing":
    settings = Settings(home=home.resolve(), store_url=store_url)
    check_format(settings.home)
    bootstrap.migrate(settings)
    return bootstrap.build_key_ring(settings)
