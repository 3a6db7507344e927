import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from tests.integration.predictions.conftest import label, labels, version, write
from tests.integration.web.conftest import EVIL, Pages, _pages, act, token
from tests.integration.web.test_overview import words
from tests.prediction_records import START_US, prediction

from interlock import bootstrap
from interlock.domain.access import Key
from interlock.domain.error_rule import ErrorRule
from interlock.domain.row_condition import parse
from interlock.predictions.spool import Spool
from interlock.settings import Settings
from interlock.web import errors

START = datetime.fromtimestamp(START_US / 1_000_000, tz=UTC)
URL = "/endpoints/wine/errors"
PNG = b"\x89PNG\r\n\x1a\n"
IMAGE = sha256(PNG).hexdigest()


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Pages]:
    """Endpoint `wine` with 60 labelled rows, of which every third is wrong, and `other` with nothing."""
    settings = Settings(home=tmp_path / "home")
    with _pages(settings, fill=False) as pages:
        with pages.store.transaction() as tx:
            tx.models.add(version(1))
        for name in ("wine", "other"):
            actor = Key(name="ops", role="operator", digest="", created_at=START)
            pages.app.state.services.endpoints.create(name, "m:1", actor=actor)
        with Spool(settings.spools / "gw0") as spool:
            kinds = {number: EVIL if number == 3 else "red" for number in range(1, 61)}
            write(spool, *(_answered(number, kinds[number]) for number in kinds))
            write(spool, labels(*(label(f"p{number}-0", number % 3 > 0) for number in kinds)))
        bootstrap.build_collector(settings).step(commit_all=True)
        folder = settings.log / "images" / "wine" / IMAGE[:2]
        folder.mkdir(parents=True)
        (folder / f"{IMAGE}.png").write_bytes(PNG)
        yield pages


def _answered(number: int, kind: str) -> object:
    sure = 0.6 + number / 200
    return prediction(
        number,
        inputs={"x": [float(number)], "kind": [kind]},
        outputs={"label": [True], "probabilities": [[1 - sure, sure]]},
    )


@pytest.fixture
def viewer(logged: Pages) -> Iterator[httpx.Client]:
    with logged.signed_in("viewer") as browser:
        yield browser


def ids(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\bp\d+-0\b", page.rpartition("<tbody>")[2])))


def test_wrong_answers_are_shown_the_surest_first(viewer: httpx.Client) -> None:
    page = viewer.get(URL).text
    assert "wine : 20 of 60 answers wrong" in words(page)
    assert "60 rows, 60 with a label, 33 % of them wrong" in words(page)
    assert ids(page)[:3] == ["p60-0", "p57-0", "p54-0"]
    assert "true false 90 % x 60 kind red p60-0 none" in words(page)
    assert EVIL not in page
    assert html.escape(EVIL) in page
    assert "Tag for the ticked rows" not in page


def test_a_row_has_a_page_with_all_that_was_asked(viewer: httpx.Client) -> None:
    page = words(viewer.get(f"{URL}/rows/p3-0").text)
    assert "wine : true, and it was false" in page
    assert "What was asked 2 inputs x 3 kind" in page
    assert viewer.get(f"{URL}/rows/p999-0").status_code == 404


def test_filters_and_order_are_in_the_address(viewer: httpx.Client) -> None:
    page = viewer.get(f"{URL}?where=x+<+10&sort=event_at").text
    assert ids(page) == ["p3-0", "p6-0", "p9-0"]
    assert "sort=-event_at" in page
    assert "where=x+%3C+10" in page
    assert ids(viewer.get(f"{URL}?show=unsure&below=0.63&sort=score").text) == [f"p{n}-0" for n in range(1, 6)]
    assert ids(viewer.get(f"{URL}?show=labelled&label=true&where=x>57").text) == ["p59-0", "p58-0"]
    assert "No row is like this." in words(viewer.get(f"{URL}?answer=false").text)


def test_pages_are_cut_by_the_server(viewer: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "_ROWS_A_PAGE", 8)
    first, last = (viewer.get(f"{URL}?page={page}").text for page in (1, 3))
    assert (len(ids(first)), len(ids(last))) == (8, 4)
    assert "page 1 of 3" in words(first)
    assert 'rel="next"' in first
    assert 'rel="next"' not in last
    assert "There is no page 9." in words(viewer.get(f"{URL}?page=9").text)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("where=x", "must be like `origin = EWR`"),
        ("where=x>1 or x<0", "must be compared with a number"),
        ("where=sugar=1", "has no input 'sugar'"),
        ("where=x>red", "must be compared with a number"),
        ("show=all", "show: Input should be"),
        ("below=2", "below: Input should be less than or equal to 1"),
        ("page=0", "page: Input should be greater"),
        ("window=soon", "must be a number with m, h, d or w"),
    ],
)
def test_what_cannot_be_asked_is_told_why(viewer: httpx.Client, query: str, said: str) -> None:
    refused = viewer.get(f"{URL}?{query}")
    assert refused.status_code == 400
    assert said in html.unescape(refused.text)


def test_rows_are_tagged_by_hand_counted_and_found_again(logged: Pages) -> None:
    with logged.signed_in("operator") as browser:
        form = {
            "row.p3-0": "on",
            "row.p6-0": "on",
            "row.p1-0": "on",
            "tag": "cold-night",
            "act": "add",
            "back": "sort=score",
        }
        assert act(browser, URL, f"{URL}/tags", **form).headers["location"] == f"{URL}?sort=score"
        page = browser.get(URL).text
        assert "cold-night 3 by hand 3 2 10 % 3.333 points of accuracy" in words(page)
        assert ids(browser.get(f"{URL}?tag=cold-night").text) == ["p6-0", "p3-0"]
        act(browser, URL, f"{URL}/tags", **{"row.p3-0": "on", "tag": "cold-night", "act": "remove"})
        assert "cold-night 2 by hand 2 1 5 % 1.667 points" in words(browser.get(URL).text)
        for wrong in (
            {"tag": "Cold Night", "row.p3-0": "on"},
            {"tag": "cold"},
            {"tag": "cold", f"row.{'x' * 65}": "on"},
        ):
            assert act(browser, URL, f"{URL}/tags", **wrong).status_code == 400
    with logged.store.read() as tx:
        entries = [(each.action, each.details) for each in tx.audit.list(2, subject="wine")]
    assert entries == [
        ("error.untag", {"tag": "cold-night", "rows": 1, "predictions": ["p3-0"]}),
        ("error.tag", {"tag": "cold-night", "rows": 3, "predictions": ["p3-0", "p6-0", "p1-0"]}),
    ]


def test_a_rule_tags_rows_now_and_is_kept_until_it_is_removed(logged: Pages) -> None:
    with logged.signed_in("operator") as browser:
        form = {"tag": "late-ones", "where": "x > 50 and answer = true", "act": "add", "back": "sort=score"}
        assert act(browser, URL, f"{URL}/rules", **form).headers["location"] == f"{URL}?sort=score"
        page = browser.get(URL).text
        assert "late-ones x > 50 and answer = true 10 4 20 % 6.667 points of accuracy" in words(page)
        assert ids(browser.get(f"{URL}?tag=late-ones").text) == ["p60-0", "p57-0", "p54-0", "p51-0"]
        assert browser.get(f"{URL}/export?tag=late-ones").text.count(",late-ones,") == 4
        for wrong in (
            {"tag": "Late Ones", "where": "x > 1"},
            {"tag": "a", "where": ""},
            {"tag": "a", "where": "y > 1"},
        ):
            assert act(browser, URL, f"{URL}/rules", **wrong).status_code == 400
        act(browser, URL, f"{URL}/rules", tag="late-ones", act="remove")
        assert "late-ones" not in browser.get(URL).text
        assert act(browser, URL, f"{URL}/rules", tag="late-ones", act="remove").status_code == 404
    with logged.signed_in("viewer") as browser:
        assert "Tag by a rule" not in browser.get(URL).text
        form = {"csrf": token(browser.get(URL).text), "tag": "a", "where": "x > 1"}
        assert browser.post(f"{URL}/rules", data=form).status_code == 403
    with logged.store.read() as tx:
        said = [(each.action, each.details) for each in tx.audit.list(2, subject="wine")]
    assert said == [
        ("error.unrule", {"tag": "late-ones"}),
        ("error.rule", {"tag": "late-ones", "where": "x > 50 and answer = true"}),
    ]


def test_a_rule_that_no_longer_fits_the_log_is_told_and_costs_nothing_else(logged: Pages) -> None:
    rule = ErrorRule(
        endpoint="wine", tag="sweet", conditions=parse("sugar > 4"), created_at=START, created_by="ann"
    )  # fmt: skip
    with logged.store.transaction() as tx:
        tx.error_rules.put(rule)
    logged.app.state.services.error_tags.add("wine", "cold", ["p3-0"], actor=bootstrap.local_actor())
    with logged.signed_in("viewer") as browser:
        page = words(browser.get(URL).text)
    assert "cannot be counted: the log of 'wine' has no input 'sugar'" in html.unescape(page)
    assert "cold 1 by hand 1 1 5 %" in page


def test_slices_are_proposed_and_kept_as_rules(logged: Pages) -> None:
    assert "60 labelled rows, needs 240" in words(_get(logged, f"{URL}/slices"))
    settings = logged.app.state.services.settings
    with Spool(settings.spools / "gw0") as spool:
        kinds = ("oak", "steel", EVIL)
        write(spool, *(_answered(number, kinds[number % 3]) for number in range(100, 1000)))
        wrong = {number: number % 3 == 2 and number % 4 > 0 for number in range(100, 1000)}
        write(spool, labels(*(label(f"p{number}-0", not is_wrong) for number, is_wrong in wrong.items())))
    bootstrap.build_collector(settings).step(commit_all=True)
    page = _get(logged, f"{URL}/slices")
    assert "errors concentrate in 1 slice" in words(page)
    assert EVIL not in page
    assert f"kind = {EVIL}" in html.unescape(page)
    with logged.signed_in("operator") as browser:
        act(browser, f"{URL}/slices", f"{URL}/rules", tag="bottled", where=f"kind = {EVIL}")
        said = words(browser.get(URL).text)
    assert f"bottled kind = {EVIL} 301 226 92 %" in html.unescape(said)
    found = words(_get(logged, f"{URL}/slices?where=kind+%3D+oak"))
    assert "no slice stands out" in found


def _get(pages: Pages, url: str) -> str:
    with pages.signed_in("viewer") as browser:
        return browser.get(url).text


def test_a_viewer_tags_nothing(logged: Pages, viewer: httpx.Client) -> None:
    form = {"csrf": token(viewer.get(URL).text), "tag": "cold", "row.p3-0": "on"}
    assert viewer.post(f"{URL}/tags", data=form).status_code == 403
    assert logged.app.state.services.error_tags.of_endpoint("wine") == {}


def test_the_same_rows_come_as_files(logged: Pages, viewer: httpx.Client) -> None:
    actor = bootstrap.local_actor()
    logged.app.state.services.error_tags.add("wine", "cold", ["p3-0"], actor=actor)
    answer = viewer.get(f"{URL}/export?where=x+<+10&format=csv")
    lines = answer.text.splitlines()
    assert answer.headers["content-disposition"] == 'attachment; filename="wine-errors.csv"'
    assert lines[0].endswith("wrong,tags,input.x,input.kind")
    assert len(lines) == 4
    assert f"cold,3.0,{EVIL}" in answer.text
    assert "XLSX" in viewer.get(URL).text
    assert viewer.get(f"{URL}/export?format=xlsx").content.startswith(b"PK")
    assert viewer.get(f"{URL}/export?format=pdf").status_code == 400


def test_images_are_shown_by_their_name_and_nothing_else_is(logged: Pages, viewer: httpx.Client) -> None:
    found = viewer.get(f"/endpoints/wine/images/{IMAGE[:2]}/{IMAGE}.png")
    assert (found.content, found.headers["content-type"]) == (PNG, "image/png")
    assert found.headers["x-content-type-options"] == "nosniff"
    for path in ("ab/ab34.png", "..%2f/store.db", f"{IMAGE[:2]}/{IMAGE}.jpeg", f"{IMAGE[:2]}/..%2f{IMAGE}.png"):
        assert viewer.get(f"/endpoints/wine/images/{path}").status_code == 404
    with logged.signed_in("limited") as browser:
        assert browser.get(f"/endpoints/other/images/{IMAGE[:2]}/{IMAGE}.png").status_code == 403
        assert browser.get("/endpoints/other/errors").status_code == 403


def test_an_endpoint_without_labels_says_what_is_missing(logged: Pages, viewer: httpx.Client) -> None:
    assert "No request came in this window." in words(viewer.get("/endpoints/other/errors").text)
    settings = logged.app.state.services.settings
    with Spool(settings.spools / "gw0") as spool:
        write(spool, prediction(99, endpoint="other"))
    bootstrap.build_collector(settings).step(commit_all=True)
    assert "interlock label other FILE tells what was true" in words(viewer.get("/endpoints/other/errors").text)
    assert viewer.get("/endpoints/attic/errors").status_code == 404


def test_a_window_ends_with_the_newest_event(viewer: httpx.Client) -> None:
    until = START.replace(minute=0, second=0) + timedelta(hours=1)
    assert f"{until - timedelta(days=1):%Y-%m-%d %H:%M} UTC to {until:%Y-%m-%d %H:%M} UTC" in words(
        viewer.get(f"{URL}?window=24h").text
    )
