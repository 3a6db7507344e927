import pytest
from tests.integration.web.conftest import EVIL, Pages
from tests.integration.web.test_overview import words


def test_a_day_is_a_page_with_traffic_checks_incidents_and_releases(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = browser.get("/endpoints/wine/report/2026-03-01").text
    said = words(page)
    assert "wine , 2026-03-01:" in said
    assert "900 rows in 900 requests, 9 failed, 0 refused" in said
    assert "wine:1 900 900 9" in said
    assert "11:00, 300 rows" in page
    assert f"alcohol of wine:1 drifted {EVIL}" not in page
    assert "alcohol of wine:1 drifted &lt;script&gt;" in page


def test_the_newest_day_is_found_and_days_are_beside_each_other(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        assert "wine , 2026-03-01:" in words(browser.get("/endpoints/wine/report").text)
        page = browser.get("/endpoints/wine/report/2026-02-28").text
        assert 'href="/endpoints/wine/report/2026-03-01"' in page
        assert 'href="/endpoints/wine/report/2026-02-27"' in page
        assert "No request was answered." in page
        assert 'href="/endpoints/wine/report"' in browser.get("/monitoring/wine").text


@pytest.mark.parametrize(
    ("path", "status"), [("wine/report/soon", 400), ("never/report/2026-03-01", 404), ("other/report", 404)]
)
def test_what_is_no_day_and_no_endpoint_is_an_error_with_its_reason(pages: Pages, path: str, status: int) -> None:
    with pages.signed_in("viewer") as browser:
        assert browser.get(f"/endpoints/{path}").status_code == status


def test_only_who_may_read_sees_it(pages: Pages) -> None:
    with pages.visitor() as browser:
        assert browser.get("/endpoints/wine/report/2026-03-01").status_code == 303
