"""Bad input: one clear sentence, the right status or exit code, no traceback, and nothing else is disturbed."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product


def _post(product: Product, path: str, body: bytes, *, key: str | None = None) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [
            "curl", "-sS", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {key or product.key}",
            "-H", "Content-Type: application/json", "--data-binary", "@-", f"{product.gateway}{path}",
        ],
        input=body, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    answer, _, status = done.stdout.rpartition(b"\n")
    return int(status), json.loads(answer)


def _inputs(wine: Wine) -> list[dict[str, Any]]:
    row = wine.heldout.iloc[0]
    return [{"name": name, "shape": [1], "datatype": "FP64", "data": [row[name]]} for name in wine.heldout.columns]


def _changed(wine: Wine, **change: Any) -> bytes:
    inputs = _inputs(wine)
    inputs[0] = {**inputs[0], **change}
    return json.dumps({"inputs": inputs}).encode()


@pytest.fixture
def undisturbed(product: Product, wine: Wine) -> Any:
    """After each piece of bad input the next good request is answered."""
    yield
    with product.client() as client:
        assert client.predict("wine", wine.heldout.head(1)).values == [wine.truth[0]]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "wrong type": ({"datatype": "BYTES", "data": ["strong"]}, "alcohol"),
    "text for a number": ({"data": ["strong"]}, "alcohol"),
    "missing where none is allowed": ({"data": [None]}, "alcohol"),
    "wrong shape": ({"shape": [2]}, "alcohol"),
    "a list for a number": ({"shape": [1, 2], "data": [[1.0, 2.0]]}, "alcohol"),
    "wrong column": ({"name": "alcohol_by_volume"}, "alcohol"),
    "NaN": ({"data": [float("nan")]}, "alcohol"),
    "Infinity": ({"data": [float("inf")]}, "alcohol"),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.usefixtures("undisturbed")
def test_a_bad_field_is_400_and_named(product: Product, wine: Wine, what: str) -> None:
    change, named = BAD[what]
    status, answer = _post(product, "/v2/models/wine/infer", _changed(wine, **change))
    assert status == 400, answer
    assert list(answer) == ["error"]
    assert named in answer["error"]
    assert "Traceback" not in answer["error"]


@pytest.mark.parametrize(
    ("path", "body", "expected", "said"),
    [
        ("/v2/models/nobody/infer", b"{}", 404, "nobody"),
        ("/endpoints/nobody/invocations", b"{}", 404, "nobody"),
        ("/endpoints/nobody/labels", b'{"labels": []}', 404, "nobody"),
        ("/v2/models/wine/infer", b'{"inputs": [{"name": "alc', 400, ""),
        ("/v2/models/wine/infer", b"[]", 400, ""),
        ("/v2/models/wine/infer", b"", 400, ""),
        ("/endpoints/wine/labels", b'{"labels": 3}', 400, "labels"),
        ("/v2/models/wine/infer", b" " * 100_000_000, 413, ""),
    ],
    ids=["unknown v2", "unknown mlflow", "unknown labels", "truncated", "list", "empty", "labels", "100 MB"],
)
@pytest.mark.usefixtures("undisturbed")
def test_a_bad_request_is_one_sentence(product: Product, path: str, body: bytes, expected: int, said: str) -> None:
    status, answer = _post(product, path, body)
    assert status == expected, answer
    assert said in answer["error"]


@pytest.mark.parametrize("key", ["ilk_wrong", "x"])
@pytest.mark.usefixtures("undisturbed")
def test_a_wrong_key_is_401_on_both_ports(product: Product, wine: Wine, key: str) -> None:
    status, answer = _post(product, "/v2/models/wine/infer", _changed(wine), key=key)
    assert status == 401
    assert "key" in answer["error"]
    done = product.cli("model", "list", key=key)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the key")


@pytest.mark.usefixtures("undisturbed")
def test_what_is_not_a_model_is_refused_with_the_reason(product: Product, wine: Wine, tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"\0" * 100)
    (tmp_path / "junk.skops").write_bytes(b"PK\3\4 no")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    for name in ("junk.onnx", "junk.skops", "notes.txt", "empty"):
        done = product.cli("model", "register", "junk", str(tmp_path / name))
        assert (done.returncode, done.stdout) == (2, ""), (name, done.stderr)
        assert done.stderr.startswith("error: "), name
        assert "Traceback" not in done.stderr
    pickled = product.cli("model", "register", "junk", str(wine.pickled))
    assert pickled.returncode == 2
    assert "--trust-pickle" in pickled.stderr
    assert product.cli("model", "register", "junk", str(tmp_path / "not" / "there")).returncode == 2
    assert [each["name"] for each in product.json("model", "list")["models"]] == ["wine"]


@pytest.mark.usefixtures("undisturbed")
def test_names_that_are_taken_or_not_there(product: Product) -> None:
    for arguments, said in (
        (("endpoint", "create", "wine", "--model", "wine:1"), "wine"),
        (("endpoint", "create", "other", "--model", "wine:9"), "wine:9"),
        (("endpoint", "show", "other"), "other"),
        (("endpoint", "delete", "other"), "other"),
        (("model", "show", "other"), "other"),
        (("model", "diff", "wine:1", "wine:9"), "wine:9"),
        (("release", "start", "wine", "--candidate", "wine:1"), "champion"),
        (("release", "show", "wine-9"), "wine-9"),
        (("release", "rollback", "wine"), "wine"),
        (("monitor", "other"), "other"),
        (("monitor", "wine", "--window", "soon"), "window == 'soon'"),
        (("log", "sql", "SELECT * FROM nobody"), "nobody"),
        (("log", "sql", "DROP TABLE wine"), ""),
        (("log", "sql", "SELECT * FROM read_text('/etc/passwd')"), ""),
    ):
        done = product.cli(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), (arguments, done)
        assert done.stderr.startswith("error: ")
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert "root:" not in done.stderr
