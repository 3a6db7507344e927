"""Closed-loop load by wrk: as many requests as so many connections can make, and what their latencies were."""

import json
import re
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from benchmarks.serving.server import ServerError
from benchmarks.serving.target import Target


@dataclass(frozen=True)
class Load:
    """What one run of wrk measured. `cpu_seconds` is what wrk itself used."""

    requests: int
    seconds: float
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_seconds: float = 0.0


def is_installed() -> bool:
    """Whether there is a wrk."""
    return shutil.which("wrk") is not None


def run(target: Target, connections: int, seconds: float) -> Load:
    """Load a target for some seconds.

    Raises:
        ServerError: It answered with errors.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(lua(target))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
        before = _children_seconds()
        done = subprocess.run(
            [*command, "--latency", "-s", script.name, target.url], capture_output=True, text=True, check=True
        )
    load = parse(done.stdout, target.name)
    return Load(**{**vars(load), "cpu_seconds": _children_seconds() - before})


def lua(target: Target) -> str:
    """The request as wrk's script.

    Examples:
        >>> print(lua(Target("echo", "", "http://h/", "[1]", {"A": "b"})), end="")
        wrk.method = "POST"
        wrk.body = [==[[1] ]==]
        wrk.headers["Content-Type"] = "application/json"
        wrk.headers["A"] = "b"
    """
    # The signs and the blank keep brackets in the body from ending Lua's own.
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{target.body} ]==]"]
    headers = {"Content-Type": "application/json", **target.headers}
    lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    return "\n".join(lines) + "\n"


def parse(text: str, name: str) -> Load:
    """Read wrk's report.

    Raises:
        ServerError: Some answers were errors, or there were none.
    """
    total = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)\b", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if total is None or rate is None or int(total[1]) == 0:
        raise ServerError(f"{name} answered nothing")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: (.*)", text)
    if refused or broken:
        raise ServerError(
            f"{name}: {refused[1] if refused else 0} of {total[1]} answers were errors"
            + (f", socket errors: {broken[1]}" if broken else "")
        )
    seconds = float(total[2]) * {"ms": 0.001, "s": 1, "m": 60}[total[3]]
    return Load(int(total[1]), seconds, float(rate[1]), _latency_ms(text, "50%"), _latency_ms(text, "99%"))


def _latency_ms(text: str, quantile: str) -> float:
    found = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s|m)\b", text)
    if found is None:
        raise ServerError(f"wrk reports no {quantile} latency")
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[found[2]]


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
