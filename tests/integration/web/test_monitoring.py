import pytest
from tests.integration.web.conftest import Pages
from tests.integration.web.test_overview import words

from interlock.web import monitoring


def test_every_endpoint_is_listed_by_signal(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get("/monitoring").text)
    assert "wine fine not judged yet fine not judged yet alcohol changed not judged yet" in page
    assert "other not judged yet" in page


def test_columns_are_shown_by_day_and_the_most_severe_first(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = browser.get("/monitoring/wine").text
    heat = page.split('class="heat"')[1].split("</table>")[0]
    said = words(heat)
    assert "column 27 Feb 28 alcohol 2 fine 40 changed grape no verdict ·· not enough data" in said
    assert 'title="2026-02-28: changed, mean 13 on the reference, now 9"' in heat


def test_of_many_columns_the_most_severe_are_shown_and_the_rest_on_demand(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "_COLUMNS", 1)
    with pages.signed_in("viewer") as browser:
        page, every = (browser.get(f"/monitoring/wine{more}").text for more in ("", "?every=true"))
    assert "Show 1 more columns" in page
    assert ">grape</a></th>" not in page
    assert ">grape</a></th>" in every
    assert "more columns" not in every


def test_quality_is_shown_by_day(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get("/monitoring/wine").text)
    assert "2026-02-26 roc_auc wine:1 fine 0.81 as in training 1,200" in page


def test_the_window_is_in_the_address(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        day, week = (words(browser.get(f"/monitoring/wine?window={each}").text) for each in ("24h", "7d"))
        assert "from 2026-02-28 12:00 UTC to 2026-03-01 12:00 UTC" in day
        assert "from 2026-02-22 12:00 UTC to 2026-03-01 12:00 UTC" in week
        wrong = browser.get("/monitoring/wine?window=soon")
    assert wrong.status_code == 400
    assert "must be a number with m, h, d or w" in wrong.text
