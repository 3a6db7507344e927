"""The page of errors in a real browser: pictures that were misread, tagged by hand."""

from typing import TYPE_CHECKING

import pytest
from tests.e2e.browser import check_look, opened, sign_in, sync_api
from tests.e2e.conftest import Digits
from tests.e2e.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

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
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth === 8)")
        page.get_by_label("all rows of this page").check()
        page.get_by_label("Tag for the ticked rows").fill("scrawled")
        page.get_by_role("button", name="Tag", exact=True).click()
        row = page.locator("tr", has=page.get_by_role("link", name="scrawled")).first
        sync_api.expect(row).to_contain_text("100 %")
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        assert download.value.suggested_filename == "digits-errors.csv"
        assert len(download.value.path().read_text().splitlines()) == misread + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_and_is_accessible(
    chromium: "Browser", product: Product, misread: int, width: int, scheme: str
) -> None:
    with opened(chromium, product, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        sign_in(page, product)
        for path in (URL, f"{URL}?show=labelled", f"{URL}?answer=none", "/endpoints/digits/features/digit.brightness"):
            page.goto(path)
            assert check_look(page, width, scheme) == []
