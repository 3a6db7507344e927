import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import pandas as pd
import pytest
import skops.io
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.e2e.product import Product
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
