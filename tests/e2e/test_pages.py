"""The pages in a real browser, on a server as a user starts it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra `dev`)")

pytestmark = pytest.mark.slow

_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium: `apt-get install chromium`")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=_OPTIONS)
        yield browser
        browser.close()


@contextmanager
def _page(chromium: "Browser", product: Product, **options: Any) -> Iterator["Page"]:
    """A browser of its own; whatever its console complains about is a failure."""
    context = chromium.new_context(base_url=product.control, **options)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def _sign_in(page: "Page", product: Product) -> None:
    page.goto("/")
    page.get_by_label("API key").fill(product.key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("/")


def _act(page: "Page", word: str, reason: str, button: str) -> None:
    page.get_by_text(f"{word}…", exact=True).click()
    form = page.locator("details[open]")
    form.get_by_label("Reason").fill(reason)
    form.get_by_role("button", name=button).click()


@pytest.fixture(scope="module")
def release(product: Product, wine: Wine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A release that stays at its first step until a person moves it."""
    client = product.client()
    client.register("wine", wine.logistic, reference=wine.reference, label="cultivar", parent="wine:1")
    plan = tmp_path_factory.mktemp("plan") / "plan.json"
    plan.write_text(json.dumps({"min_units": 100_000}))
    started = product.json("release", "start", "wine", "--candidate", "wine:2", "--plan", str(plan), "--steps", "0.5,1")
    client.predict("wine", wine.heldout.head(5))
    return str(started["id"])


def test_a_release_is_watched_paused_resumed_and_rolled_back_by_hand(
    chromium: "Browser", product: Product, release: str
) -> None:
    expect = sync_api.expect
    with _page(chromium, product) as page:
        _sign_in(page, product)
        page.get_by_role("link", name="Releases").click()
        page.get_by_role("link", name=release).click()
        # The page itself finds out that the candidate is loaded: nobody reloads it.
        expect(page.locator(".head .state")).to_have_text("running", timeout=30_000)
        _act(page, "Pause", "lunch", "Pause this release")
        expect(page.locator(".head .state")).to_have_text("paused")
        _act(page, "Resume", "back from lunch", "Resume this release")
        expect(page.locator(".head .state")).to_have_text("running")
        _act(page, "Roll back", "complaints", "Roll back now")
        expect(page.locator(".head .state")).to_have_text("rolled back")
        decided = page.locator("section", has_text="What was decided")
        for reason in ("lunch", "back from lunch", "complaints"):
            expect(decided).to_contain_text(f"by admin: {reason}")
        expect(page.get_by_text("Roll back…")).to_have_count(0)
    assert product.json("release", "show", release)["state"] == "rolled_back"


def test_a_page_that_is_open_shows_what_others_do(chromium: "Browser", product: Product) -> None:
    with _page(chromium, product) as page:
        _sign_in(page, product)
        page.goto("/endpoints/wine")
        sync_api.expect(page.get_by_text("Deadline 1,000 ms")).to_be_visible()
        product.client().change_endpoint("wine", deadline_ms=777)
        sync_api.expect(page.get_by_text("Deadline 777 ms")).to_be_visible(timeout=15_000)


def test_signing_out_closes_the_pages_and_remembers_the_way_back(chromium: "Browser", product: Product) -> None:
    with _page(chromium, product) as page:
        _sign_in(page, product)
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("/sign-in")
        page.goto("/releases")
        page.wait_for_url("/sign-in?next=/releases")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_every_page_fits_and_is_accessible_wide_and_narrow_in_light_and_dark(
    chromium: "Browser", product: Product, release: str, width: int, scheme: str
) -> None:
    with _page(chromium, product, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        _sign_in(page, product)
        links = page.locator("header nav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        assert len(links) == 7
        barriers = list[str]()
        for path in (*links, "/endpoints/wine", f"/releases/{release}", "/monitoring/wine", "/models/wine/1"):
            page.goto(path)
            for found in axe.Axe().run(page).response["violations"]:
                barriers.append(f"{path}: {found['help']}: {found['nodes'][0]['html']}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            shown = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert shown == {"light": "rgb(247, 247, 245)", "dark": "rgb(20, 23, 27)"}[scheme]
        assert barriers == []


def test_commands_are_copied_and_times_are_the_readers(chromium: "Browser", product: Product) -> None:
    with _page(chromium, product, timezone_id="Asia/Tokyo", locale="en-GB") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        _sign_in(page, product)
        page.goto("/endpoints/wine")
        page.get_by_role("button", name="Copy").first.click()
        sync_api.expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()").startswith(f"curl {product.gateway}/endpoints/wine")
        shown = page.locator("time[data-local]").first
        utc, local = shown.get_attribute("title") or "", shown.inner_text()
        hour = (int(utc.split()[1][:2]) + 9) % 24
        assert f"{hour:02}:{utc.split()[1][3:5]}" in local
