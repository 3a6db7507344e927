from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.web.conftest import EVIL, Pages, _pages, act, alert
from tests.integration.web.test_overview import words

from interlock.settings import Settings

URL = "/alerts/1"


@pytest.fixture
def alerted(tmp_path: Path) -> Iterator[Pages]:
    """A home of one's own with an incident of `wine` and one of the server itself."""
    with _pages(Settings(home=tmp_path), fill=True) as pages:
        with pages.store.transaction() as tx:
            tx.alerts.add(alert("", "the collector is late"))
        yield pages


def test_what_is_wrong_is_listed_and_leads_to_the_incident(alerted: Pages) -> None:
    with alerted.signed_in("viewer") as browser:
        listed, seen, overview = (browser.get(path).text for path in ("/alerts", URL, "/"))
        resolved = words(browser.get("/alerts?state=resolved").text)
        mine = words(browser.get("/alerts?endpoint=wine").text)
    assert "2 open alerts" in words(listed)
    assert "2 open alerts" in words(overview)
    assert "critical wine: alcohol of wine:1 drifted" in words(listed)
    assert "server: the collector is late" in words(listed)
    assert "1 open alert " in mine
    assert "None." in resolved
    assert "Nobody: there is no channel, or a silence." in words(seen)
    assert all(EVIL not in page for page in (listed, seen, overview))
    assert "I take this on" not in seen
    assert "Silence…" not in listed


def test_an_incident_is_acknowledged_with_a_reason(alerted: Pages) -> None:
    with alerted.signed_in("operator") as browser:
        assert act(browser, URL, f"{URL}/ack", reason="sensor is being replaced").headers["location"] == URL
        page = words(browser.get(URL).text)
        listed = words(browser.get("/alerts?state=acknowledged").text)
    assert "taken on by operator" in page
    assert "acknowledged: sensor is being replaced by operator" in page
    assert "acknowledged wine: alcohol" in listed


def test_an_endpoint_is_silenced_for_some_hours(alerted: Pages) -> None:
    with alerted.signed_in("operator") as browser:
        answer = act(browser, "/alerts", "/alerts/silences", endpoint="wine", hours="2.5", reason="planned outage")
        assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")
        assert "by operator" not in words(answer.text)
        assert "wine" in words(browser.get("/alerts").text)
        assert "planned outage" in words(browser.get("/alerts").text)
        for hours in ("", "0", "x", "nan", "99999"):
            assert act(browser, "/alerts", "/alerts/silences", endpoint="wine", hours=hours).status_code == 400
    with alerted.store.read() as tx:
        (silence,) = tx.silences.list()
    assert (silence.endpoint, silence.created_by, silence.reason) == ("wine", "operator", "planned outage")


def test_who_may_only_look_cannot_act(alerted: Pages) -> None:
    with alerted.signed_in("viewer") as browser:
        form = {"csrf": "whatever"}
        assert browser.post(f"{URL}/ack", data=form).status_code == 403
        assert browser.post("/alerts/silences", data={**form, "endpoint": "wine", "hours": "1"}).status_code == 403
