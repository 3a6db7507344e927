"""The form that tries an endpoint, as far as it goes without a gateway; with one it is tried in a real browser."""

import html

import pytest
from tests.integration.web.conftest import Pages, token
from tests.integration.web.test_overview import words

URL = "/endpoints/wine/try"


@pytest.mark.parametrize("path", ["/endpoints/wine", URL])
def test_the_form_is_made_from_the_contract(pages: Pages, path: str) -> None:
    with pages.signed_in("operator") as browser:
        page = browser.get(path).text
    form = html.unescape(page.split("<form")[-1].split("</form>")[0])
    assert 'name="in.alcohol"' in form
    assert "FP64, seen 11 to 14.8" in form
    assert '<datalist id="in-2-list"><option value="riesling"></option>' in form
    assert 'value="12.9"' in form
    assert "Ask wine:1" in form


def test_who_may_not_ask_sees_no_form_and_is_refused(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        assert "Try it" not in browser.get("/endpoints/wine").text
        assert browser.get(URL).status_code == 403
        form = {"csrf": token(browser.get("/").text), "in.alcohol": "12"}
        assert browser.post(URL, data=form).status_code == 403
    with pages.signed_in("limited") as browser:
        assert browser.get(URL).status_code == 200
        assert browser.get("/endpoints/other/try").status_code == 403


def test_a_form_with_files_needs_the_session_and_its_token_like_any_other(pages: Pages) -> None:
    files = {"in.photo": ("photo.png", b"\x89PNG", "image/png")}
    with pages.visitor() as stranger:
        assert stranger.post(URL, files=files).headers["location"] == "/sign-in"
    with pages.signed_in("operator") as browser:
        assert browser.post(URL, files=files, data={"csrf": "wrong"}).status_code == 403
        assert "not from this session" in words(browser.post(URL, files=files).text)


def test_a_form_that_is_too_large_is_refused_before_it_is_read(pages: Pages) -> None:
    with pages.signed_in("operator") as browser:
        form = {"csrf": token(browser.get(URL).text)}
        large = {"in.photo": ("photo.png", bytes(13 * 1024**2), "image/png")}
        assert browser.post(URL, data=form, files=large).status_code == 413
        assert browser.post("/sign-out", data={**form, "more": "x" * 1024**2}).status_code == 413
