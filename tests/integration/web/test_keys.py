import html
import re

import httpx
import pytest
from tests.integration.web.conftest import EVIL, Pages, act, sign_in
from tests.integration.web.test_overview import words

from interlock import bootstrap


def make(browser: httpx.Client, **form: str) -> httpx.Response:
    return act(browser, "/keys", "/keys", **{"name": "till", "role": "operator", **form})


def test_a_key_is_shown_once_works_and_is_revoked(pages: Pages) -> None:
    with pages.signed_in("admin") as browser:
        made = make(browser, owner="ann", endpoints="wine, other", allow="backdate")
        (secret,) = set(re.findall(r"ilk_\w{49}", made.text))
        assert made.status_code == 201
        assert "Key till is made" in words(made.text)
        later = browser.get("/keys").text
        assert secret not in later
        assert "till operator ann wine, other backdate" in words(later)
        key = pages.app.state.key_ring.authenticate(secret)
        assert (key.owner, key.endpoints, key.allow) == ("ann", ("wine", "other"), ("backdate",))
        assert act(browser, "/keys", "/keys/till/revoke").headers["location"] == "/keys"
        gone = browser.get("/keys").text
        assert "till" in gone.split("revoked key")[1]
        with pages.visitor() as leaver:
            assert sign_in(leaver, secret).status_code == 401
    with pages.store.read() as tx:
        said = [(each.actor, each.action) for each in tx.audit.list(10, subject="till")]
    assert said == [("admin", "key.revoke"), ("admin", "key.create")]


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"name": "No Name"}, 400, "must be 1 to 128 of a-z 0-9"),
        ({"role": "king"}, 400, "role == 'king', must be one of scorer, viewer"),
        ({"endpoints": "wine,No"}, 400, "endpoint name == 'No'"),
        ({"allow": "fly"}, 400, "permission == 'fly'"),
        ({"name": "viewer"}, 409, "key 'viewer' exists already"),
    ],
)
def test_a_key_that_breaks_a_rule_is_told_why_and_the_form_is_kept(
    pages: Pages, form: dict[str, str], status: int, said: str
) -> None:
    with pages.signed_in("admin") as browser:
        refused = make(browser, owner="kept", **form)
    assert refused.status_code == status
    assert said in html.unescape(refused.text)
    assert 'value="kept"' in refused.text


def test_the_last_administrator_stays(pages: Pages) -> None:
    with pages.signed_in("admin") as browser:
        refused = act(browser, "/keys", "/keys/admin/revoke")
    assert refused.status_code == 403
    assert "the last one of role admin" in html.unescape(refused.text)


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "limited"])
def test_only_administrators_see_keys_or_touch_them(pages: Pages, role: str) -> None:
    with pages.signed_in(role) as browser:
        home = browser.get("/").text
        assert 'href="/keys"' not in home
        assert browser.get("/keys").status_code == 403
        assert act(browser, "/", "/keys", name="mine", role="admin").status_code == 403
        assert act(browser, "/", "/keys/admin/revoke").status_code == 403
    assert "mine" not in [key.name for key in pages.app.state.key_ring.list()]


def test_what_people_call_themselves_is_shown_and_never_run(pages: Pages) -> None:
    pages.app.state.key_ring.create("odd", "viewer", actor=bootstrap.local_actor(), owner=EVIL)
    with pages.signed_in("admin") as browser:
        page = browser.get("/keys").text
    assert EVIL not in page
    assert html.escape(EVIL) in page


def test_a_home_without_keys_says_so(open_pages: Pages) -> None:
    with open_pages.visitor() as browser:
        assert "None: the server runs without keys." in words(browser.get("/keys").text)
