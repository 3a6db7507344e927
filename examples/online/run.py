"""A model that learns from each label as it comes: River's Phishing stream, labels delayed, through a real server.

    python examples/online/run.py [--delay 100] [--home DIR] [--json]

Starts `interlock up` on a home folder of its own, asks for every row of the stream, tells the labels `--delay` rows
later, and watches the learner publish snapshots that gateways pick up. At the end it compares with what River says of
the same stream. Needs the extra `online`.
"""

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from river import datasets, evaluate, linear_model, metrics, preprocessing

from interlock import Client, Prediction

ENDPOINT = "phishing"
ROWS = [(x, bool(y)) for x, y in datasets.Phishing()]
INTERLOCK = [sys.executable, "-m", "interlock"]


def blank_model() -> Any:
    """The pipeline of River's own documentation; it has learnt nothing."""
    return preprocessing.StandardScaler() | linear_model.LogisticRegression()


def accuracy_by_river(delay: int) -> float:
    """What River computes of the stream: each row is answered, and learnt from `delay` rows later."""
    found = evaluate.progressive_val_score(iter(ROWS), blank_model(), metrics.Accuracy(), delay=delay or None)
    return float(found.get())


@contextmanager
def server(home: Path) -> Iterator[tuple[Client, dict[str, str]]]:
    """`interlock up`, and a client with the administrator's key."""
    command = [*INTERLOCK, "up", "--home", str(home), "--port", "0", "--control-port", "0", "--no-auth"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        words = dict(word.split("=", 1) for word in process.stdout.readline().split()[1:])
        yield Client(words["control"], gateway=words["gateway"]), words
    finally:
        process.terminate()
        process.wait(120)


def prepare(home: Path, control: str, folder: Path) -> None:
    """Register the model, create the endpoint, and let it learn."""
    (folder / "model.pkl").write_bytes(pickle.dumps(blank_model()))
    first = ROWS[:200]
    table = {name: [float(x[name]) for x, _ in first] for name in ROWS[0][0]} | {"is_phishing": [y for _, y in first]}
    pq.write_table(pa.table(table), folder / "reference.parquet")
    (folder / "learning.yaml").write_text("serve: true\nevery_labels: 200\nevery_seconds: 10\n")
    run("model", "register", ENDPOINT, str(folder / "model.pkl"), "--reference", str(folder / "reference.parquet"),
        "--label", "is_phishing", "--trust-pickle", control=control, home=home)  # fmt: skip
    run("endpoint", "create", ENDPOINT, "--model", f"{ENDPOINT}:1", control=control, home=home)
    run("endpoint", "learn", ENDPOINT, "--file", str(folder / "learning.yaml"), control=control, home=home)


def run(*arguments: str, control: str, home: Path) -> None:
    """One command of the command line."""
    done = subprocess.run(
        [*INTERLOCK, *arguments, "--server", control, "--home", str(home)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr)


def stream(client: Client, delay: int, pause_seconds: float) -> dict[str, Any]:
    """Ask for every row, and tell each label when `delay` further rows were asked. What callers got."""
    waiting: deque[tuple[str, bool]] = deque()
    versions: dict[str, int] = {}
    right = 0
    for x, y in ROWS:
        answer = ask(client, x)
        right += bool(answer.values[0]) == y
        versions[answer.version] = versions.get(answer.version, 0) + 1
        waiting.append((answer.ids[0], y))
        tell(client, waiting, keep=delay)
        time.sleep(pause_seconds)
    tell(client, waiting, keep=0)
    return {"accuracy": right / len(ROWS), "versions": versions}


def ask(client: Client, x: dict[str, Any]) -> Prediction:
    """One row."""
    return client.predict(ENDPOINT, {name: [float(value)] for name, value in x.items()})


def picked_up(client: Client, version: str, seconds: float = 60.0) -> str:
    """Who answers, as soon as it is the last snapshot."""
    until = time.monotonic() + seconds
    while (answering := ask(client, ROWS[0][0]).version) != version and time.monotonic() < until:
        time.sleep(0.25)
    return answering


def tell(client: Client, waiting: "deque[tuple[str, bool]]", *, keep: int) -> None:
    """Tell labels until so many wait."""
    due = [waiting.popleft() for _ in range(max(0, len(waiting) - keep))]
    if due:
        client.label(ENDPOINT, [{"prediction_id": id, "label": label} for id, label in due])


def learnt(client: Client, seconds: float = 300.0) -> dict[str, Any]:
    """Wait until every label was learnt."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = client.learner(ENDPOINT)
        if found["counts"].get("learnt", 0) >= len(ROWS) or found["state"] != "learning":
            return found
        time.sleep(0.5)
    raise SystemExit(f"not every label was learnt within {seconds:g} s: {client.learner(ENDPOINT)}")


def main() -> None:
    """Run the story and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=int, default=100, help="rows between a prediction and its label")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between requests")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interlock-online-") as folder:
        home = given.home or Path(folder) / "home"
        with server(home) as (client, words):
            prepare(home, words["control"], Path(folder))
            served = stream(client, given.delay, given.pause)
            learner = learnt(client)
            answering = picked_up(client, learner["good"])
            last = client.replay_snapshot(learner["good"]) if learner["snapshots"] else None
    found = {
        "rows": len(ROWS),
        "delay": given.delay,
        "accuracy": {
            "river": accuracy_by_river(0),
            "learner": learner["progress"]["accuracy"],
            "river_with_delay": accuracy_by_river(given.delay),
            "served": served["accuracy"],
        },
        "versions": served["versions"],
        "last_snapshot": learner["good"],
        "answers_now": answering,
        "snapshots": learner["snapshots"],
        "sentence": learner["sentence"],
        "replay": last,
    }
    print(json.dumps(found, indent=2) if given.json else spell(found))


def spell(found: dict[str, Any]) -> str:
    """For people."""
    accuracy = found["accuracy"]
    lines = [
        f"{found['rows']} rows, labels {found['delay']} rows later; {found['snapshots']} snapshots published",
        f"answered before it was learnt: {accuracy['learner']:.2%} right; River says {accuracy['river']:.2%}",
        f"what callers got: {accuracy['served']:.2%}; River with that delay, learning at once: "
        f"{accuracy['river_with_delay']:.2%}",
        "rows answered by each version: " + ", ".join(f"{ref} {rows}" for ref, rows in found["versions"].items()),
        f"guard: {found['sentence']}",
    ]
    if found["replay"]:
        lines.append(f"taught again, {found['replay']['version']} is {found['replay']['reason']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
