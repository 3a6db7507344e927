"""The pages in a real browser, on a server as a user starts it."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.browser import check_look, opened, sign_in, sync_api
from tests.e2e.conftest import Wine
from tests.e2e.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow


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
    with opened(chromium, product) as page:
        sign_in(page, product)
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


_MODEL = """
class Model:
    inputs = {"x": "FP64"}

    def predict(self, columns):
        if FAILS and (columns["x"] > 10).any():
            raise ValueError("too large")
        return columns["x"] * 2
"""


def test_a_release_is_approved_by_hand_and_stops_by_itself_while_the_page_is_open(
    chromium: "Browser", product: Product, tmp_path: Path
) -> None:
    client = product.client()
    for version, fails in enumerate((False, True), start=1):
        code = tmp_path / f"model{version}.py"
        code.write_text(f"FAILS = {fails}\n{_MODEL}")
        client.register("doubles", f"python:model{version}.Model", code=code, trust_pickle=True)
    client.create_endpoint("doubles", "doubles:1")
    (tmp_path / "plan.json").write_text(json.dumps({"require_approval": True, "min_units": 100_000}))
    ann = product.json("key", "create", "--role", "operator", "--name", "ann")["key"]
    options = ("--candidate", "doubles:2", "--plan", str(tmp_path / "plan.json"), "--steps", "0.5,1")
    started = product.cli("release", "start", "doubles", *options, "--json", key=ann)
    assert started.returncode == 0, started.stderr
    id = json.loads(started.stdout)["id"]
    expect = sync_api.expect
    with opened(chromium, product) as page:
        sign_in(page, product)
        page.goto(f"/releases/{id}")
        expect(page.locator(".head .state")).to_have_text("awaiting approval", timeout=60_000)
        _act(page, "Approve", "looks good", "Approve this release")
        expect(page.locator(".head .state")).to_have_text("running", timeout=60_000)
        page.evaluate("window.isTheSamePage = true")
        callers = ThreadPoolExecutor(1).submit(_ask_until_over, product, id)
        expect(page.locator(".head .state")).to_have_text("rolled back", timeout=120_000)
        assert page.evaluate("window.isTheSamePage"), "nobody has reloaded it"
        expect(page.locator("section", has_text="What was decided")).to_contain_text("by admin")
        # By the gates, or by the guard of a gateway that was quicker.
        expect(page.locator("main")).to_contain_text(
            re.compile("errors [0-9.]+ % against|withdrawn by the gateway's guard")
        )
        assert callers.result(timeout=60) > 0
    assert client.release(id)["state"] == "rolled_back"
    assert client.predict("doubles", {"x": [13.0]}).values == [26.0]


def _ask_until_over(product: Product, id: str) -> int:
    """Callers, each a unit; none of them is left without an answer. Returns how many there were."""
    with product.client() as client:
        for number in range(10_000):
            assert client.predict("doubles", {"x": [13.0]}, key=f"unit-{number}").values == [26.0]
            if number % 20 == 0 and client.release(id)["state"] != "running":
                return number
    raise AssertionError("the release went on")


def test_a_page_that_is_open_shows_what_others_do(chromium: "Browser", product: Product) -> None:
    with opened(chromium, product) as page:
        sign_in(page, product)
        page.goto("/endpoints/wine")
        sync_api.expect(page.get_by_text("Deadline 1,000 ms")).to_be_visible()
        product.client().change_endpoint("wine", deadline_ms=777)
        sync_api.expect(page.get_by_text("Deadline 777 ms")).to_be_visible(timeout=15_000)


def test_signing_out_closes_the_pages_and_remembers_the_way_back(chromium: "Browser", product: Product) -> None:
    with opened(chromium, product) as page:
        sign_in(page, product)
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("/sign-in")
        page.goto("/releases")
        page.wait_for_url("/sign-in?next=/releases")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_every_page_fits_and_is_accessible_wide_and_narrow_in_light_and_dark(
    chromium: "Browser", product: Product, release: str, width: int, scheme: str
) -> None:
    with opened(chromium, product, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        sign_in(page, product)
        links = page.locator("header nav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        assert len(links) == 9
        barriers = list[str]()
        of_wine = (
            "",
            "/try",
            "/features/alcohol",
            "/errors",
            "/errors?show=unsure",
            "/errors/slices",
            "/labelling",
            "/report",
        )
        more = [f"/endpoints/wine{below}" for below in of_wine]
        for path in (
            *links,
            *more,
            f"/releases/{release}",
            "/monitoring/wine",
            "/monitoring/wine/compare",
            "/models/wine/1",
        ):
            page.goto(path)
            barriers += check_look(page, width, scheme)
        assert barriers == []


def test_commands_are_copied_and_times_are_the_readers(chromium: "Browser", product: Product) -> None:
    with opened(chromium, product, timezone_id="Asia/Tokyo", locale="en-GB") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        sign_in(page, product)
        page.goto("/endpoints/wine")
        page.get_by_role("button", name="Copy").first.click()
        sync_api.expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()").startswith(f"curl {product.gateway}/endpoints/wine")
        shown = page.locator("time[data-local]").first
        utc, local = shown.get_attribute("title") or "", shown.inner_text()
        hour = (int(utc.split()[1][:2]) + 9) % 24
        assert f"{hour:02}:{utc.split()[1][3:5]}" in local
