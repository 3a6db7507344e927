"""`interlock up`: start everything."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, StoreUrl, split
from interlock.cli.output import note
from interlock.client.config_file import ConfigFile
from interlock.domain.sizes import size_bytes
from interlock.process import configuring
from interlock.process.supervisor import Addresses, Listener, supervise
from interlock.settings import RUNNER_MEMORY, Settings


def up(
    home: Home = DEFAULT_HOME,
    host: Annotated[str, typer.Option(help="Address that both ports bind to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Gateway port; 0 lets the system choose.", min=0, max=65535)] = 8080,
    control_port: Annotated[int, typer.Option(help="Control port; 0 lets the system choose.", min=0, max=65535)] = 8081,
    grpc_port: Annotated[
        int | None, typer.Option(help="Port for gRPC, with the extra grpc; 0 lets the system choose.", min=0, max=65535)
    ] = None,
    workers: Annotated[int, typer.Option(help="Gateway worker processes.", min=1, max=256)] = 1,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Every caller acts as admin. Loopback only.")] = False,
    allowed_host: Annotated[str | None, typer.Option(help="Further host names that requests may carry.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM): all ports speak TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key (PEM).")] = None,
    default_endpoint: Annotated[str | None, typer.Option(help="The endpoint that answers /invocations.")] = None,
    rejected_samples: Annotated[
        int,
        typer.Option(help="Bodies of refused requests kept for each endpoint and hour; 0 keeps none.", min=0, max=1000),
    ] = 20,
    runner_memory: Annotated[
        str | None,
        typer.Option(
            envvar=RUNNER_MEMORY, help="Most memory of a model's process, like 2G; default: half of the machine's."
        ),
    ] = None,
    store_url: StoreUrl = "",
    mqtt: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="INTERLOCK_MQTT",
            help="Broker of devices, like mqtt://host:1883, with the extra mqtt.",
            show_default=False,
        ),
    ] = "",
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Put this file in force once both ports answer, as `apply` does."),
    ] = None,
    as_json: AsJson = False,
    until_stdin_ends: Annotated[bool, typer.Option("--until-stdin-ends", hidden=True)] = False,
) -> None:
    """Start gateway, control plane and log; stop with Ctrl-C or SIGTERM.

    Prints one line `ready gateway=URL control=URL` when both ports answer, with `grpc=HOST:PORT` if that was asked for.
    The first start prints the administrator's key on stderr, once.

    Example: [bold]interlock up --port 8080 --control-port 8081 --workers 2[/bold]
    """
    settings = Settings(
        home=Path(home).resolve(),
        host=host,
        port=port,
        control_port=control_port,
        grpc_port=grpc_port,
        tls_cert=tls_cert.resolve() if tls_cert else None,
        tls_key=tls_key.resolve() if tls_key else None,
        workers=workers,
        no_auth=no_auth,
        allowed_hosts=split(allowed_host),
        default_endpoint=default_endpoint,
        rejected_samples=rejected_samples,
        runner_memory_bytes=size_bytes("runner_memory", runner_memory) if runner_memory else 0,
        store_url=store_url,
        mqtt_url=mqtt,
    )
    if until_stdin_ends:
        threading.Thread(target=_stop_when_stdin_ends, daemon=True).start()
    if config is not None:
        ConfigFile(config)  # its form is right, or nothing is started
    say = _say_json if as_json else _say

    def ready(addresses: Addresses) -> None:
        say(addresses)
        if config is not None:
            configuring.begin(settings, addresses.control, config)

    supervise(settings, Listener(ready=ready, first_key=_hand_over))


def _say(addresses: Addresses) -> None:
    print("ready", *(f"{name}={where}" for name, where in addresses.asdict().items()), flush=True)


def _say_json(addresses: Addresses) -> None:
    print(json.dumps({**addresses.asdict(), "pid": os.getpid()}), flush=True)


def _hand_over(key: str) -> None:
    note(
        "first start: this is the administrator's key. It is shown once and kept nowhere.\n\n"
        f"  export INTERLOCK_API_KEY={key}\n\n"
        "The command line and the Python client read it from there. "
        "Lost? `interlock key create --role admin --name NAME`"
    )


def _stop_when_stdin_ends() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
