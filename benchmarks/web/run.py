"""Server time and weight of every page, on a home folder as large as an organisation's.

Usage: `make bench-web`, or `python -m benchmarks.web.run`. The server is the process of the API as `interlock up`
starts it. Time is what its threads ran on a processor for one request, of `/proc`: the machine may be shared.
"""

import argparse
import gzip
import multiprocessing
import re
import socket
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np

from benchmarks import document, goal, machine
from benchmarks.goal import Goal
from benchmarks.tables import Table
from benchmarks.web import home
from benchmarks.web.home import Size, name_of
from interlock import bootstrap
from interlock.settings import Settings

_MOST_MS, _FIRST_KB, _LATER_KB = 200.0, 1_000.0, 100.0


def pages(size: Size) -> dict[str, str]:
    """Every page that shows what grows."""
    one, feature = name_of(0), size.names[0]
    return {
        "Overview": "/",
        "Overview, while watching": "/now",
        "Endpoint": f"/endpoints/{one}",
        "Endpoint, while watching": f"/endpoints/{one}/now",
        "Try it": f"/endpoints/{one}/try",
        "Feature": f"/endpoints/{one}/features/{feature}?window=28d",
        "Monitoring": "/monitoring",
        "Monitoring of an endpoint, 24 h": f"/monitoring/{one}",
        "Monitoring of an endpoint, 7 d": f"/monitoring/{one}?window=7d",
        "Monitoring of an endpoint, every column": f"/monitoring/{one}?every=true",
        "Compare": f"/monitoring/{one}/compare",
        "Errors, 24 h": f"/endpoints/{one}/errors?window=24h",
        "Errors, 7 d": f"/endpoints/{one}/errors",
        "Slices, 7 d": f"/endpoints/{one}/errors/slices",
        "Labelling": f"/endpoints/{one}/labelling",
        "Report of a day": f"/endpoints/{one}/report",
        "Releases": "/releases",
        "Alerts": "/alerts",
        "Models": "/models",
        "Version": "/models/model/1",
        "Log": "/log",
        "Audit": "/audit",
        "System": "/system",
        "Keys": "/keys",
    }


def main() -> None:
    """Make the home, look at every page, print what it took."""
    options = _options()
    size = Size() if options.scale == 1 else replace(Size(), predictions=round(Size().predictions * options.scale))
    with tempfile.TemporaryDirectory(prefix="interlock-bench-", dir=options.folder) as folder:
        settings = Settings(home=Path(folder) / "home")
        began = time.perf_counter()
        home.make(settings, size)
        _, key = bootstrap.build_key_ring(settings).create("bench", "admin", actor=bootstrap.local_actor())
        print(f"home made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        rows, weights = _measure(settings, key, size, options.rounds)
    text = _text(size, rows, weights, options.rounds)
    if options.write:
        document.write("web", text)
    print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="requests for each page")
    parser.add_argument("--scale", type=float, default=1.0, help="of the ten million predictions")
    parser.add_argument("--folder", type=Path, help="where the home is made")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


def _measure(settings: Settings, key: str, size: Size, rounds: int) -> tuple[list[dict[str, object]], dict[str, float]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = multiprocessing.get_context("spawn").Process(target=bootstrap.serve_api, args=(settings, listener))
    server.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=120) as browser:
            _sign_in(browser, key)
            rows = [_page(browser, int(server.pid or 0), *each, rounds) for each in pages(size).items()]
            weights = _weights(browser)
    finally:
        server.terminate()
        server.join(30)
    return rows, weights


def _sign_in(browser: httpx.Client, key: str) -> None:
    for _ in range(300):
        try:
            page = browser.get("/sign-in").text
            break
        except httpx.TransportError:
            time.sleep(0.1)
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    assert browser.post("/sign-in", data={"csrf": token[1], "key": key}).status_code == 303


def _page(browser: httpx.Client, pid: int, name: str, path: str, rounds: int) -> dict[str, object]:
    used, size = [], 0.0
    for _ in range(rounds + 1):
        before = _processor_seconds(pid)
        answer = browser.get(path)
        assert answer.status_code == 200, (path, answer.text[:500])
        used.append((_processor_seconds(pid) - before) * 1000)
        size = int(answer.headers["content-length"]) / 1000
    first, later = used[0], used[1:]
    print(f"{name}: {np.quantile(later, 0.95):.0f} ms", file=sys.stderr)
    return {
        "page": name, "first ms": first, "p50 ms": float(np.median(later)), "p95 ms": float(np.quantile(later, 0.95)),
        "kB compressed": size,
    }  # fmt: skip


def _processor_seconds(pid: int) -> float:
    """What all threads of a process have run, in nanoseconds as the scheduler counts them."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    return total / 1e9


def _weights(browser: httpx.Client) -> dict[str, float]:
    """kB of what a browser loads once: style and script."""
    page = browser.get("/").text
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    return {path: len(gzip.compress(browser.get(path).content)) / 1000 for path in dict.fromkeys(found)}


def _text(size: Size, rows: list[dict[str, object]], weights: dict[str, float], rounds: int) -> str:
    slowest = max(float(str(row["p95 ms"])) for row in rows if "Slices" not in str(row["page"]))
    heaviest = max(float(str(row["kB compressed"])) for row in rows)
    goals = [
        Goal("slowest page but the search for slices, p95 of processor time, ms", slowest, _MOST_MS, most=True),
        Goal("heaviest page, kB", heaviest, _LATER_KB, most=True),
        Goal("heaviest first page with style and script, kB", heaviest + sum(weights.values()), _FIRST_KB, most=True),
    ]
    place = machine.describe()
    place["home"] = (
        f"{size.endpoints} endpoints, {size.features} features, {size.days} days, {size.predictions:,} predictions in "
        "counts and profiles; the log holds those of the endpoint that is looked at"
    )
    place["measured"] = f"{rounds} requests for each page, after a first one; processor time of the API's process"
    lines = "\n".join(f"- {name}: {value}" for name, value in place.items())
    tables = [goal.table(goals), Table("web", "Every page", rows)]
    return "\n\n".join([lines, *(table.markdown() for table in tables)])


if __name__ == "__main__":
    main()
