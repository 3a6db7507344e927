from tests.integration.web.conftest import Pages
from tests.integration.web.test_overview import words

URL = "/monitoring/wine/compare"


def test_what_is_compared_stands_in_the_address(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get(f"{URL}?since=2026-03-01&until=2026-03-01").text)
        assert "wine : wine:1 then and now" in page
        assert (
            "2026-02-28 00:00 UTC to 2026-03-01 00:00 UTC beside 2026-03-01 00:00 UTC to 2026-03-02 00:00 UTC" in page
        )
        assert "requests 0 900" in page
        assert "Neither side has labels enough." in page
        versions = words(browser.get(f"{URL}?against_version=wine:2").text)
        assert "wine : wine:1 and wine:2" in versions


def test_what_cannot_be_compared_is_told_why(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        assert browser.get(f"{URL}?since=soon").status_code == 400
        backwards = browser.get(f"{URL}?since=2026-03-02&until=2026-02-01")
        assert backwards.status_code == 400
        assert "must have a length" in backwards.text
        assert browser.get(f"{URL}?version=wine:9").status_code == 404
        assert "no request has come yet" in words(browser.get("/monitoring/other/compare").text).lower()
        assert browser.get("/monitoring/attic/compare").status_code == 404
    with pages.signed_in("limited") as browser:
        assert browser.get("/monitoring/other/compare").status_code == 403
