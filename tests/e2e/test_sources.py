"""Models from elsewhere than a file: MLflow's registry, a Python class, another server."""

import textwrap
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from tests.e2e.conftest import Wine
from tests.e2e.product import Product, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A server without any model."""
    product = Product(tmp_path_factory.mktemp("elsewhere") / "home").wait_until_ready()
    yield product
    product.stop()


def test_a_model_of_mlflows_registry_is_fetched_by_the_client(
    elsewhere: Product, wine: Wine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    rows = wine.heldout.rename(columns=str)
    model = LogisticRegression(max_iter=5000).fit(rows, wine.truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about integers and its store
        mlflow.set_tracking_uri(uri)
        with mlflow.start_run() as started:
            mlflow.sklearn.log_model(model, name="model", registered_model_name="wine", serialization_format="skops")
        mlflow.set_tracking_uri(None)
    options = ("--reference", str(wine.reference), "--label", "cultivar")
    for source in ("models:/wine/1", f"runs:/{started.info.run_id}/model"):
        found = elsewhere.json("model", "register", "mlflow-wine", source, *options)
        assert (found["model_format"], found["serving_format"], found["placement"]) == ("mlflow", "onnx", "inline")
        assert found["lineage"]["origin"] == source
        assert found["lineage"]["run_id"] == started.info.run_id
    unknown = elsewhere.cli("model", "register", "mlflow-wine", "models:/wine/9")
    assert unknown.returncode == 2
    assert "MLflow cannot fetch 'models:/wine/9'" in unknown.stderr


_DOUBLES = """
class Doubles:
    inputs = {"x": "FP64"}

    def load(self, path):
        with open(f"{path}/factor.txt") as file:
            self.factor = float(file.read())

    def predict(self, columns):
        return columns["x"] * self.factor
"""


def test_a_python_class_is_served_with_the_code_it_was_registered_with(elsewhere: Product, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "doubles.py").write_text(textwrap.dedent(_DOUBLES))
    (code / "factor.txt").write_text("2")
    untrusted = elsewhere.cli("model", "register", "doubles", "python:doubles.Doubles", "--code", str(code))
    assert untrusted.returncode == 2
    assert "--trust-pickle" in untrusted.stderr
    options = ("--code", str(code), "--trust-pickle")
    found = elsewhere.json("model", "register", "doubles", "python:doubles.Doubles", *options)
    assert (found["entry"], found["placement"]) == ("doubles.Doubles", "isolated")
    (code / "factor.txt").write_text("5")  # what was registered does not change
    elsewhere.json("endpoint", "create", "doubles", "--model", found["ref"])
    with elsewhere.client() as client:
        assert client.predict("doubles", pd.DataFrame({"x": [1.5, -2.0]})).values == [3.0, -4.0]


def test_parameters_of_an_mlflow_model_come_with_the_request_and_are_logged(elsewhere: Product, tmp_path: Path) -> None:
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about type hints

        class Scales(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is not typed
            def predict(self, model_input: pd.DataFrame, params: Any = None) -> Any:
                return model_input["x"] * params["scale"]

        signature = mlflow.models.infer_signature(rows, rows["x"].to_numpy(), {"scale": 2.0})
        mlflow.pyfunc.save_model(str(tmp_path / "scales"), python_model=Scales(), signature=signature)
    found = elsewhere.json("model", "register", "scales", str(tmp_path / "scales"), "--trust-pickle")
    elsewhere.json("endpoint", "create", "scales", "--model", found["ref"], "--deadline-ms", "20000")
    url, headers = f"{elsewhere.gateway}/endpoints/scales/invocations", {"Authorization": f"Bearer {elsewhere.key}"}
    asked: list[dict[str, float]] = [{}, {"scale": 10.0}, {"scale": -1}]
    with ThreadPoolExecutor(6) as pool:  # many at a time, so that batches are of several callers
        bodies = [{"instances": [[at]], "params": asked[at % 3]} for at in range(60)]
        answers = list(pool.map(lambda body: httpx.post(url, json=body, headers=headers, timeout=30).json(), bodies))
    scales = [asked[at % 3].get("scale", 2.0) for at in range(60)]
    assert [answer["predictions"] for answer in answers] == [[at * scale] for at, scale in enumerate(scales)]
    refused = httpx.post(url, json={"instances": [[1.0]], "params": {"scale": "big"}}, headers=headers)
    assert (refused.status_code, "must be a number" in refused.text) == (400, True)
    with elsewhere.client() as client:
        client.wait_until_logged(60)
        logged = client.sql('SELECT "input.x" AS x, "input.scale" AS scale FROM scales ORDER BY 1')
    assert [row["scale"] for row in logged] == scales


def test_a_class_beside_the_user_is_sent_along(elsewhere: Product, tmp_path: Path) -> None:
    (tmp_path / "ones.py").write_text(
        "import numpy\nclass Ones:\n    inputs = {'x': 'FP64'}\n"
        "    def predict(self, columns):\n        return numpy.ones(len(columns['x']))\n"
    )
    done = run(
        "model", "register", "ones", "python:ones.Ones", "--trust-pickle",
        env={"INTERLOCK_HOME": str(elsewhere.home), "INTERLOCK_API_KEY": elsewhere.key}, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "registered ones:1"), done.stderr


def test_another_server_answers_behind_releases_and_log(product: Product, wine: Wine, tmp_path: Path) -> None:
    """The other server is another Interlock, which speaks the protocol as any other does."""
    front = Product(tmp_path / "front", env={"INTERLOCK_REMOTE_WINE": product.key})
    try:
        front.wait_until_ready()
        url = f"{product.gateway}/v2/models/wine"
        options = ("--reference", str(wine.reference), "--label", "cultivar")
        unauthorised = front.cli("model", "register", "wine", url, *options)
        assert unauthorised.returncode == 2
        assert f"{url} cannot be used: the server answers 401" in unauthorised.stderr
        found = front.json("model", "register", "wine", url, *options, "--token-env", "INTERLOCK_REMOTE_WINE")
        assert (found["model_format"], found["placement"]) == ("remote", "remote")
        assert product.key not in str(found)
        front.json("endpoint", "create", "wine", "--model", "wine:1")
        rows = wine.heldout.head(20)
        with product.client() as behind, front.client() as client:
            mine, theirs = client.predict("wine", rows), behind.predict("wine", rows)
            assert mine.version == "wine:1"
            assert mine.values == theirs.values
            np.testing.assert_allclose(mine.outputs["probabilities"], theirs.outputs["probabilities"])
            logged = client.sql("SELECT count(*) AS n FROM wine")[0]["n"]
        assert logged == 20
        key = front.json("key", "create", "--role", "approver", "--name", "ann")["key"]
        refused = front.cli("model", "register", "wine", url, *options, key=key)
        assert refused.returncode == 2
        assert "may not name a server; that needs role admin" in refused.stderr
    finally:
        front.stop()
