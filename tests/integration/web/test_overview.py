import html
import re
from datetime import timedelta

import msgspec
from tests.integration.web.conftest import EVIL, HOUR, Pages


def words(page: str) -> str:
    """A page as it is read."""
    text = re.sub(r"<(svg|head|script).*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", text).split()))


def test_an_empty_home_says_what_to_do_next(empty_pages: Pages) -> None:
    with empty_pages.signed_in("viewer") as browser:
        page = browser.get("/").text
    assert "Nothing is served yet" in page
    assert f"export INTERLOCK_URL={empty_pages.url}" in page
    for command in ("interlock model register", "interlock endpoint create", "interlock predict"):
        assert command in page


def test_the_navigation_is_the_same_also_where_there_is_nothing(pages: Pages, empty_pages: Pages) -> None:
    links = []
    for there in (pages, empty_pages):
        with there.signed_in("viewer") as browser:
            navigation = browser.get("/").text.split("<nav")[1].split("</nav>")[0]
            links.append(re.findall(r'href="([^"]+)"', navigation))
            assert all(browser.get(link).status_code == 200 for link in links[-1])
    assert links[0] == links[1]
    assert links[0][0] == "/"


def test_what_needs_a_person_stands_first(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get("/").text)
    assert "wine is worth a look" in page
    assert "wine alcohol: mean 13 on the reference, now 9" in page
    assert page.index("worth a look") < page.index("requests, 24 h")


def test_an_endpoint_shows_traffic_latency_failures_and_verdicts(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        row = words(browser.get("/now").text.split('href="/endpoints/wine"')[2])
    for said in ("alcohol changed", "wine:1", "canary loading, step 1 of 4", "900", "4 ms", "1 %", "fine"):
        assert said in row, said


def test_an_endpoint_without_traffic_is_not_called_fine(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        row = words(browser.get("/now").text.split('href="/endpoints/other"')[1].split("</tr>")[0])
    assert "not judged yet" in row
    assert "none yet" in row
    assert "fine" not in row


def test_what_changed_since_the_visit_before_is_told(pages: Pages) -> None:
    before = f"0.{(HOUR - timedelta(days=1)).timestamp():.0f}"
    with pages.signed_in("viewer") as browser:
        assert "Since you last looked" not in browser.get("/").text
        browser.cookies.clear()
    with pages.signed_in("viewer") as browser:
        browser.cookies.set("interlock_visits", before, domain="127.0.0.1", path="/")
        page = browser.get("/").text
        news = words(page.split("Since you last looked")[1])
        assert "registered wine:2 by test" in news
        assert "critical wine alcohol of wine:1 drifted" in news
        assert EVIL not in page
        assert "registered wine:2" in words(browser.get("/now").text)
        assert "Since you last looked" in browser.get("/").text
    with pages.signed_in("limited") as browser:
        browser.cookies.set("interlock_visits", before, domain="127.0.0.1", path="/")
        news = browser.get("/").text.split("Since you last looked")[1]
        assert "alcohol of wine:1" in news
        assert "registered" not in news


def test_a_visit_after_which_nothing_happened_says_so(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        later = f"0.{(pages.app.state.services.clock() - timedelta(hours=1)).timestamp():.0f}"
        browser.cookies.set("interlock_visits", later)
        page = words(browser.get("/").text.split("Since you last looked")[1])
    assert "No release ended, no incident opened, no version was registered." in page


def test_the_release_that_ended_is_news(pages: Pages) -> None:
    with pages.store.read() as tx:
        (release,) = tx.releases.list("wine")
    ended = msgspec.structs.replace(release, state="rolled_back", finished_at=HOUR, decision=None)
    with pages.store.transaction() as tx:
        tx.releases.update(ended)
    try:
        with pages.signed_in("viewer") as browser:
            browser.cookies.set("interlock_visits", f"0.{(HOUR - timedelta(hours=1)).timestamp():.0f}")
            news = browser.get("/").text.split("Since you last looked")[1]
        assert "rolled back wine wine:2" in words(news)
        assert f'href="/releases/{release.id}"' in news
    finally:
        with pages.store.transaction() as tx:
            tx.releases.update(release)


def test_pages_are_compressed_and_answers_of_the_api_are_not(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page, plain = browser.get("/"), browser.get("/", headers={"Accept-Encoding": "identity"})
        assert page.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert int(page.headers["content-length"]) < len(plain.content) / 2
        key = {"Authorization": f"Bearer {pages.keys['viewer']}"}
        api = browser.get("/api/v1/openapi.json", headers=key)
        assert "content-encoding" not in api.headers
