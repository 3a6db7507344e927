"""What guards the pages: sign-in, forms, roles, headers, escaping."""

import re
from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest
from tests.integration.web.conftest import EVIL, Pages, act, sign_in, token

from interlock import bootstrap
from interlock.api.access import PUBLIC
from interlock.web.access import PageRoute
from interlock.web.app import ROUTERS

ROUTES = [route for router in ROUTERS for route in router.routes]
VALUES = {
    "endpoint": "wine", "id": "wine-1", "name": "wine", "version": "1", "verb": "pause", "number": "1",
    "day": "2026-03-01", "column": "alcohol", "folder": "ab", "file": "ab34.png",
    "prediction_id": "0190", "form": "csv",
}  # fmt: skip


def _filled(route: PageRoute) -> str:
    """A path of this route."""
    return route.path.replace(":path}", "}").format(**VALUES)


PRIVATE = [route for route in ROUTES if isinstance(route, PageRoute) and route.permission != PUBLIC]
GETS = [_filled(route) for route in PRIVATE if "GET" in (route.methods or ())]
# Pages of what these values do not name.
NOT_THERE = {"/images/": 404, "/errors/rows/": 404, "/labelling/wine-1/": 400, "/log/export": 400}
# The humblest role that may look at a page.
ROLES = {"read": "viewer", "predict": "operator", "operate": "operator", "admin": "admin"}
LOOKERS = {_filled(route): ROLES[str(route.permission)] for route in PRIVATE if "GET" in (route.methods or ())}
POSTS = [_filled(route) for route in PRIVATE if "POST" in (route.methods or ())]


@pytest.fixture
def viewer(pages: Pages) -> Iterator[httpx.Client]:
    with pages.signed_in("viewer") as browser:
        yield browser


@pytest.fixture
def admin(pages: Pages) -> Iterator[httpx.Client]:
    with pages.signed_in("admin") as browser:
        yield browser


@pytest.mark.parametrize("path", [path for path, role in LOOKERS.items() if role != "viewer"])
def test_what_a_role_may_not_see_is_no_link_and_is_refused(pages: Pages, path: str) -> None:
    with pages.signed_in("viewer") as browser:
        assert browser.get(path).status_code == 403
        assert f'href="{path}"' not in browser.get("/").text


def test_every_route_is_guarded_and_names_its_permission() -> None:
    assert all(isinstance(route, PageRoute) and route.permission is not None for route in ROUTES)
    public = {
        (route.path, *(route.methods or ()))
        for route in ROUTES
        if isinstance(route, PageRoute) and route not in PRIVATE
    }
    assert public == {("/sign-in", "GET"), ("/sign-in", "POST"), ("/static/{name}", "GET")}


@pytest.mark.parametrize("path", GETS)
def test_who_is_not_signed_in_is_led_to_the_sign_in_page_and_back(pages: Pages, path: str) -> None:
    with pages.visitor() as browser:
        sent = browser.get(path)
        assert sent.status_code == 303
        assert sent.headers["location"] == ("/sign-in" if path == "/" else f"/sign-in?next={path}")
        assert sign_in(browser, pages.keys[LOOKERS[path]], next=path).headers["location"] == path
        shown = browser.get(path, follow_redirects=True)
        assert shown.status_code == next((status for part, status in NOT_THERE.items() if part in path), 200)


@pytest.mark.parametrize("path", POSTS)
def test_a_form_without_the_sessions_token_does_nothing(pages: Pages, path: str) -> None:
    with pages.visitor() as stranger:
        assert stranger.post(path).headers["location"] == "/sign-in"
    with pages.signed_in("admin") as browser:
        for form in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": "ключ"}):
            refused = browser.post(path, data=form)
            assert refused.status_code == 403
            assert "not from this session" in refused.text
        with pages.signed_in("admin") as other:
            assert browser.post(path, data={"csrf": token(other.get("/").text)}).status_code == 403


def test_the_cookie_is_for_this_site_only_and_no_script_reads_it(pages: Pages) -> None:
    with pages.visitor() as browser:
        cookie = next(
            each for each in sign_in(browser, pages.keys["viewer"]).headers.get_list("set-cookie") if "session" in each
        )
    assert {"HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/"} <= set(cookie.split("; "))
    assert pages.keys["viewer"] not in cookie


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "not a whole Interlock key"),
        ("ilk_mistyped", "not a whole Interlock key"),
        ("ключ", "not a whole Interlock key"),
        ("scorer", "role scorer, which may not read"),
    ],
)
def test_a_key_that_does_not_serve_is_told_why(pages: Pages, key: str, said: str) -> None:
    with pages.visitor() as browser:
        refused = sign_in(browser, pages.keys.get(key, key))
        assert refused.status_code == 401
        assert said in refused.text
        assert browser.get("/").status_code == 303


def test_the_sign_in_form_belongs_to_its_browser(pages: Pages) -> None:
    with pages.visitor() as browser, pages.visitor() as other:
        stolen = token(other.get("/sign-in").text)
        assert browser.post("/sign-in", data={"csrf": stolen, "key": pages.keys["viewer"]}).status_code == 403
        browser.get("/sign-in")
        for wrong in ("", "ключ"):
            assert browser.post("/sign-in", data={"csrf": wrong, "key": pages.keys["viewer"]}).status_code == 403
        assert browser.post("/sign-in", data={"csrf": stolen, "key": pages.keys["viewer"]}).status_code == 403


@pytest.mark.parametrize("wanted", ["//evil.example", "/\\evil.example", "https://evil.example", "/%5Cevil", "/\tx"])
def test_signing_in_leads_nowhere_else(pages: Pages, wanted: str) -> None:
    with pages.visitor() as browser:
        assert sign_in(browser, pages.keys["viewer"], next=wanted).headers["location"] == "/"


def test_the_forms_own_cookie_goes_when_the_session_comes(pages: Pages) -> None:
    with pages.visitor() as browser:
        cookies = sign_in(browser, pages.keys["viewer"]).headers.get_list("set-cookie")
        assert [each.partition("=")[0] for each in cookies] == ["interlock_session", "interlock_form"]
        assert "interlock_form" not in browser.cookies


def test_signing_out_ends_the_session_also_for_who_kept_the_cookie(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser, pages.visitor() as thief:
        thief.cookies.update(dict(browser.cookies))
        assert thief.get("/").status_code == 200
        assert act(browser, "/", "/sign-out").headers["location"] == "/sign-in"
        assert thief.get("/").status_code == 303


def test_revoking_a_key_ends_its_sessions(pages: Pages) -> None:
    ring, actor = pages.app.state.key_ring, bootstrap.local_actor()
    _, secret = ring.create("leaver", "viewer", actor=actor)
    with pages.visitor() as browser:
        sign_in(browser, secret)
        assert browser.get("/").status_code == 200
        ring.revoke("leaver", actor=actor)
        assert browser.get("/").status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/endpoints/not-there", *GETS])
def test_a_page_runs_and_loads_nothing_but_our_own_files(admin: httpx.Client, path: str) -> None:
    page = admin.get(path)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", page.text)
    assert not re.search(r"<script(?![^>]* src=)|<style", page.text)
    assert not re.search(r"(src|href|action)=\"(https?:)?//", page.text)


@pytest.mark.parametrize("path", GETS)
def test_a_value_is_shown_and_never_run(admin: httpx.Client, path: str) -> None:
    assert EVIL not in admin.get(path).text


def test_a_category_named_like_a_script_is_shown(viewer: httpx.Client) -> None:
    assert "riesling, &lt;script&gt;alert(1)&lt;/script&gt;" in viewer.get("/endpoints/wine").text


def test_a_key_limited_to_an_endpoint_sees_only_that(pages: Pages) -> None:
    with pages.signed_in("limited") as browser:
        page = browser.get("/")
        assert "/endpoints/wine" in page.text
        assert "other" not in page.text
        assert browser.get("/endpoints/wine").status_code == 200
        assert browser.get("/endpoints/other").status_code == 403


def test_what_is_not_there_is_a_page_too(viewer: httpx.Client) -> None:
    missing = viewer.get("/endpoints/not-there")
    assert missing.status_code == 404
    assert "there is: other, wine" in missing.text


def test_without_sign_in_everyone_acts_and_forms_are_guarded_all_the_same(open_pages: Pages) -> None:
    with open_pages.visitor() as browser:
        assert browser.get("/sign-in").headers["location"] == "/"
        assert "everyone is admin" in browser.get("/").text
        assert browser.post("/sign-out").status_code == 403


def test_files_are_kept_by_browsers_and_change_their_address(pages: Pages) -> None:
    with pages.visitor() as browser:
        links = re.findall(r'(?:href|src)="(/static/[^"]+)"', browser.get("/sign-in").text)
        assert len(links) == 3
        for link in links:
            assert "immutable" in browser.get(link).headers["cache-control"]
        assert browser.get("/static/..%2fapp.py").status_code == 404
        assert browser.get("/static/app.py").status_code == 404


def test_times_are_given_in_utc_for_readers_without_script(viewer: httpx.Client) -> None:
    found = re.search(r'<time datetime="([^"]+)" title="([^"]+) UTC" data-local>', viewer.get("/").text)
    assert found is not None
    assert datetime.fromisoformat(found[1]) == datetime.fromisoformat(f"{found[2]}Z")


def test_a_path_that_is_not_there_is_a_page_for_readers_and_a_problem_document_for_programs(
    viewer: httpx.Client, pages: Pages
) -> None:
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    missing = viewer.get("/relases", headers=html)
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")
    assert "There is no page /relases." in missing.text
    assert "Sign out" in missing.text
    assert viewer.get("/releases/wine-1/pause", headers=html).status_code == 405
    assert "default-src 'none'" in missing.headers["content-security-policy"]
    with pages.visitor() as stranger:
        assert "There is no page" in stranger.get("/relases", headers=html).text
    for path, accept in (("/relases", {}), ("/api/v1/relases", html)):
        assert viewer.get(path, headers=accept).headers["content-type"] == "application/problem+json"


def test_what_breaks_is_a_page_with_the_id_that_the_log_has(
    viewer: httpx.Client, pages: Pages, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(pages.app.state.services.recent, "read", fail)
    broken = viewer.get("/monitoring")
    assert (broken.status_code, broken.headers["x-frame-options"]) == (500, "DENY")
    assert broken.headers["content-type"].startswith("text/html")
    found = re.search(r"urn:uuid:[0-9a-f-]{36}", broken.text)
    assert found is not None
    assert found[0] in caplog.text
    assert "the disk is gone" not in broken.text
