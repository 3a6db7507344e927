"""Requests per second and latency at 1 and 32 connections, and what each process used for it.

The load generator is wrk on one thread; server and wrk share the machine. Before a target is measured it is warmed up.
"""

from collections import defaultdict

from benchmarks.serving import wrk
from benchmarks.serving.peers import echo, interlock
from benchmarks.serving.server import Server
from benchmarks.serving.target import Target
from benchmarks.tables import Table, medians, ratio

NAME = "throughput"
CONNECTIONS = (1, 32)
RATE = "requests/s"
_WARM_UP_SECONDS, _WARM_UP_CONNECTIONS = 1.0, 8

# Server, model, connections.
Key = tuple[str, str, int]


class Throughput:
    """Collects the rounds.

    Args:
        seconds: Length of one measurement.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._rounds: list[dict[Key, dict[str, float]]] = []
        self._processors: list[dict[tuple[str, str, str], dict[str, float]]] = []
        self._sizes: list[dict[tuple[str, str], dict[str, float]]] = []

    def measure(self, server: Server, target: Target) -> None:
        """Measure one target once."""
        server.settle()
        wrk.run(target, _WARM_UP_CONNECTIONS, _WARM_UP_SECONDS)
        for connections in CONNECTIONS:
            before = server.cpu_seconds()
            load = wrk.run(target, connections, self._seconds)
            used = {pid: seconds - before.get(pid, 0.0) for pid, seconds in server.cpu_seconds().items()}
            figures = {
                RATE: load.requests_per_second,
                "p50 ms": load.p50_ms,
                "p99 ms": load.p99_ms,
                "server CPU µs a request": sum(used.values()) / load.requests * 1e6,
            }
            self.add((target.server, target.model, connections), figures)
            if connections == CONNECTIONS[-1]:
                self._note_processors(server, target, used, load)
        size = {"start, seconds": server.start_seconds, "memory after it, MB (PSS)": sum(server.pss_mb().values())}
        self._sizes.append({(target.server, target.model): size})

    def add(self, key: Key, figures: dict[str, float]) -> None:
        """Take one measurement."""
        self._rounds.append({key: figures})

    def _note_processors(self, server: Server, target: Target, used: dict[int, float], load: wrk.Load) -> None:
        by_name = by_process(server, used)
        by_name["(wrk)"] = load.cpu_seconds
        self._processors.append(
            {
                (target.server, target.model, name): {
                    "µs a request": seconds / load.requests * 1e6,
                    "share of a core": seconds / load.seconds,
                }
                for name, seconds in by_name.items()
            }
        )

    def latest_rate(self, target: Target) -> float | None:
        """Requests per second of the last run with the most connections."""
        key = (target.server, target.model, CONNECTIONS[-1])
        return next((found[key][RATE] for found in reversed(self._rounds) if key in found), None)

    def figures(self) -> dict[Key, dict[str, float]]:
        """Medians by server, model and connections."""
        return medians(self._rounds)

    def best_peer(self, model: str, connections: int, figure: str = RATE) -> tuple[str, float] | None:
        """The peer with the most requests per second for a model, and a figure of it."""
        found = self.figures()
        ours = (interlock.COMPILED, interlock.ISOLATED, echo.SERVER)
        peers = {key: of for key, of in found.items() if key[1:] == (model, connections) and key[0] not in ours}
        if not peers:
            return None
        best = max(peers, key=lambda key: peers[key][RATE])
        return best[0], peers[best][figure]

    def tables(self) -> list[Table]:
        """One table for each number of connections, and where the processor's time went."""
        tables = [self._table(connections) for connections in CONNECTIONS]
        return [*tables, self._processor_table(), self._size_table()]

    def _table(self, connections: int) -> Table:
        found = self.figures()
        limit = found.get((echo.SERVER, "", connections), {}).get(RATE)
        rows = []
        for (server, model, count), figures in found.items():
            if count == connections:
                best = self.best_peer(model, connections)
                rows.append(
                    {
                        "server": server,
                        "model": model,
                        RATE: figures[RATE],
                        "of the echo": ratio(figures[RATE], limit),
                        "of the best peer": ratio(figures[RATE], best[1] if best else None),
                        **{name: value for name, value in figures.items() if name != RATE},
                    }
                )
        title = f"Closed loop, {connections} connection{'s' if connections > 1 else ''}"
        return Table(NAME, title, sorted(rows, key=lambda row: (str(row["model"]), -float(str(row[RATE])))))

    def _processor_table(self) -> Table:
        rows = [
            {"server": server, "model": model, "process": name, **figures}
            for (server, model, name), figures in medians(self._processors).items()
            if server in (interlock.COMPILED, interlock.ISOLATED) and figures["share of a core"] >= 0.005
        ]
        title = f"Where the processor's time goes, {CONNECTIONS[-1]} connections"
        return Table(NAME, title, rows, ["Processes under half a percent of a core are left out."])

    def _size_table(self) -> Table:
        rows = [{"server": server, "model": model, **size} for (server, model), size in medians(self._sizes).items()]
        notes = ["Start: to the first answer. Memory: of all its processes. MLServer holds both models."]
        return Table(NAME, "Start and memory", rows, notes)


def by_process(server: Server, figures: dict[int, float]) -> dict[str, float]:
    """Sums by name of process, of what was found by process id."""
    names = server.names()
    found: dict[str, float] = defaultdict(float)
    for pid, figure in figures.items():
        found[names.get(pid, "gone")] += figure
    return found
