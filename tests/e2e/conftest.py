import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.datasets import load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.e2e.product import Product
from tests.pictures import encode
from tests.postgres import PostgresServer, find_binaries

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@dataclass(frozen=True)
class Wine:
    """Real models of real data, as files a user has."""

    forest: Path
    logistic: Path
    pickled: Path
    reference: Path
    heldout: pd.DataFrame
    truth: "pd.Series[int]"


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Wine:
    folder = tmp_path_factory.mktemp("wine")
    rows, truth = load_wine(return_X_y=True, as_frame=True)
    rows.columns = [name.replace("/", "_") for name in rows.columns]
    train, heldout, train_truth, heldout_truth = train_test_split(rows, truth, test_size=0.5, random_state=0)
    forest = RandomForestClassifier(30, random_state=0).fit(train, train_truth)
    logistic = make_pipeline(StandardScaler(), LogisticRegression()).fit(train, train_truth)
    found = Wine(
        folder / "forest.skops", folder / "logistic.skops", folder / "forest.joblib", folder / "heldout.csv",
        heldout.reset_index(drop=True), heldout_truth.reset_index(drop=True),
    )  # fmt: skip
    skops.io.dump(forest, found.forest)
    skops.io.dump(logistic, found.logistic)
    joblib.dump(forest, found.pickled)
    heldout.assign(cultivar=heldout_truth).to_csv(found.reference, index=False)
    return found


@pytest.fixture(scope="module")
def mortal_postgresql() -> Iterator[PostgresServer]:
    """A server of one's own, to be killed."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL")
    server = PostgresServer(binaries)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, wine: Wine) -> Iterator[Product]:
    """A running server with endpoint `wine` on `wine:1`; shared by the tests of a module."""
    product = Product(tmp_path_factory.mktemp("product") / "home").wait_until_ready()
    try:
        client = product.client()
        client.register("wine", wine.forest, reference=wine.reference, label="cultivar")
        client.create_endpoint("wine", "wine:1")
        yield product
    finally:
        product.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    from tests.e2e.browser import OPTIONS, sync_api  # skips where Playwright is not installed

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium: `apt-get install chromium`")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=OPTIONS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Digits:
    """An endpoint `digits` that takes pictures; some of them as files, with what they show, and what the model says.

    The first file is too large for a form without files.
    """

    files: list[Path]
    truth: list[int]
    expected: list[int]


@pytest.fixture(scope="module")
def digits(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Digits:
    folder = tmp_path_factory.mktemp("digits")
    found = load_digits()
    images = (found.images * 15).astype(np.uint8)[..., np.newaxis]
    flat = images.reshape(len(images), -1)
    model = LogisticRegression(max_iter=200).fit(flat[:300], found.target[:300])
    skops.io.dump(model, folder / "model.skops")
    files = [encode(one) for one in images[600:700]]
    pq.write_table(pa.table({"digit": files, "truth": found.target[600:700]}), folder / "heldout.parquet")
    (folder / "contract.yaml").write_text("inputs:\n  digit: {type: image, shape: [8, 8, 1], resize: bilinear}\n")
    options = ("--reference", str(folder / "heldout.parquet"), "--label", "truth")
    contract = ("--contract", str(folder / "contract.yaml"))
    product.json("model", "register", "digits", str(folder / "model.skops"), *options, *contract)
    product.json("endpoint", "create", "digits", "--model", "digits:1", "--images", "all")
    paths = [folder / f"{number}.png" for number in range(60)]
    for number, path in enumerate(paths):
        path.write_bytes(encode(images[700 + number]) + bytes(0 if number else 1_200_000))
    return Digits(paths, found.target[700:760].tolist(), model.predict(flat[700:760]).tolist())
