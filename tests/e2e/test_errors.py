"""The page of errors in a real browser: pictures that were misread, tagged by hand."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.e2e.browser import check_look, opened, sign_in, sync_api
from tests.e2e.conftest import Digits, Wine
from tests.e2e.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
URL = "/endpoints/digits/errors"


@pytest.fixture(scope="module")
def misread(product: Product, digits: Digits) -> int:
    """All pictures were asked about, and what they show was told; returns how many were misread."""
    client = product.client()
    answered = client.predict("digits", [{"digit": file} for file in digits.files])
    assert answered.values == digits.expected
    client.label("digits", dict(zip(answered.ids, digits.truth, strict=True)))
    product.json("log", "sql", "SELECT count(*) FROM labels_digits")  # commits what waits in the spool
    return sum(truth != said for truth, said in zip(digits.truth, digits.expected, strict=True))


def test_misread_pictures_are_seen_and_tagged(chromium: "Browser", product: Product, misread: int) -> None:
    assert misread > 1
    with opened(chromium, product) as page:
        sign_in(page, product)
        page.goto("/endpoints/digits")
        page.get_by_role("link", name="Errors").click()
        sync_api.expect(page.locator("h1")).to_contain_text(f"{misread} of 60 answers wrong")
        pictures = page.locator("img.thumb")
        sync_api.expect(pictures).to_have_count(misread)
        pictures.last.scroll_into_view_if_needed()
        page.wait_for_function("() => [...document.images].every(image => image.complete && image.naturalWidth === 8)")
        page.get_by_label("all rows of this page").check()
        page.get_by_label("Tag for the ticked rows").fill("scrawled")
        page.get_by_role("button", name="Tag", exact=True).click()
        row = page.locator("tr", has=page.get_by_role("link", name="scrawled")).first
        sync_api.expect(row).to_contain_text("100 %")
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        assert download.value.suggested_filename == "digits-errors.csv"
        assert len(download.value.path().read_text().splitlines()) == misread + 1


@pytest.fixture(scope="module")
def noisy(product: Product, wine: Wine) -> None:
    """Wine of which a third was measured badly, so that the model errs there and nowhere else."""
    client, rng = product.client(), np.random.default_rng(1)
    for number in range(24):
        rows, truth = wine.heldout.copy(), wine.truth.tolist()
        if number % 3 == 0:
            rows[:] = rng.permuted(rows.to_numpy(), axis=0)
            rows["ash"] = 9.0
        answered = client.predict("wine", rows)
        client.label("wine", dict(zip(answered.ids, truth, strict=True)))
    product.json("log", "sql", "SELECT count(*) FROM labels_wine")


def test_a_slice_is_found_kept_as_a_rule_and_sent_to_labelling(
    chromium: "Browser", product: Product, noisy: None, wine: Wine, misread: int
) -> None:
    product.client().predict("wine", wine.heldout)  # nobody has labelled these yet
    product.json("log", "sql", "SELECT count(*) FROM wine")
    with opened(chromium, product) as page:
        sign_in(page, product)
        page.goto("/endpoints/wine/errors")
        page.get_by_role("link", name="Find slices where errors concentrate").click()
        first = page.locator("tbody tr").first
        sync_api.expect(first).to_contain_text("ash")
        first.get_by_text("Keep as rule…").click()
        first.get_by_label("Tag").fill("bad-scales")
        first.get_by_role("button", name="Keep the rule").click()
        tag = page.locator("tr", has=page.get_by_role("link", name="bad-scales")).first
        sync_api.expect(tag).to_contain_text("points of accuracy")
        page.get_by_label("or send").fill("10")
        page.get_by_role("button", name="rows to labelling").click()
        sync_api.expect(page.get_by_role("status")).to_contain_text("Draw 1 is made")
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        assert len(download.value.path().read_text().splitlines()) == 11
    told = {each["tag"]: each for each in product.json("errors", "tags", "wine")["tags"]}
    assert told["bad-scales"]["share_of_errors"] > 0.7
    (rule,) = product.json("errors", "rules", "wine")["rules"]
    found = product.json("errors", "slices", "wine")
    assert found["slices"][0]["where"] == rule["where"]
    assert found["slices"][0]["lower"] > 0
    listed = product.json("errors", "list", "wine", "--where", rule["where"], "--limit", "3")
    assert [row["tags"] for row in listed["rows"]] == [["bad-scales"]] * 3
    id = listed["rows"][0]["prediction_id"]
    assert product.json("errors", "tag", "wine", "seen", id)["changed"] == 1
    assert product.json("errors", "tag", "wine", "seen", id, "--remove")["changed"] == 1
    assert product.json("annotate", "show", "wine", "1")["drawn"] == 10
    assert product.json("errors", "rule", "wine", "bad-scales", "--remove")["removed"]
    refused = product.cli("errors", "rule", "wine", "x", "--where", "sugar > 3")
    assert (refused.returncode, "has no input 'sugar'" in refused.stderr) == (2, True)
    assert product.cli("errors", "slices", "digits").returncode == 1


def test_the_blocks_of_the_docs_run(product: Product, noisy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_URL", product.control)
    monkeypatch.setenv("INTERLOCK_API_KEY", product.key)
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "errors.md").read_text(), re.S)
    exec(block.replace('"flights"', '"wine"').replace("dep_hour > 17", "ash > 8"), {})
    product.json("errors", "rule", "wine", "evening", "--remove")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_and_is_accessible(
    chromium: "Browser", product: Product, misread: int, noisy: None, width: int, scheme: str
) -> None:
    with opened(chromium, product, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        sign_in(page, product)
        for path in (
            URL,
            f"{URL}?show=labelled",
            f"{URL}?answer=none",
            f"{URL}/slices",
            "/endpoints/digits/labelling",
            "/endpoints/digits/features/digit.brightness",
        ):
            page.goto(path)
            assert check_look(page, width, scheme) == []
