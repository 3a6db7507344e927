"""What the serving figures must reach."""

from benchmarks.goal import Goal
from benchmarks.serving.measurements.memory import ONE, WHOLE, WORKER, Memory
from benchmarks.serving.measurements.open_loop import OpenLoop
from benchmarks.serving.measurements.startup import AGAIN, MODEL, Startup
from benchmarks.serving.measurements.throughput import RATE, Throughput
from benchmarks.serving.models import MODELS
from benchmarks.serving.peers import echo, fastapi, interlock
from benchmarks.tables import ratio

P50 = "p50 ms"


def of_throughput(throughput: Throughput) -> list[Goal]:
    """Ratios to the echo, to the best peer and to what people write by hand."""
    found = throughput.figures()

    def figure(server: str, model: str, connections: int, name: str = RATE) -> float | None:
        return found.get((server, model, connections), {}).get(name)

    goals = []
    for model in MODELS:
        ours, best = figure(interlock.COMPILED, model, 32), throughput.best_peer(model, 32)
        name = f"{model}, 32 connections: requests/s of"
        goals += [
            Goal(f"{name} the best peer ({best[0] if best else 'none'})", ratio(ours, best and best[1]), 6, aim=8),
            Goal(f"{name} the echo", ratio(ours, figure(echo.SERVER, "", 32)), 0.22, aim=0.30),
        ]
        p50 = figure(interlock.COMPILED, model, 1, P50)
        name = f"{model}, 1 connection: p50 of"
        by_hand = ratio(p50, figure(fastapi.SERVER, model, 1, P50))
        goals += [
            Goal(f"{name} the echo", ratio(p50, figure(echo.SERVER, "", 1, P50)), 2.5, most=True, aim=2),
            Goal(f"{name} FastAPI by hand", by_hand, 0.4, most=True),
        ]
    best = throughput.best_peer("RF", 32)
    isolated = ratio(figure(interlock.ISOLATED, "RF", 32), best and best[1])
    goals.append(Goal("RF isolated, 32 connections: requests/s of the best peer", isolated, 1.5))
    default = ratio(figure(interlock.ISOLATED, "LR", 32), figure("MLServer", "LR", 32))
    goals.append(Goal("LR isolated, 32 connections: requests/s of MLServer as it comes", default, 1))
    return goals


def of_open_loop(open_loop: OpenLoop) -> list[Goal]:
    """The open loop's p99."""
    found = open_loop.figures()
    what = "{}: p99 ms at half of the capacity, open loop"
    return [
        Goal(what.format(model), found.get((interlock.COMPILED, model), {}).get("p99 ms"), 5, most=True)
        for model in MODELS
    ]


def of_memory(memory: Memory) -> list[Goal]:
    """Megabytes of a worker and of everything."""
    found = memory.figures().get(ONE, {})
    return [
        Goal("MB of a gateway worker with one model", found.get(WORKER), 250, most=True),
        Goal("MB of the whole idle `interlock up`", found.get(WHOLE), 600, most=True),
    ]


def of_startup(startup: Startup) -> list[Goal]:
    """Seconds of a start after the first."""
    found = startup.figures()
    return [Goal(f"start, {name}: seconds", found.get(name), 3, most=True) for name in (AGAIN, MODEL)]
