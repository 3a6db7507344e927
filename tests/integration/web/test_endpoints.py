import html

from tests.integration.web.conftest import Pages
from tests.integration.web.test_overview import words


def test_an_endpoint_says_who_serves_what_and_how_it_went(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get("/endpoints/wine").text)
    for said in ("wine:1 answers every request", "wine:1 champion 100 %", "failed 1 % 9 of 900", "p99 4 ms"):
        assert said in page, said


def test_verdicts_are_the_newest_and_the_worst_comes_first(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        table = words(browser.get("/endpoints/wine").text.split("What monitoring said last")[1].split("</section>")[0])
    assert "alcohol input, wine:1 changed 0.4 mean 13 on the reference, now 9 1,200 2026-02-28" in table
    assert table.index("changed") < table.index("fine") < table.index("not enough data")
    assert "2026-02-27" not in table


def test_the_contract_and_the_ways_to_call_it_have_the_right_names(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = html.unescape(browser.get("/endpoints/wine").text)
    assert "seen 11 to 14.8" in page
    assert "curl http://127.0.0.1:8080/endpoints/wine/invocations" in page
    assert '{"dataframe_records": [{"alcohol": 12.9, "grape": "riesling"}]}' in page
    assert f"Client('{pages.url}')" in page
    assert "client.predict('wine', [{" in page


def test_an_endpoint_without_traffic_says_so(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get("/endpoints/other").text)
    assert "No request has come in this time" in page
    assert "Nothing has been judged yet" in page
