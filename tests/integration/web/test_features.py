import html
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.integration.web.conftest import EVIL, Pages, _pages, version
from tests.integration.web.test_overview import words

from interlock.domain.access import Key
from interlock.settings import Settings
from interlock.stats import log_histogram
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import ProfileSpec, learn
from interlock.store.service_hours import ServiceDelta

NEWEST = datetime(2026, 3, 20, 11, tzinfo=UTC)
KINDS = {"alcohol": "numeric", "grape/kind": "categorical", "output.label": "categorical"}
URL = "/endpoints/cellar/features"


def rows(
    number: int, *, mean: float = 13.0, missing: int = 0, kinds: tuple[str, ...] = ("red", EVIL)
) -> dict[str, Any]:
    alcohol = np.random.default_rng(number).normal(mean, 1.0, number)
    alcohol[:missing] = np.nan
    return {
        "alcohol": alcohol,
        "grape/kind": [kinds[index % len(kinds)] for index in range(number)],
        "output.label": ["0", "1"] * (number // 2),
    }


@contextmanager
def _cellar(home: Path, *, damaged: bool = False) -> Iterator[Pages]:
    """Endpoint `cellar`: 25 days as in the reference, then three of stronger wine, of a kind that is new."""
    with _pages(Settings(home=home), fill=False) as pages:
        reference = rows(5000)
        spec = learn(reference, KINDS)
        profile = Profile(spec)
        profile.update(reference)
        stored = {"spec": spec.to_dict(), "counts": b64encode(profile.to_bytes()).decode()}
        with pages.store.transaction() as tx:
            for number in (1, 2):
                tx.models.add(msgspec.structs.replace(version(number, name="cellar"), profile=stored))
        actor = Key(name="ops", role="operator", digest="", created_at=NEWEST)
        pages.app.state.services.endpoints.create("cellar", "cellar:1", actor=actor)
        with pages.store.transaction() as tx:
            for back in range(28):
                changed: dict[str, Any] = {"mean": 15.0, "missing": 20, "kinds": ("new", "red")} if back < 3 else {}
                _add(tx, spec, NEWEST - timedelta(days=back), rows(400, **changed))
            if damaged:
                tx.profiles.merge_all("cellar", {("cellar:1", NEWEST - timedelta(days=20)): lambda _: b"damaged"})
        yield pages


@pytest.fixture(scope="module")
def cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with _cellar(tmp_path_factory.mktemp("home")) as pages:
        yield pages


def _add(tx: Any, spec: ProfileSpec, hour: datetime, given: dict[str, Any]) -> None:
    profile = Profile(spec)
    profile.update(given)
    latency = np.bincount([log_histogram.index(4_000.0)] * 400, minlength=log_histogram.SIZE)
    tx.profiles.merge_all("cellar", {("cellar:1", hour): lambda _: profile.to_bytes()})
    tx.service_hours.add(ServiceDelta("cellar", "cellar:1", hour, 400, 0, 400, latency))


def read(pages: Pages, path: str, status: int = 200) -> str:
    with pages.signed_in("viewer") as browser:
        answer = browser.get(f"{URL}/{path}")
    assert answer.status_code == status
    return answer.text


def test_the_window_stands_beside_the_reference_with_its_sentence(cellar: Pages) -> None:
    page = words(read(cellar, "alcohol"))
    assert "alcohol of cellar" in page
    assert re.search(
        r"Missing values went from 0.0% to 5.0%; mean went from 1[23][.\d]* to 1[45][.\d]* \(\+[12][.\d]* standard",
        page,
    )
    assert "from" in page
    assert "rows 400 5,000 missing 5 % 0 %" in page
    shares = page.split("Where the rows are")[1].split("In numbers")[0]
    assert shares.count("up to") == 1
    assert shares.count("over") == 1
    assert "missing 0 % 5 %" in shares


def test_days_are_drawn_with_a_gap_where_a_profile_is_damaged(tmp_path: Path) -> None:
    with _cellar(tmp_path, damaged=True) as pages:
        chart = read(pages, "alcohol?window=7d").split("<b>mean</b>")[1].split("</figure>")[0]
        assert chart.count("<circle") == 27
        assert "27 days, last: 20 Mar: 1" in chart
        (line,) = re.findall(r'<path d="([^"]+)" class="line"', chart)
        assert line.count("M") == 2
        assert "the profiles of cellar:1 cannot be read" in words(read(pages, "alcohol?window=24h")).lower()


def test_values_that_are_new_are_counted_and_shown_as_text(cellar: Pages) -> None:
    page = read(cellar, "grape%2Fkind")
    assert EVIL not in page
    assert html.escape(EVIL) in page
    assert "other values 0 % 50 %" in words(page)
    assert "values that the reference lacks 50 % 0 %" in words(page)
    assert words(read(cellar, "grape/kind")) == words(page)


def test_a_version_without_traffic_in_the_window_has_not_enough_data(cellar: Pages) -> None:
    page = words(read(cellar, "alcohol?version=cellar:2"))
    assert "not enough data" in page
    assert "No row came in this window." in page
    assert "fine" not in page


def test_the_window_and_the_version_are_in_the_address(cellar: Pages) -> None:
    page = read(cellar, "alcohol?window=7d&version=cellar:1")
    assert "cellar:1, 2026-03-13 12:00 UTC to 2026-03-20 12:00 UTC" in words(page)
    assert f'href="{URL}/alcohol?window=28d&amp;version=cellar%3A1"' in page
    assert "must be a number with m, h, d or w" in read(cellar, "alcohol?window=soon", 400)


def test_what_is_not_there_is_named(cellar: Pages) -> None:
    assert "there is: alcohol, grape/kind, output.label" in html.unescape(read(cellar, "sugar", 404))
    read(cellar, "alcohol?version=cellar:9", 404)
    with cellar.signed_in("viewer") as browser:
        assert browser.get("/endpoints/attic/features/alcohol").status_code == 404


def test_without_a_reference_the_page_says_what_to_do(pages: Pages) -> None:
    with pages.signed_in("viewer") as browser:
        page = words(browser.get("/endpoints/wine/features/alcohol").text)
        assert "register the model with --reference" in page
        assert browser.get("/endpoints/wine/features/sugar").status_code == 404
    with pages.signed_in("limited") as browser:
        assert browser.get("/endpoints/other/features/alcohol").status_code == 403


def test_monitoring_leads_to_every_feature(cellar: Pages) -> None:
    with cellar.signed_in("viewer") as browser:
        page = browser.get("/monitoring/cellar").text
    assert 'href="/endpoints/cellar/features/grape/kind?window=24h&amp;version=cellar%3A1"' in page
