"""Requests per second and latency over HTTP: Interlock with everything on, a hand-written server, a bare echo.

Usage: `make bench`, or `python benchmarks/serving/run.py [--seconds 5] [--rounds 3] [--json]`. Each round measures
every server once, in turn, so that a noisy minute hits all of them. All traffic stays on loopback.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq
import skops.io
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
CONNECTIONS = (1, 32)


@dataclass(frozen=True)
class Target:
    """A server under test: where to post what, with which headers."""

    name: str
    url: str
    body: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Figure:
    """One measurement by wrk."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as servers:
        targets = _start_all(Path(folder), servers)
        results = _measure(targets, options.seconds, options.rounds)
    _print(results, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _start_all(folder: Path, servers: contextlib.ExitStack) -> list[Target]:
    data = load_breast_cancer()
    row = [float(value) for value in data.data[0]]
    names = [name.replace(" ", "_") for name in data.feature_names]
    reference = folder / "reference.parquet"
    pq.write_table(pa.table({**dict(zip(names, data.data.T, strict=True)), "label": data.target}), reference)
    targets = [Target("echo", servers.enter_context(_uvicorn("echo_app", {})) + "/", json.dumps(row), {})]
    for short, model in (
        ("LR", make_pipeline(StandardScaler(), LogisticRegression())),
        ("RF", RandomForestClassifier(100, random_state=0)),
    ):
        model.fit(data.data[:400], data.target[:400])
        path = folder / f"{short.lower()}.skops"
        skops.io.dump(model, path)
        fastapi = servers.enter_context(_uvicorn("fastapi_app", {"MODEL": str(path)}))
        targets.append(Target(f"FastAPI {short}", fastapi + "/predict", json.dumps({"features": row}), {}))
        targets.append(servers.enter_context(_interlock(folder, short, path, reference, row)))
    return targets


@contextlib.contextmanager
def _uvicorn(module: str, environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(command, cwd=HERE, env={**os.environ, "OMP_NUM_THREADS": "1", **environment})
    try:
        _wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for_port(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    sys.exit(f"nothing answers on port {port}")


@contextlib.contextmanager
def _interlock(folder: Path, short: str, model: Path, reference: Path, row: list[float]) -> Iterator[Target]:
    name = short.lower()
    home = folder / f"home-{name}"
    up = [sys.executable, "-m", "interlock", "up", "--home", str(home), "--port", "0", "--control-port", "0"]
    process = subprocess.Popen(up, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    gateway = process.stdout.readline().split("gateway=")[1].split()[0]
    key = next(match[0] for line in process.stderr if (match := re.search(r"ilk_\w+", line)))
    environment = {**os.environ, "INTERLOCK_API_KEY": key}

    def interlock(*words: str) -> None:
        command = [sys.executable, "-m", "interlock", *words, "--home", str(home)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

    try:
        for _ in range(2):
            interlock("model", "register", name, str(model), "--reference", str(reference), "--label", "label")
        interlock("endpoint", "create", name, "--model", f"{name}:1")
        # Labels never come here, so that asking for them keeps the canary at 10 % for as long as it is measured.
        plan = folder / "plan.json"
        plan.write_text('{"steps": [0.1, 1.0], "require_labels": "yes"}')
        interlock("release", "start", name, "--candidate", f"{name}:2", "--strategy", "canary", "--plan", str(plan))
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        body = json.dumps({"inputs": [{"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}]})
        url = f"{gateway}/v2/models/{name}/infer"
        with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers)) as answer:
            assert answer.status == 200
        yield Target(f"Interlock {short}", url, body, headers)
    finally:
        process.terminate()
        process.wait(30)


def _measure(targets: list[Target], seconds: int, rounds: int) -> dict[tuple[str, int], list[Figure]]:
    results: dict[tuple[str, int], list[Figure]] = {}
    for number in range(rounds):
        for connections in CONNECTIONS:
            for target in targets:
                print(f"round {number + 1}: {target.name}, {connections} connections", file=sys.stderr)
                results.setdefault((target.name, connections), []).append(_wrk(target, connections, seconds))
    return results


def _wrk(target: Target, connections: int, seconds: int) -> Figure:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        headers = "\n".join(f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}" for k, v in target.headers.items())
        script.write(f'wrk.method = "POST"\nwrk.body = [[{target.body}]]\n')
        script.write(f'wrk.headers["Content-Type"] = "application/json"\n{headers}\n')
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script.name, target.url]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        sys.exit(f"{target.name} answered with errors:\n{text}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert rate is not None
    return Figure(float(rate[1]), _latency(text, "50%"), _latency(text, "99%"))


def _latency(text: str, quantile: str) -> float:
    found = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s)", text)
    assert found is not None
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def _print(results: dict[tuple[str, int], list[Figure]], *, as_json: bool) -> None:
    rows = [
        {
            "server": name,
            "connections": connections,
            "requests_per_second": round(median(figure.requests_per_second for figure in figures)),
            "p50_ms": round(median(figure.p50_ms for figure in figures), 3),
            "p99_ms": round(median(figure.p99_ms for figure in figures), 3),
            "rounds": len(figures),
        }
        for (name, connections), figures in results.items()
    ]
    if as_json:
        print(json.dumps({"machine": platform.platform(), "cores": os.cpu_count(), "results": rows}))
        return
    rate = {(row["server"], row["connections"]): float(str(row["requests_per_second"])) for row in rows}
    print("| server | connections | requests/s | of the echo | p50 ms | p99 ms |\n|---|---|---|---|---|---|")
    for row in rows:
        share = rate[row["server"], row["connections"]] / rate["echo", row["connections"]]
        print(
            f"| {row['server']} | {row['connections']} | {row['requests_per_second']:,} | {share:.2f} "
            f"| {row['p50_ms']} | {row['p99_ms']} |"
        )


if __name__ == "__main__":
    main()
