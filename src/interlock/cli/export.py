"""`interlock export`: what is there as a file, and files for other programs. They go to stdout, to be put anywhere."""

import sys
from typing import Any

import typer
import yaml

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_json
from interlock.client.config_text import render
from interlock.domain.configuration_schema import schema

app = typer.Typer(name="export", help="What is there as a file, and files for other programs.", no_args_is_help=True)


@app.command()
def config(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Print a commented file of what is there. `interlock diff` finds no difference to it.

    Secrets are not in it, nor the files of models: a version stands there by its number and the digest of its content.

    Example: [bold]interlock export config > interlock.yaml[/bold]
    """
    with connect(server, home) as client:
        found = client.config()
    if as_json:
        show_json(found)
    else:
        sys.stdout.write(render(found["document"], found["notes"]))


@app.command("schema")
def export_schema(as_json: AsJson = False) -> None:  # noqa: ARG001 (it is JSON in any case)
    """Print the JSON Schema of interlock.yaml, for editors. No server is needed.

    Example: [bold]interlock export schema > interlock.schema.json[/bold]
    """
    show_json(schema())


@app.command("prometheus-rules")
def prometheus_rules(as_json: AsJson = False) -> None:
    """Print alert rules for a Prometheus that scrapes /metrics. No server is needed.

    Example: [bold]interlock export prometheus-rules > interlock.rules.yml[/bold]
    """
    from interlock.exports.prometheus_rules import export  # monitoring brings Arrow and scipy, which take a moment

    _write(export(), as_json=as_json)


@app.command()
def grafana(as_json: AsJson = False) -> None:  # noqa: ARG001 (it is JSON in any case)
    """Print a Grafana dashboard over what Prometheus scrapes. No server is needed.

    Example: [bold]interlock export grafana > interlock.dashboard.json[/bold]
    """
    from interlock.exports.grafana import export

    show_json(export())


def _write(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(document)
    else:
        sys.stdout.write(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))
