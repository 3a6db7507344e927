"""A profile of the gateway worker under load, by py-spy, for whoever wants to know where the time goes."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.serving import wrk
from benchmarks.serving.peers.interlock import COMPILED, Interlock
from benchmarks.serving.server import running
from benchmarks.serving.target import Workshop

_FORMATS = {".svg": "flamegraph", ".json": "speedscope", ".txt": "raw"}


def profile(interlock: Interlock, shop: Workshop, file: Path, *, model: str, seconds: int) -> None:
    """Load one endpoint with 32 connections and record its gateway worker.

    Args:
        file: Its suffix chooses the form: `.svg` a flame graph, `.json` for speedscope, `.txt` stacks with counts.
    """
    if (py_spy := _py_spy()) is None:
        sys.exit("py-spy is not installed: .venv/bin/pip install py-spy")
    if file.suffix not in _FORMATS:
        sys.exit(f"--profile {file}: must end with {', '.join(_FORMATS)}")
    with running(interlock.launch(shop, COMPILED, model)) as server:
        target = server.targets[0]
        wrk.run(target, 8, 1)
        worker = next(pid for pid, name in server.names().items() if name == "gw0")
        form = ["--format", _FORMATS[file.suffix], "--output", str(file), "--rate", "100"]
        command = [py_spy, "record", "--pid", str(worker), "--duration", str(seconds), *form]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as recording:
            load = wrk.run(target, 32, seconds + 1)
            _, told = recording.communicate(timeout=60)
        if recording.returncode != 0:
            sys.exit(f"py-spy failed (it needs root, or ptrace rights): {told.decode(errors='replace')[-500:]}")
    print(f"{file}: {target.name}, {load.requests_per_second:,.0f} requests/s while it was recorded", file=sys.stderr)


def _py_spy() -> str | None:
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")
