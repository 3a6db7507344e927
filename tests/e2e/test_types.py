"""Images, a contract file and privacy rules, by the command line of a running server."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from tests.e2e.product import Product
from tests.pictures import encode

CONTRACT = """
inputs:
  digit: {type: image, shape: [8, 8, 1], resize: bilinear}
"""


@dataclass(frozen=True)
class Digits:
    """A model of pictures, and files of them."""

    model: Path
    reference: Path
    contract: Path
    rows: Path
    expected: list[int]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    folder = tmp_path_factory.mktemp("digits")
    found = load_digits()
    images = (found.images * 15).astype(np.uint8)[..., np.newaxis]
    model = LogisticRegression(max_iter=200).fit(images[:600].reshape(600, -1), found.target[:600])
    skops.io.dump(model, folder / "model.skops")
    files = [encode(one) for one in images[600:700]]
    pq.write_table(pa.table({"digit": files, "truth": found.target[600:700]}), folder / "heldout.parquet")
    for number in range(5):
        (folder / f"{number}.png").write_bytes(encode(images[700 + number]))
    pd.DataFrame({"digit": [f"{number}.png" for number in range(5)]}).to_csv(folder / "new.csv", index=False)
    (folder / "contract.yaml").write_text(CONTRACT)
    expected = model.predict(images[700:705].reshape(5, -1)).tolist()
    return Digits(
        folder / "model.skops", folder / "heldout.parquet", folder / "contract.yaml", folder / "new.csv", expected
    )


def test_pictures_are_registered_predicted_and_logged_by_the_endpoints_rules(product: Product, digits: Digits) -> None:
    options = ("--reference", str(digits.reference), "--label", "truth", "--contract", str(digits.contract))
    version = product.json("model", "register", "digits", str(digits.model), *options)
    assert version["parity"]["proven"]
    shown = product.cli("model", "show", "digits:1").stdout
    assert "image, png or jpeg, resized (bilinear)" in shown
    product.json("endpoint", "create", "digits", "--model", "digits:1", "--privacy", "unit=hash", "--images", "none")
    first = product.json("predict", "digits", "--data", str(digits.rows), "--key", "anna")
    assert [row["prediction"] for row in first["predictions"]] == digits.expected
    changed = product.json("endpoint", "change", "digits", "--privacy", "output.label=drop", "--images", "all")
    assert changed["withheld"] == {"unit": "hash", "output.label": "drop"}
    second = product.json("predict", "digits", "--data", str(digits.rows))
    assert [row["prediction"] for row in second["predictions"]] == digits.expected
    logged = product.json("log", "sql", 'SELECT *, "input.digit.width" AS wide FROM digits ORDER BY prediction_id')[
        "rows"
    ]
    assert [row["wide"] for row in logged] == [8] * 10
    assert [row["output.label"] for row in logged] == [*digits.expected, *[None] * 5]
    assert [row["input.digit"] is None for row in logged] == [True] * 5 + [False] * 5
    folder = product.home / "log" / "images" / "digits"
    assert all((folder / row["input.digit"]).is_file() for row in logged[5:])
    assert "anna" not in json.dumps(logged)
    assert logged[0]["withheld"] == ["unit"]
    (entry, *_) = [each for each in product.json("audit", "show")["entries"] if each["subject"] == "digits"]
    assert (entry["action"], entry["details"]["after"]["image_share"]) == ("endpoint.change", 1.0)


def test_pictures_go_with_their_rows_into_a_backup_and_out_when_a_hashed_unit_is_forgotten(
    product: Product, digits: Digits, tmp_path: Path
) -> None:
    options = ("--reference", str(digits.reference), "--label", "truth", "--contract", str(digits.contract))
    product.json("model", "register", "scans", str(digits.model), *options)
    product.json("endpoint", "create", "scans", "--model", "scans:1", "--privacy", "unit=hash", "--images", "all")
    product.json("predict", "scans", "--data", str(digits.rows), "--key", "anna")
    logged = product.json("log", "sql", 'SELECT "input.digit" AS file FROM scans')["rows"]
    folder = Path("log") / "images" / "scans"
    product.cli("backup", str(tmp_path / "backup"), "--home", str(product.home)).check_returncode()
    assert all((tmp_path / "backup" / folder / row["file"]).is_file() for row in logged)
    for file in (product.home / folder).rglob("*.png"):
        os.utime(file, (1000, 1000))  # as if nothing about them were under way
    forgotten = product.json("log", "forget", "scans", "--unit", "anna", "--yes")
    assert (forgotten["rows"], forgotten["images"]) == ({"predictions": 5}, 5)
    assert list((product.home / folder).rglob("*.png")) == []
    assert product.json("log", "sql", "SELECT count(*) AS n FROM scans")["rows"] == [{"n": 0}]


def test_a_contract_file_that_breaks_rules_is_refused_with_its_places(
    product: Product, digits: Digits, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("inputs:\n  digit: {type: image, colour: red}\n  size: {minimum: low}\n")
    done = product.cli("model", "register", "digits", str(digits.model), "--contract", str(bad))
    assert done.returncode == 2
    assert "inputs.digit: there is no `colour`" in done.stderr
    unknown = product.cli("endpoint", "create", "other", "--model", "wine:1", "--privacy", "email=hash")
    assert unknown.returncode == 2
    assert "privacy: column 'email' is not known" in unknown.stderr
    wrong = product.cli("endpoint", "change", "wine", "--privacy", "alcohol=encrypt")
    assert wrong.returncode == 2
    assert "must be COLUMN=keep, COLUMN=hash or COLUMN=drop" in wrong.stderr
    (tmp_path / "no.yaml").write_text("a: [")
    assert (
        "is not YAML"
        in product.cli("model", "register", "d", str(digits.model), "--contract", str(tmp_path / "no.yaml")).stderr
    )
