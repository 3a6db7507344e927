"""The example of online learning, as a user runs it: a real server, delayed labels, snapshots that come to serve."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "online" / "run.py"


@pytest.mark.slow
def test_the_example_learns_as_river_does_and_its_snapshots_come_to_serve(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE), "--json", "--home", str(tmp_path / "home"), "--delay", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["accuracy"]["learner"] == found["accuracy"]["river"]
    assert found["snapshots"] >= 1
    assert found["last_snapshot"] == found["answers_now"] != "phishing:1"
    assert found["replay"]["is_same"]
    assert sum(found["versions"].values()) == found["rows"] == 1250
