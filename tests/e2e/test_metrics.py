"""The gateway's page says where every acknowledged row is."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product

_ROWS = re.compile(r'^interlock_log_rows\{endpoint="wine",state="(\w+)"\} (\S+)$', re.MULTILINE)
_GAUGE = re.compile(r"^(interlock_collector_lag_seconds|interlock_reconciliation_age_seconds) (\S+)$", re.MULTILINE)

Numbers = dict[str, float]


def _scrape(product: Product) -> Numbers:
    headers = {"Authorization": f"Bearer {product.key}"}
    page = httpx.get(f"{product.gateway}/metrics", headers=headers).raise_for_status().text
    return {name: float(value) for name, value in [*_ROWS.findall(page), *_GAUGE.findall(page)]}


def _scrapes(product: Product, until: Callable[[Numbers], bool], seconds: float = 30) -> Iterator[Numbers]:
    """Scrape until it is so; the last one is it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = _scrape(product)
        yield found
        if until(found):
            return
        time.sleep(0.1)
    raise AssertionError(f"it did not come: {found}")


def _adds_up(found: Numbers) -> bool:
    parts = ("logged", "waiting", "quarantined", "unrecorded")
    return found.get("acknowledged", 0) == sum(found.get(part, 0) for part in parts)


def test_rows_add_up_in_every_scrape_and_all_come_into_the_log(product: Product, wine: Wine) -> None:
    with product.client() as client:
        for _ in range(5):
            client.predict("wine", wine.heldout)
        sent = 5 * len(wine.heldout)
        acknowledged = list(_scrapes(product, lambda found: found.get("acknowledged") == sent))
        client.wait_until_logged(60)
    logged = list(_scrapes(product, lambda found: found["logged"] == sent))
    assert [found for found in (*acknowledged, *logged) if not _adds_up(found)] == []
    assert (logged[-1]["waiting"], logged[-1]["quarantined"], logged[-1]["unrecorded"]) == (0, 0, 0)
    assert logged[-1]["interlock_collector_lag_seconds"] == 0
    assert logged[-1]["interlock_reconciliation_age_seconds"] < 10


@pytest.fixture
def stopped_collector(product: Product) -> Iterator[None]:
    pid = product.parts()["collector"]
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


@pytest.mark.usefixtures("stopped_collector")
def test_the_age_tells_of_a_collector_that_stands_still(product: Product) -> None:
    first = _scrape(product)
    threading.Event().wait(0.5)
    second = _scrape(product)
    age = "interlock_reconciliation_age_seconds"
    assert second[age] >= first[age] + 0.5
    assert {**second, age: 0} == {**first, age: 0}
