from tests.integration.web.conftest import Pages
from tests.integration.web.test_overview import words
from tests.unit.releases.world import application_test


def test_every_version_is_listed_with_what_it_serves_and_its_warnings(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get("/models").text)
    assert "2 models" in page
    assert "wine:2 nothing onnx inline 0.013 ms none" in page
    assert "wine:1 wine onnx inline 0.013 ms 1 warning" in page
    assert page.index("wine:2") < page.index("wine:1")


def test_a_version_shows_contract_facts_warnings_and_what_changed(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        first, second = (words(browser.get(f"/models/wine/{number}").text) for number in (1, 2))
    for said in ("warning trained long ago", "inside the gateway", "none: drift cannot be judged", "seen 11 to 14.8"):
        assert said in first, said
    assert "What changed since wine:1" in second
    assert "Nothing: both take and give the same." in second
    assert "interlock release start ENDPOINT --candidate wine:2" in second


def test_the_newest_application_test_is_shown_with_its_gates(pages: Pages) -> None:
    with pages.store.transaction() as tx:
        tx.application_tests.add(application_test("wine:2", number=1))
        tx.application_tests.add(application_test("wine:2", number=2, failed_rows=3, champion="wine:1"))
    with pages.signed_in("viewer") as browser:
        tested, untested = (words(browser.get(f"/models/wine/{number}").text) for number in (2, 1))
    assert "not passed test 2 on heldout.csv, beside wine:1" in tested
    assert "errors breach 3 of 100 rows failed" in tested
    assert "consistency fine" in tested
    assert "Before: 1 passed" in tested
    assert "None yet." in untested
    assert "interlock model test wine:1 --data heldout.csv --label LABEL" in untested


def test_a_version_that_is_not_there_is_told_with_those_that_are(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        missing = browser.get("/models/wine/7")
        assert missing.status_code == 404
        assert "there is: wine:1, wine:2" in missing.text
        assert browser.get("/models/wine/x").status_code == 400
