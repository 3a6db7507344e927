"""Two scikit-learns on one endpoint: a champion and a challenger, each with the interpreter that it was made with."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.e2e.product import Product

pytestmark = pytest.mark.slow

OLD, NEW = "1.6.1", "1.7.2"

_TRAIN = """
import json, pickle, sys
import numpy, sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
rows = numpy.random.default_rng(int(sys.argv[2])).normal(size=(300, 2))
model = HistGradientBoostingClassifier(max_iter=10).fit(rows, rows[:, 0] + rows[:, 1] > 0)
with open(sys.argv[1], "wb") as file:
    pickle.dump(model, file)
print(json.dumps({"sklearn": sklearn.__version__, "answer": model.predict_proba([[0.1, -0.3], [1.0, 1.0]]).tolist()}))
"""


@dataclass(frozen=True)
class Trained:
    """A model that an interpreter trained, and what that interpreter answers to two rows."""

    python: str
    model: Path
    answer: list[list[float]]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    folder = tmp_path_factory.mktemp("interpreters")
    return {version: _train(folder / version, version, seed) for seed, version in enumerate((OLD, NEW))}


def _train(folder: Path, version: str, seed: int) -> Trained:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    wanted = [f"scikit-learn=={version}", "msgspec"]
    command = [python, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        pytest.skip(f"pip cannot install {' '.join(wanted)}: {done.stderr.strip().splitlines()[-1][:200]}")
    model = folder / "model.pkl"
    said = subprocess.run([python, "-c", _TRAIN, str(model), str(seed)], capture_output=True, text=True, check=True)
    found = json.loads(said.stdout)
    assert found["sklearn"] == version
    return Trained(python, model, found["answer"])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("bench") / "home").wait_until_ready()
    yield product
    product.stop()


def test_two_versions_of_scikit_learn_answer_on_one_endpoint(
    bench: Product, trained: dict[str, Trained], tmp_path: Path
) -> None:
    rows = pd.DataFrame(np.random.default_rng(5).normal(size=(50, 2)), columns=["a", "b"])
    reference = tmp_path / "reference.csv"
    rows.assign(positive=rows["a"] + rows["b"] > 0).to_csv(reference, index=False)
    options = ("--reference", str(reference), "--label", "positive", "--trust-pickle")
    for number, version in enumerate((OLD, NEW), start=1):
        one = trained[version]
        found = bench.json("model", "register", "m", str(one.model), *options, "--python", one.python)
        assert (found["ref"], found["placement"], found["serving_format"]) == (f"m:{number}", "isolated", "pickle")
        assert found["frameworks"]["scikit-learn"] == version
        assert "its own interpreter" in found["parity"]["reason"]
    assert trained[OLD].python in bench.cli("model", "show", "m:1").stdout
    bench.json("endpoint", "create", "m", "--model", "m:1")
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"min_units": 100_000}))
    steps = ("--steps", "0.5,1", "--plan", str(plan))
    started = bench.json("release", "start", "m", "--candidate", "m:2", *steps)
    two_rows = pd.DataFrame({"a": [0.1, 1.0], "b": [-0.3, 1.0]})
    answered: dict[str, list[list[float]]] = {}
    with bench.client() as client:
        while client.release(started["id"])["state"] == "draft":
            pass
        for unit in range(400):
            answer = client.predict("m", two_rows, key=f"unit-{unit}")
            answered[answer.version] = answer.outputs["probabilities"]
            if len(answered) == 2:
                break
    assert answered.keys() == {"m:1", "m:2"}
    np.testing.assert_allclose(answered["m:1"], trained[OLD].answer)
    np.testing.assert_allclose(answered["m:2"], trained[NEW].answer)


def test_only_an_administrator_names_an_interpreter(bench: Product, trained: dict[str, Trained]) -> None:
    key = bench.json("key", "create", "--role", "operator", "--name", "op")["key"]
    one = trained[OLD]
    refused = bench.cli("model", "register", "n", str(one.model), "--python", one.python, key=key)
    assert refused.returncode == 2
    assert "may not name an interpreter; that needs role admin" in refused.stderr
