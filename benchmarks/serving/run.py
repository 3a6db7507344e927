"""Serving figures: Interlock with everything on, its peers, and a bare echo, measured side by side in one run.

Usage: `make bench`, or `python -m benchmarks.serving.run`. In each round every server is started, measured and stopped
in turn, so that a noisy minute hits all of them and no server shares the machine with another. Medians over the rounds
are printed as Markdown. All traffic stays on loopback.
"""

import argparse
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import document, goal, machine
from benchmarks.choice import some_of
from benchmarks.serving import goals, wrk
from benchmarks.serving.environments import NotInstalledError, install, own_environment
from benchmarks.serving.measurements import features, memory, open_loop, startup, throughput, workers
from benchmarks.serving.models import Data, prepare_data
from benchmarks.serving.peers.bentoml import BentoMl
from benchmarks.serving.peers.echo import Echo
from benchmarks.serving.peers.fastapi import FastApi
from benchmarks.serving.peers.interlock import Interlock
from benchmarks.serving.peers.litserve import LitServe
from benchmarks.serving.peers.mlflow import MlFlow
from benchmarks.serving.peers.mlserver import MlServer
from benchmarks.serving.peers.ray_serve import RayServe
from benchmarks.serving.profile import profile
from benchmarks.serving.server import ServerError, running
from benchmarks.serving.target import Peer, Workshop
from benchmarks.tables import Table

NAMES = (throughput.NAME, open_loop.NAME, workers.NAME, features.NAME, memory.NAME, startup.NAME)
PEERS: tuple[Callable[[], Peer], ...] = (Echo, FastApi, MlServer, LitServe, BentoMl, MlFlow)
PEER_NAMES = tuple(kind().name for kind in PEERS)
_BEGAN = time.perf_counter()


@dataclass
class Bench:
    """Everything of one run: who takes part, what is measured, who could not."""

    options: argparse.Namespace
    interlock: Interlock = field(default_factory=Interlock)
    shops: dict[Peer, Workshop] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        seconds, only = self.options.seconds, () if self.options.profile else self.options.only
        self.throughput = throughput.Throughput(seconds) if throughput.NAME in only else None
        self.open_loop = open_loop.OpenLoop(seconds, self.throughput) if open_loop.NAME in only else None
        self.workers = workers.Workers(seconds) if workers.NAME in only else None
        self.features = features.Features(seconds) if features.NAME in only else None
        self.memory = memory.Memory() if memory.NAME in only else None
        self.startup = startup.Startup() if startup.NAME in only else None

    def prepare(self, folder: Path) -> None:
        """Install the peers, train the models, make the homes."""
        data = prepare_data(folder)
        for peer in self._wanted():
            with self._leaving_out(peer.name):
                self._prepare(peer, folder / peer.name, data)
        if self.memory is not None:
            self.memory.prepare(self.shops[self.interlock])

    def _wanted(self) -> list[Peer]:
        peers: list[Peer] = [kind() for kind in PEERS]
        if self.options.ray:
            peers.append(RayServe())
        chosen = self.options.peers if self.throughput or self.open_loop else ()
        return [*(peer for peer in peers if peer.name in chosen or isinstance(peer, RayServe)), self.interlock]

    def _prepare(self, peer: Peer, folder: Path, data: Data) -> None:
        folder.mkdir()
        environment = install(peer.name, peer.packages) if peer.installs else own_environment(peer.packages)
        versions = ", ".join(f"{name} {version}" for name, version in environment.versions.items())
        _say(f"{peer.name}: {versions}")
        shop = Workshop(environment, folder, data)
        peer.prepare(shop)
        self.shops[peer] = shop

    def measure(self) -> None:
        """All rounds."""
        for number in range(self.options.rounds):
            for peer in list(self.shops):
                if self.throughput or self.open_loop:
                    _say(f"round {number + 1}: {peer.name}")
                    self._measure_peer(peer)
            _say(f"round {number + 1}: {self.interlock.name} alone")
            self._measure_interlock(self.shops[self.interlock])

    def _measure_peer(self, peer: Peer) -> None:
        for launch in peer.launches(self.shops[peer]):
            with self._leaving_out(launch.targets[0].name), running(launch) as server:
                for target in server.targets:
                    for measurement in (self.throughput, self.open_loop):
                        if measurement is not None:
                            measurement.measure(server, target)

    def _measure_interlock(self, shop: Workshop) -> None:
        if self.workers is not None:
            with self._leaving_out(workers.NAME):
                self.workers.run(self.interlock, shop)
        if self.features is not None:
            self.features.run(self.interlock, shop)
        if self.memory is not None:
            with self._leaving_out(memory.NAME):
                self.memory.run(shop)
        if self.startup is not None:
            with self._leaving_out(startup.NAME):
                self.startup.run(self.interlock, shop)

    @contextlib.contextmanager
    def _leaving_out(self, name: str) -> Iterator[None]:
        """Go on without a system that cannot be installed, started or asked, and say so in the results."""
        try:
            yield
        except (NotInstalledError, ServerError) as error:
            self.left_out[name] = str(error)
            _say(f"LEFT OUT: {error}")

    def tables(self) -> list[Table]:
        """All results, what must be reached first."""
        found: list[goal.Goal] = []
        if self.throughput is not None:
            found += goals.of_throughput(self.throughput)
        if self.open_loop is not None:
            found += goals.of_open_loop(self.open_loop)
        if self.memory is not None:
            found += goals.of_memory(self.memory)
        if self.startup is not None:
            found += goals.of_startup(self.startup)
        measured = (self.throughput, self.open_loop, self.workers, self.features, self.memory, self.startup)
        tables = [table for measurement in measured if measurement is not None for table in measurement.tables()]
        return [goal.table(found), *tables] if found else tables

    def versions(self) -> dict[str, dict[str, str]]:
        """Installed packages by peer."""
        return {peer.name: shop.environment.versions for peer, shop in self.shops.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for, print it, and write it into the page if asked to."""
    options = _options(arguments)
    if not wrk.is_installed():
        sys.exit("wrk is not installed: apt-get install wrk")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    place, bench = machine.describe(), Bench(options)
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as folder:
        bench.prepare(Path(folder))
        if options.profile:
            shop = bench.shops[bench.interlock]
            profile(bench.interlock, shop, options.profile, model=options.model, seconds=options.seconds)
            return
        bench.measure()
    text = report(bench, place)
    if options.write:
        document.write("serving", text)
    print(_json(bench, place) if options.json else text)


def _say(sentence: str) -> None:
    print(f"[{time.perf_counter() - _BEGAN:.0f} s] {sentence}", file=sys.stderr)


def report(bench: Bench, place: dict[str, str]) -> str:
    """Machine, versions and tables as Markdown."""
    options = bench.options
    how = f"{options.rounds} round{'s' if options.rounds > 1 else ''} of {options.seconds} s a measurement; medians"
    lines = [f"- {name}: {value}" for name, value in {**place, "measured": how}.items()]
    for name, versions in bench.versions().items():
        lines.append(f"- {name}: {', '.join(f'{package} {version}' for package, version in versions.items())}")
    lines += [f"- left out: {name}: {why.splitlines()[0]}" for name, why in bench.left_out.items()]
    return "\n\n".join(["\n".join(lines), *(table.markdown() for table in bench.tables())])


def _json(bench: Bench, place: dict[str, str]) -> str:
    tables = [{"name": table.name, "title": table.title, "rows": list(table.rows)} for table in bench.tables()]
    found = {"machine": place, "versions": bench.versions(), "left_out": bench.left_out, "tables": tables}
    return json.dumps({**found, "rounds": bench.options.rounds, "seconds": bench.options.seconds})


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--only", type=some_of(NAMES), default=NAMES, metavar="A,B", help=f"of {','.join(NAMES)}")
    parser.add_argument(
        "--peers", type=some_of(PEER_NAMES), default=PEER_NAMES, metavar="A,B", help=f"of {','.join(PEER_NAMES)}"
    )
    parser.add_argument("--ray", action="store_true", help="also Ray Serve")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--write", action="store_true", help=f"replace the figures in {document.PAGE.name}")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="record the gateway with py-spy; measure nothing")
    parser.add_argument("--model", default="LR", choices=("LR", "RF"), help="which one --profile asks")
    options = parser.parse_args(arguments)
    if options.write and (options.only != NAMES or options.peers != PEER_NAMES):
        parser.error("--write replaces the whole section; leave out --only and --peers")
    return options


if __name__ == "__main__":
    main()
