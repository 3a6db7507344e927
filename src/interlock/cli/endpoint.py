"""`interlock endpoint`: create, list, show, change, delete."""

from typing import Annotated, Any

import typer

from interlock.cli.contract_fields import FIELD_COLUMNS, spell_field
from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect, split
from interlock.cli.output import show_facts, show_json, show_table
from interlock.cli.working import working
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import check_name, split_ref

app = typer.Typer(name="endpoint", help="Names that callers use.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The endpoint's name.")]
Privacy = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN=RULE,...",
        help="What the log gets of an input, of output.NAME, or of unit (the sticky key): keep, hash or drop.",
    ),
]
Images = Annotated[
    str | None, typer.Option(metavar="all|none|SHARE", help="Which images the log keeps; descriptors it always keeps.")
]


@app.command()
def create(
    name: Name,
    model: Annotated[str, typer.Option(metavar="NAME:V", help="The version that answers.")],
    deadline_ms: Annotated[float, typer.Option(help="How long a model may take.")] = 1000.0,
    privacy: Privacy = None,
    images: Images = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Create an endpoint; returns once every live gateway serves it.

    Example: [bold]interlock endpoint create wine --model wine:1[/bold]
    """
    check_name("endpoint", name)
    split_ref(model)
    with connect(server, home) as client, working(f"loading {model}"):
        found = client.create_endpoint(
            name, model, deadline_ms=deadline_ms, privacy=_rules(privacy), images=_images(images)
        )
        gateway = client.gateway.url
    if as_json:
        show_json(found)
    else:
        print(f"{model} answers at {gateway}/v2/models/{name}/infer and {gateway}/endpoints/{name}/invocations")


@app.command()
def change(
    name: Name,
    privacy: Privacy = None,
    images: Images = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Change what the log gets from now on; returns once every live gateway does so.

    Example: [bold]interlock endpoint change wine --privacy email=hash,unit=hash --images 0.01[/bold]
    """
    if privacy is None and images is None:
        raise InvalidInputError("nothing to change; give --privacy or --images")
    with connect(server, home) as client:
        found = client.change_endpoint(name, privacy=_rules(privacy), images=_images(images))
    if as_json:
        show_json(found)
    else:
        print(f"{name}: {_spell_log(found)}")


@app.command("list")
def list_endpoints(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List endpoints.

    Example: [bold]interlock endpoint list[/bold]
    """
    with connect(server, home) as client:
        found = client.endpoints()
    if as_json:
        show_json({"endpoints": found})
    else:
        columns = ("name", "model", "traffic", "deadline_ms", "created_at", "created_by")
        show_table(found, columns, empty="no endpoints yet; `interlock endpoint create NAME --model NAME:V` makes one")


@app.command()
def show(name: Name, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show an endpoint: who answers, with what share, and what it takes.

    Example: [bold]interlock endpoint show wine[/bold]
    """
    with connect(server, home) as client:
        found = client.endpoint(name)
    if as_json:
        show_json(found)
        return
    facts = {field: found[field] for field in ("name", "model", "traffic", "deadline_ms", "created_at")}
    show_facts({**facts, "log": _spell_log(found)})
    print("\ninputs")
    show_table([spell_field(field) for field in found["contract"]["inputs"]], FIELD_COLUMNS, empty="none")


@app.command()
def delete(name: Name, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Stop serving an endpoint. Its log stays.

    Example: [bold]interlock endpoint delete wine[/bold]
    """
    with connect(server, home) as client:
        client.delete_endpoint(name)
    if as_json:
        show_json({"deleted": name})
    else:
        print(f"deleted {name}; its log stays")


def _rules(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    rules = {}
    for part in split(text):
        column, _, rule = part.rpartition("=")
        if not column or rule not in ("keep", "hash", "drop"):
            raise InvalidInputError(f"--privacy {part!r}, must be COLUMN=keep, COLUMN=hash or COLUMN=drop")
        rules[column] = rule
    return rules


def _images(text: str | None) -> str | float | None:
    if text is None or text in ("all", "none"):
        return text
    try:
        return float(text)
    except ValueError:
        raise InvalidInputError(f"--images {text!r}, must be all, none, or a share like 0.01") from None


def _spell_log(found: dict[str, Any]) -> str:
    said = [f"{column} {'hashed' if rule == 'hash' else 'dropped'}" for column, rule in found["withheld"].items()]
    if found["image_share"] is not None:
        said.append(f"images kept: {found['image_share']:.4g}")
    return ", ".join(said) or "every column is kept"
