"""`interlock alert rules`: thresholds in a file, beside the rules that nobody needs to write."""

from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_json, show_table
from interlock.client.yaml_file import read_mapping

app = typer.Typer(name="rules", help="Alert rules of your own.", no_args_is_help=True)

_COLUMNS = (
    "name", "check", "endpoint", "below", "above", "unusual", "severity", "days", "over_after_days", "fewest_rows",
    "action", "off",
)  # fmt: skip


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="YAML or JSON, as in docs/alerts.md.")],
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Put a file's rules in the place of all that were written before.

    Example: [bold]interlock alert rules apply rules.yaml[/bold]
    """
    document = read_mapping(file, "with `rules`")
    with connect(server, home) as client:
        found = client.apply_alert_rules(document)
    _print(found, as_json=as_json)


@app.command("list")
def list_rules(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the rules that people wrote.

    Example: [bold]interlock alert rules list[/bold]
    """
    with connect(server, home) as client:
        found = client.alert_rules()
    _print(found, as_json=as_json)


def _print(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json({"rules": found})
    else:
        show_table(found, _COLUMNS, empty="no rules of your own; the default ones are in force")
