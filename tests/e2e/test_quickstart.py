"""The first ten minutes in one step, on the command line and in a script."""

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Wine
from tests.e2e.product import INTERLOCK, environment, run

_PORTS = ("--port", "0", "--control-port", "0")


def test_serve_prints_a_curl_line_that_works_and_drains_on_sigterm(wine: Wine, tmp_path: Path) -> None:
    options = ("--reference", str(wine.reference), "--label", "cultivar", "--home", str(tmp_path / "home"), *_PORTS)
    process = subprocess.Popen(
        [*INTERLOCK, "serve", str(wine.forest), *options],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        assert "forest:1 answers at endpoint 'forest'" in said
        command = next(line for line in said.splitlines() if line.startswith("curl "))
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True, timeout=60)
        assert json.loads(done.stdout) == {"predictions": wine.truth.head(1).tolist()}
        key = re.findall(r"INTERLOCK_API_KEY=(\S+)", said)[0]
        listed = run("model", "list", env={"INTERLOCK_HOME": str(tmp_path / "home"), "INTERLOCK_API_KEY": key})
        assert "forest:1" in listed.stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=90) == 0


def test_serve_says_in_one_sentence_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    done = run("serve", str(tmp_path / "junk.onnx"), "--home", str(tmp_path / "home"), *_PORTS)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


_SCRIPT = """
import interlock
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True, as_frame=True)
model = LogisticRegression(max_iter=1000).fit(X[::2], y[::2])
with interlock.serve(model, X[1::2], y[1::2], name="iris", home="home") as served:
    answer = served.predict(X[1::2].head(3))
    print(answer.version, answer.values == model.predict(X[1::2].head(3)).tolist(), served.url.startswith("http://"))
    print(served.client.label("iris", dict(zip(answer.ids, y[1::2].head(3).tolist()))))
"""


def test_serve_from_a_script(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["iris:1 True True", "{'accepted': 3, 'rejected': []}"]


def test_a_server_ends_with_the_script_that_started_it(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from interlock.process.launch import launch\n"
        "server = launch(Path('home')); print(server._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdecimal()
    # It drains, and then lets go of the folder.
    subprocess.run(["flock", "--wait", "60", str(tmp_path / "home" / "lock"), "true"], check=True)
