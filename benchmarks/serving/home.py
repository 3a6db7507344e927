"""Home folders of Interlock, made once and copied for each start, so that every round begins with the same."""

import json
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving import processes
from benchmarks.serving.models import Data
from benchmarks.serving.server import free_port
from benchmarks.serving.target import Launch, Target
from interlock.client.client import Client
from interlock.process.launch import launch

# Labels never come here, so that asking for them keeps the canary at 10 % for as long as it is measured.
_CANARY = {"steps": [0.1, 1.0], "require_labels": "yes"}


@dataclass(frozen=True)
class Served:
    """An endpoint of a home.

    Args:
        name: Of the endpoint and of its model.
        file: The model.
        compiled: Whether its ONNX twin serves, or the original in a process of its own.
        canary: Whether a candidate gets 10 % of the traffic.
    """

    name: str
    file: Path
    compiled: bool = True
    canary: bool = True


@dataclass(frozen=True)
class Home:
    """A home folder that nothing runs on, and a key for it."""

    folder: Path
    key: str
    endpoints: tuple[str, ...]

    def copy(self, to: Path) -> "Home":
        """The same in another place, which is emptied first."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.folder, to)
        return Home(to, self.key, self.endpoints)


def make_home(folder: Path, data: Data, served: Sequence[Served]) -> Home:
    """Register models and create endpoints, then stop the server."""
    with launch(folder, key_name="bench") as server, server.connect() as client:
        # Each registration is a process of its own, mostly busy: as many at a time as there are cores here.
        with ThreadPoolExecutor(2) as pool:
            for ref in pool.map(lambda one: _register(client, one, data), served):
                print(f"registered {ref}", file=sys.stderr)
        for one in served:
            client.create_endpoint(one.name, f"{one.name}:1")
            if one.canary:
                client.start_release(one.name, f"{one.name}:2", plan=_CANARY)
        key = server.key
    return Home(folder, key, tuple(one.name for one in served))


def _register(client: Client, one: Served, data: Data) -> str:
    for _ in range(2 if one.canary else 1):
        found = client.register(one.name, one.file, reference=data.reference, label="label", compile=one.compiled)
    served_as = "onnx" if one.compiled else "skops"
    if found["serving_format"] != served_as:
        raise RuntimeError(f"{found['ref']} is served as {found['serving_format']}, must be {served_as}")
    return str(found["ref"])


def launch_home(home: Home, targets: Sequence[tuple[str, str, str]], data: Data, *, workers: int = 1) -> Launch:
    """`interlock up` on a home.

    Args:
        targets: Server (as tables call it), model and endpoint of each target.
    """
    port = free_port()
    words = ("up", "--home", home.folder, "--port", port, "--control-port", free_port(), "--workers", workers)
    command = [sys.executable, "-P", "-m", "interlock", *(str(word) for word in words)]
    found = [target(home, server, model, endpoint, data, port) for server, model, endpoint in targets]
    return Launch(command, found, folder=home.folder.parent, labels=lambda: names(home.folder))


def target(home: Home, server: str, model: str, endpoint: str, data: Data, port: int) -> Target:
    """An endpoint, asked over Open Inference v2."""
    row = data.row
    body = json.dumps({"inputs": [{"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}]})
    url = f"http://127.0.0.1:{port}/v2/models/{endpoint}/infer"
    return Target(server, model, url, body, {"Authorization": f"Bearer {home.key}"})


def names(home: Path) -> dict[int, str]:
    """What the processes of a running home are called, by id."""
    try:
        parts = json.loads((home / "run" / "processes.json").read_text())
    except FileNotFoundError:
        return {}
    found = {part["pid"]: str(part["name"]) for part in parts if part["pid"]}
    holder = (home / "lock").read_text().strip()
    if holder.isdecimal():
        found[int(holder)] = "supervisor"
        # Parts are forks of the nursery and have its command line, but they are named already.
        nurseries = [pid for pid in processes.tree(int(holder)) if "process.nursery" in processes.title(pid)]
        found = {pid: "nursery" for pid in nurseries} | found
    return found
