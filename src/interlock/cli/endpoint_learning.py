"""`interlock endpoint learn`: what is declared of an endpoint's online learning."""

from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_facts, show_json
from interlock.client.yaml_file import read_mapping
from interlock.domain.errors import InvalidInputError


def learn(
    name: Annotated[str, typer.Argument(help="The endpoint's name.")],
    file: Annotated[
        Path | None, typer.Option(help="YAML or JSON to put in its place, as in docs/online-learning.md.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Take the declaration away: the learner stops.")] = False,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show what is declared of an endpoint's online learning, or declare it: which model learns from each label.

    Example: [bold]interlock endpoint learn wine --file learning.yaml[/bold]
    """
    if off and file is not None:
        raise InvalidInputError("--file and --off contradict each other; give one of them")
    document = read_mapping(file, "like `serve: true`") if file is not None else None
    with connect(server, home) as client:
        if document is not None:
            client.declare_online_learning(name, document)
        if off:
            client.withdraw_online_learning(name)
        found = client.online_learning(name)
    if as_json:
        show_json({"endpoint": name, "online_learning": found})
    elif found is None:
        print(f"nothing is declared of {name}: it does not learn online")
    else:
        show_facts(found)
