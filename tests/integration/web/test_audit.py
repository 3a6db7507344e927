from tests.integration.web.conftest import Pages
from tests.integration.web.test_overview import words


def test_entries_say_who_did_what_and_lead_to_more_of_a_subject(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        everything = browser.get("/audit").text
        one = words(browser.get("/audit?subject=other").text)
    assert "ops operator release.start wine" in words(everything)
    assert 'href="/audit?subject=other"' in everything
    assert "ops operator endpoint.create other" in one
    assert "release.start" not in one


def test_the_list_goes_on_as_far_as_asked(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        short, long = browser.get("/audit?n=2").text, browser.get("/audit?n=500").text
        assert browser.get("/audit?n=0").status_code == 400
    assert "Show more" in short
    assert short.count("<tr>") == 3
    assert "Show more" not in long


def test_the_chain_is_verified_on_demand(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        assert "chain holds" not in browser.get("/audit").text
        assert "chain holds" in browser.get("/audit?verify=true").text
