"""A real browser for tests of the pages: signed in like a person, and strict about what its console says."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra `dev`)")

OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SURFACE = {"light": "rgb(247, 247, 245)", "dark": "rgb(20, 23, 27)"}


@contextmanager
def opened(chromium: "Browser", product: Product, **options: Any) -> Iterator["Page"]:
    """A browser of its own; whatever its console complains about is a failure."""
    context = chromium.new_context(base_url=product.control, **options)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def sign_in(page: "Page", product: Product, key: str | None = None) -> None:
    page.goto("/")
    page.get_by_label("API key").fill(key or product.key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("/")


def barriers(page: "Page") -> list[str]:
    """What people with a screen reader or weak eyes would stumble over."""
    path = page.url.partition("//")[2].partition("/")[2]
    return [
        f"/{path}: {found['help']}: {found['nodes'][0]['html']}" for found in axe.Axe().run(page).response["violations"]
    ]


def check_look(page: "Page", width: int, scheme: str) -> list[str]:
    """That the page that is open fits its window and has the colours asked for; returns its barriers."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == SURFACE[scheme]
    return barriers(page)
