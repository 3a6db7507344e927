import csv
import json
from collections.abc import Iterator
from io import StringIO

import pytest
from tests.integration.predictions.conftest import version, write
from tests.integration.web.conftest import Pages, _pages, act, token
from tests.integration.web.test_overview import words
from tests.prediction_records import START_US, prediction

from interlock import bootstrap
from interlock.domain.access import Key
from interlock.predictions.spool import Spool
from interlock.settings import Settings

URL = "/endpoints/wine/labelling"


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Endpoint `wine` with 200 rows that nobody has labelled; those of the last 40 are unsure."""
    settings = Settings(home=tmp_path_factory.mktemp("labelling") / "home")
    with _pages(settings, fill=False) as pages:
        with pages.store.transaction() as tx:
            tx.models.add(version(1))
        actor = Key(name="ops", role="operator", digest="", created_at=pages.app.state.services.clock())
        pages.app.state.services.endpoints.create("wine", "m:1", actor=actor)
        with Spool(settings.spools / "gw0") as spool:
            write(spool, *(_answered(number) for number in range(200)))
        bootstrap.build_collector(settings).step(commit_all=True)
        yield pages


def _answered(number: int) -> object:
    sure = 0.9 if number < 160 else 0.55
    return prediction(
        number,
        inputs={"x": [float(number)], "kind": ["red"]},
        outputs={"label": [True], "probabilities": [[1 - sure, sure]]},
        event_at_us=[START_US + number * 1_000_000],
    )


def test_rows_like_those_on_the_page_of_errors_are_drawn_with_known_chances(waiting: Pages) -> None:
    with waiting.signed_in("operator") as browser:
        page = browser.get("/endpoints/wine/errors?show=unsure&where=x+<+190")
        assert "those with x < 190 and score < 0.6" in words(page.text)
        form = {"csrf": token(page.text), "where": "x < 190 and score < 0.6", "budget": "20"}
        answer = browser.post(URL, data=form)
        assert answer.headers["location"] == f"{URL}?made=1"
        page_of_draws = words(browser.get(answer.headers["location"]).text)
        assert "Draw 1 is made 20 of 200 rows without a label" in page_of_draws
        assert "x < 190 and score < 0.6 25 % by chance alone" in page_of_draws
        tasks = json.loads(browser.get(f"{URL}/1/label-studio").text)
        rows = list(csv.DictReader(StringIO(browser.get(f"{URL}/1/csv").text)))
        assert "<Choices" in browser.get(f"{URL}/1/config").text
        assert browser.get(f"{URL}/1/pdf").status_code == 400
        assert browser.get(f"{URL}/9/csv").status_code == 404
    assert len(tasks) == len(rows) == 20
    wanted = [task for task in tasks if task["meta"]["reason"] == "chosen"]
    # 30 rows share three quarters of 20, beside their part of the quarter that all 200 have alike.
    assert all(160 <= task["data"]["case"]["x"] < 190 for task in wanted)
    assert {round(task["meta"]["chance"], 9) for task in wanted} == {0.75 * 20 / 30 + 0.25 * 20 / 200}
    others = [task for task in tasks if task["meta"]["reason"] == "random"]
    assert {round(task["meta"]["chance"], 9) for task in others} <= {0.25 * 20 / 200}
    assert len(wanted) + len(others) == 20


def test_ticked_rows_come_first_and_do_not_move_where_the_next_draw_begins(waiting: Pages) -> None:
    before = waiting.app.state.services.annotations.overview("wine")["exports"]
    with waiting.signed_in("operator") as browser:
        act(browser, URL, URL, **{"row.p3-0": "on", "row.p5-0": "on", "budget": "4", "where": "x > 100"})
        made = waiting.app.state.services.annotations.overview("wine")["exports"][-1]
        assert (made["since"], made["chosen"]) == (None, "2 rows by name")
        rows = list(csv.DictReader(StringIO(browser.get(f"{URL}/{made['id']}/csv").text)))
    assert made["id"] == len(before) + 1
    assert {row["prediction_id"]: row["weight"] for row in rows}.items() >= {"p3-0": "1.0", "p5-0": "1.0"}.items()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"budget": "many"}, "must be a whole number"),
        ({"budget": "5", "where": "label = true"}, "rows that wait for a label have none"),
        ({"budget": "5", "where": "sugar > 1"}, "has no input"),
        ({"budget": "5", "since": "yesterday"}, "must be ISO 8601"),
        ({"budget": "5", "until": "2001-01-01T00:00:00+00:00"}, "nothing to label"),
    ],
)
def test_what_cannot_be_drawn_is_told_why(waiting: Pages, form: dict[str, str], said: str) -> None:
    with waiting.signed_in("operator") as browser:
        answer = act(browser, URL, URL, **form)
    assert answer.status_code == 400
    assert said in answer.text


def test_a_viewer_sees_draws_and_makes_none(waiting: Pages) -> None:
    with waiting.signed_in("viewer") as browser:
        page = browser.get(URL)
        assert page.status_code == 200
        assert "Draw rows" not in page.text
        assert browser.post(URL, data={"csrf": token(page.text), "budget": "5"}).status_code == 403
