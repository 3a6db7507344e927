"""Trying an endpoint from its page: numbers, a mistake, a challenger, an image."""

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.browser import barriers, check_look, opened, sign_in, sync_api
from tests.e2e.conftest import Digits, Wine
from tests.e2e.product import Product

from interlock.domain.errors import ServerUnreachableError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


def test_a_row_is_tried_and_is_no_evidence(chromium: "Browser", product: Product, wine: Wine) -> None:
    row = wine.heldout.iloc[0]
    expected = product.client().predict("wine", wine.heldout.head(1)).values[0]
    with opened(chromium, product) as page:
        sign_in(page, product)
        page.goto("/endpoints/wine")
        page.get_by_text("Fill in 13 fields…").click()
        for name, value in row.items():
            page.get_by_label(str(name), exact=True).fill(str(float(value)))
        page.get_by_role("button", name="Ask wine:1").click()
        tried = page.locator("#tried")
        sync_api.expect(tried.locator(".answer-value")).to_have_text(str(expected))
        sync_api.expect(tried).to_contain_text("wine:1 says")
        prediction = tried.locator("code").first.inner_text()
        assert page.url.endswith("/endpoints/wine")
        assert barriers(page) == []
    sql = f"SELECT role, release_id, request_id FROM wine WHERE prediction_id = '{prediction}'"
    (logged,) = product.json("log", "sql", sql)["rows"]
    assert (logged["role"], logged["release_id"]) == ("pinned", None)
    assert logged["request_id"].startswith("try-admin-")


def test_what_the_contract_refuses_stands_beside_its_field(chromium: "Browser", product: Product) -> None:
    with opened(chromium, product) as page:
        sign_in(page, product)
        page.goto("/endpoints/wine/try")
        alcohol = page.get_by_label("alcohol", exact=True)
        alcohol.fill("a lot")
        page.get_by_role("button", name="Ask wine:1").click()
        field = page.locator(".field", has=alcohol)
        sync_api.expect(field.locator(".wrong")).to_contain_text('"a lot", must be a number')
        assert alcohol.get_attribute("aria-invalid") == "true"
        assert barriers(page) == []
        alcohol.fill("13")
        page.get_by_role("button", name="Ask wine:1").click()
        sync_api.expect(page.locator("#tried .answer-value")).to_be_visible()
        sync_api.expect(field.locator(".wrong")).to_be_empty()


def test_without_a_script_the_same_comes_as_a_page(chromium: "Browser", product: Product) -> None:
    with opened(chromium, product, java_script_enabled=False) as page:
        sign_in(page, product)
        page.goto("/endpoints/wine/try")
        page.get_by_label("alcohol", exact=True).fill("much")
        page.get_by_role("button", name="Ask wine:1").click()
        assert page.get_by_label("alcohol", exact=True).input_value() == "much"
        sync_api.expect(page.locator("#in-1-fault")).to_contain_text("must be a number")


def test_the_key_of_the_pages_is_made_anew_when_somebody_revokes_it(chromium: "Browser", product: Product) -> None:
    with opened(chromium, product) as page:
        sign_in(page, product)
        for _ in range(2):
            page.goto("/endpoints/wine/try")
            page.get_by_role("button", name="Ask wine:1").click()
            sync_api.expect(page.locator("#tried .answer-value")).to_be_visible()
            product.json("key", "revoke", "interlock-pages")


def test_a_restart_of_the_api_needs_no_other_key(chromium: "Browser", product: Product) -> None:
    def made() -> int:
        said = product.client().audit(limit=1000, subject="interlock-pages")
        return sum(each["action"] == "key.create" for each in said)

    before = None
    for _ in range(2):
        with opened(chromium, product) as page:
            sign_in(page, product)
            page.goto("/endpoints/wine/try")
            page.get_by_role("button", name="Ask wine:1").click()
            sync_api.expect(page.locator("#tried .answer-value")).to_be_visible()
        before = before or made()
        pid = product.parts()["api"]
        os.kill(pid, signal.SIGKILL)
        for _ in range(300):
            if product.parts().get("api", pid) != pid:
                break
            time.sleep(0.1)
        _wait_for_api(product)
    assert made() == before
    assert (product.home / "run" / "pages.key").stat().st_mode & 0o777 == 0o600


def _wait_for_api(product: Product) -> None:
    for _ in range(100):
        try:
            product.client().status()
        except ServerUnreachableError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the API did not come back")


def test_the_challenger_of_a_running_release_is_asked_too(
    chromium: "Browser", product: Product, wine: Wine, tmp_path: Path
) -> None:
    client = product.client()
    client.register("wine", wine.logistic, reference=wine.reference, label="cultivar", parent="wine:1")
    (tmp_path / "plan.json").write_text(json.dumps({"min_units": 100_000}))
    options = ("--candidate", "wine:2", "--plan", str(tmp_path / "plan.json"), "--steps", "0.01,1")
    product.json("release", "start", "wine", *options)
    with opened(chromium, product) as page:
        sign_in(page, product)
        page.goto("/endpoints/wine/try")
        for _ in range(60):  # until the gateway has loaded it
            page.get_by_role("button", name="Ask wine:1 and wine:2").click()
            sync_api.expect(page.locator("#tried section")).to_have_count(2)
            if page.locator("#tried section.challenger .answer-value").count():
                break
            page.wait_for_timeout(500)
        sync_api.expect(page.locator("#tried section.challenger")).to_contain_text(
            "What wine:2, the challenger, would say"
        )
        sync_api.expect(page.locator("#tried section.challenger .answer-value")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_an_image_is_chosen_seen_and_tried(
    chromium: "Browser", product: Product, digits: Digits, width: int, scheme: str
) -> None:
    with opened(chromium, product, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        sign_in(page, product)
        page.goto("/endpoints/digits/try")
        page.get_by_label("digit", exact=True).set_input_files(digits.files[0])
        sync_api.expect(page.locator("canvas")).to_be_visible()
        page.get_by_role("button", name="Ask digits:1").click()
        sync_api.expect(page.locator("#tried .answer-value")).to_have_text(str(digits.expected[0]))
        assert check_look(page, width, scheme) == []


def test_a_file_that_is_no_image_is_refused_at_its_field(
    chromium: "Browser", product: Product, digits: Digits, tmp_path: Path
) -> None:
    (tmp_path / "letter.png").write_text("Dear Sir")
    with opened(chromium, product) as page:
        sign_in(page, product)
        page.goto("/endpoints/digits/try")
        page.get_by_label("digit", exact=True).set_input_files(tmp_path / "letter.png")
        page.get_by_role("button", name="Ask digits:1").click()
        sync_api.expect(page.locator(".field .wrong")).to_contain_text("must be PNG or JPEG")
