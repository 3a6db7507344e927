"""`interlock serve`: a model file behind an endpoint, in one command."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home
from interlock.cli.output import note, show_json
from interlock.cli.working import working
from interlock.client.source import check_file
from interlock.domain.errors import InvalidInputError
from interlock.process.launch import Server, launch
from interlock.quickstart import Served, name_of, put_up


def serve(
    file: Annotated[Path, typer.Argument(help="A model file (.onnx, .skops, ...) or an MLflow model folder.")],
    name: Annotated[str | None, typer.Option(help="Of model and endpoint; default: from the file's name.")] = None,
    reference: Annotated[Path | None, typer.Option(help="CSV or Parquet of rows like those to come.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the reference that holds the label.")] = None,
    trust_pickle: Annotated[bool, typer.Option("--trust-pickle", help="The file is a pickle that you trust.")] = False,
    contract: Annotated[Path | None, typer.Option(help="YAML or JSON of what you declare about the contract.")] = None,
    home: Home = DEFAULT_HOME,
    host: Annotated[str, typer.Option(help="Address that both ports bind to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Gateway port; 0 lets the system choose.", min=0, max=65535)] = 8080,
    control_port: Annotated[int, typer.Option(help="Control port; 0 lets the system choose.", min=0, max=65535)] = 8081,
    as_json: AsJson = False,
) -> None:
    """Register a model, create its endpoint, start everything, and print a curl line that works.

    Example: [bold]interlock serve wine.skops --reference wine.csv --label quality[/bold]
    """
    check_file(file)
    for path in (file, reference, contract):
        if path is not None and not path.exists():
            raise InvalidInputError(f"{path} does not exist; give a model file or folder, and a file of reference rows")
    name = name or name_of(file)
    # Like a service manager's stop: SIGTERM ends the wait below the way Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with launch(home, host=host, port=port, control_port=control_port, key_name="serve") as server:
        try:
            with server.connect() as client, working(f"loading, checking and measuring {file.name}"):
                served = put_up(
                    server, client, name, file, reference, label, trust_pickle=trust_pickle, contract=contract
                )
            _say(served, server, as_json=as_json)
            raise typer.Exit(1 if server.wait() else 0)
        except KeyboardInterrupt:
            note("draining ...")


def _say(served: Served, server: Server, *, as_json: bool) -> None:
    for warning in served.warnings:
        note(f"warning: {warning}")
    if as_json:
        show_json(
            {
                "endpoint": served.endpoint,
                "version": served.version,
                "champion": served.champion,
                "gateway": server.gateway,
                "control": server.control,
                "key": server.key,
                "curl": served.curl,
            }
        )
        return
    print(f"{served.champion} answers at endpoint {served.endpoint!r}. Try it:\n\n{served.curl}\n", flush=True)
    if served.champion != served.version:
        print(
            f"{served.version} is registered; to give it traffic: "
            f"interlock release start {served.endpoint} --candidate {served.version}\n",
            flush=True,
        )
    print(f"To see how it goes: open {server.control} in a browser and sign in with {server.key}")
    print(f"For other commands: export INTERLOCK_API_KEY={server.key}\nCtrl-C stops the server.", flush=True)
