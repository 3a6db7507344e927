import html
import re

from tests.integration.web.conftest import Pages


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
