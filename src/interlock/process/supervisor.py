"""The supervisor behind `interlock up`: holds the home folder and both listening sockets, keeps every part alive.

It does no work of its own, so that it has no reason to fail. A part that dies is started again after a pause; callers
meanwhile wait in the listening socket's queue. SIGTERM drains in the order in which data flows: those who ask stop
first, then the gateways (which finish what they have begun and seal their spools), then the collector (which brings
every sealed record into the log). A second signal hastens.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from importlib.util import find_spec

from interlock.domain.errors import InvalidInputError
from interlock.domain.mqtt import parse_broker
from interlock.gateway.tls import server_context
from interlock.process import home
from interlock.process.fleet import Fleet, muster
from interlock.process.readiness import watch
from interlock.process.signals import Signals
from interlock.process.sockets import address, is_loopback, listen, reserve, url
from interlock.settings import Settings


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the ports answer: two URLs, and `HOST:PORT` of gRPC if it was asked for."""

    gateway: str
    control: str
    grpc: str | None = None

    def asdict(self) -> dict[str, str]:
        """Those there are, by name."""
        found = {"gateway": self.gateway, "control": self.control}
        return found if self.grpc is None else {**found, "grpc": self.grpc}


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what happens.

    Args:
        ready: Called once, when both ports answer.
        first_key: Called with the administrator's key if this start made it. It is kept nowhere.
    """

    ready: Callable[[Addresses], None]
    first_key: Callable[[str], None]


def supervise(settings: Settings, listener: Listener) -> None:
    """Start everything, and return when all of it was drained after SIGTERM or SIGINT.

    Must run in the main thread: it handles signals, and its children die with this thread.

    Raises:
        HomeError: The home folder cannot be used.
        InvalidInputError: A port is in use, or `no_auth` was asked for on an address that others reach.
    """
    _check(settings)
    home.prepare(settings)
    with ExitStack() as stack:
        stack.enter_context(home.locked(settings.home))
        gateway = stack.enter_context(closing(listen(settings.host, settings.port, option="--port")))
        control = stack.enter_context(closing(listen(settings.host, settings.control_port, option="--control-port")))
        settings = replace(settings, port=gateway.getsockname()[1], control_port=control.getsockname()[1])
        if settings.grpc_port is not None:
            held = stack.enter_context(closing(reserve(settings.host, settings.grpc_port, option="--grpc-port")))
            settings = replace(settings, grpc_port=held.getsockname()[1])
        _clear_run(settings)
        fleet = muster(settings, gateway, control, stack)
        if (key := fleet.prepare()) is not None:
            listener.first_key(key)
        signals = stack.enter_context(Signals())
        stack.callback(fleet.kill)
        _run(settings, fleet, signals, listener)


def _check(settings: Settings) -> None:
    if settings.no_auth and not is_loopback(settings.host):
        raise InvalidInputError(
            f"--no-auth with --host {settings.host} would let everyone in, it is for loopback only; "
            "leave out one of them"
        )
    if settings.workers < 1:
        raise InvalidInputError(f"workers == {settings.workers}, must be at least 1")
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise InvalidInputError("--tls-cert and --tls-key belong together; give both or none")
    if settings.tls_files is not None:
        server_context(*settings.tls_files)
    if settings.grpc_port is not None and not all(find_spec(name) for name in ("grpc", "google", "google.protobuf")):
        raise InvalidInputError("--grpc-port needs the extra grpc; `pip install 'interlock[grpc]'`")
    if settings.mqtt_url:
        parse_broker(settings.mqtt_url)
        if find_spec("paho") is None:
            raise InvalidInputError("--mqtt needs the extra mqtt; `pip install 'interlock[mqtt]'`")


def _run(settings: Settings, fleet: Fleet, signals: Signals, listener: Listener) -> None:
    addresses = _addresses(settings)
    fleet.start()
    _write_processes(settings, fleet)
    ready = watch(addresses.gateway, addresses.control, signals.wake)
    announced = False
    while not signals.stops:
        if ready.is_set() and not announced:
            _write_server(settings, addresses)
            listener.ready(addresses)
            announced = True
        signals.wait(fleet.next_look_seconds())
        if fleet.look():
            _write_processes(settings, fleet)
    fleet.drain(signals)
    (settings.run / "server.json").unlink(missing_ok=True)
    (settings.run / "processes.json").unlink(missing_ok=True)


def _addresses(settings: Settings) -> Addresses:
    host, tls = settings.host, settings.tls_files is not None
    grpc = None if settings.grpc_port is None else address(host, settings.grpc_port)
    return Addresses(url(host, settings.port, tls=tls), url(host, settings.control_port, tls=tls), grpc)


def _write_server(settings: Settings, addresses: Addresses) -> None:
    found = {**addresses.asdict(), "pid": os.getpid()}
    if settings.tls_cert is not None:
        found["certificate"] = str(settings.tls_cert)
    _write(settings, "server.json", json.dumps(found))


def _write_processes(settings: Settings, fleet: Fleet) -> None:
    _write(settings, "processes.json", json.dumps(fleet.describe()))


def _write(settings: Settings, name: str, text: str) -> None:
    try:
        home.write_atomically(settings.run / name, text)
    except OSError as error:  # a full disk is no reason to stop what still serves
        print(f"interlock: {settings.run / name} could not be written: {error.strerror}", file=sys.stderr)


def _clear_run(settings: Settings) -> None:
    """Forget what only mattered to the processes of the last run."""
    shutil.rmtree(settings.run, ignore_errors=True)
    for folder in (settings.run, settings.run / "metrics", settings.run / "staging"):
        folder.mkdir(mode=0o700, exist_ok=True)
