"""The product with its store on PostgreSQL, which dies under load."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import Wine
from tests.e2e.product import Product, run
from tests.postgres import PostgresServer

from interlock.client import Client
from interlock.domain.errors import InterlockError, OverloadedError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def product(
    mortal_postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory, wine: Wine
) -> Iterator[Product]:
    url = mortal_postgresql.url(mortal_postgresql.create()).replace("+psycopg", "")
    product = Product(tmp_path_factory.mktemp("product") / "home", "--store-url", url).wait_until_ready()
    try:
        with product.client() as client:
            client.register("wine", wine.forest, reference=wine.reference, label="cultivar")
            client.register("wine", wine.logistic, reference=wine.reference, label="cultivar")
            client.create_endpoint("wine", "wine:1")
        yield product
    finally:
        product.stop()


class Traffic:
    """Predictions without a pause; what callers were told, and what failed."""

    def __init__(self, client: Client, wine: Wine) -> None:
        self._client, self._rows = client, wine.heldout.head(2)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.ids: list[str] = []
        self.failures: list[InterlockError] = []

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def await_answers(self, count: int) -> None:
        upto = len(self.ids) + count
        while len(self.ids) < upto and not self.failures:
            self._stop.wait(0.02)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.ids += self._client.predict("wine", self._rows).ids
            except InterlockError as error:
                self.failures.append(error)


def test_the_way_from_a_model_to_a_release(product: Product, wine: Wine) -> None:
    assert not (product.home / "store.db").exists()
    with product.client() as client:
        client.predict("wine", wine.heldout)
        started = client.start_release("wine", "wine:2")
        (listed,) = product.json("release", "list")["releases"]
        assert listed["id"] == started["id"]
        client.rollback("wine", reason="enough of it")
        assert client.verify_audit()["ok"]
    checks = {check["check"]: check for check in product.json("doctor", "--store-url", _url(product))["checks"]}
    assert checks["store"]["outcome"] == "ok"


def test_serving_goes_on_while_the_database_is_dead_and_nothing_is_lost(
    product: Product, mortal_postgresql: PostgresServer, wine: Wine
) -> None:
    with product.client() as asking, product.client() as client, Traffic(asking, wine) as traffic:
        traffic.await_answers(50)
        mortal_postgresql.kill()
        traffic.await_answers(100)
        with pytest.raises(OverloadedError, match="the store does not answer"):
            client.endpoints()
        mortal_postgresql.start()
        traffic.await_answers(50)
        client.wait_until_logged(60)
    assert traffic.failures == []
    with product.client() as client:
        client.wait_until_logged(60)
        logged = [row["id"] for row in client.sql("SELECT prediction_id AS id FROM wine")]
        assert len(logged) == len(set(logged))
        assert set(traffic.ids) <= set(logged)
        assert client.reconciliation()["wine"]["holds"]
        # Every part came back to it, the gateways with their heartbeats.
        assert client.status()["gateways"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:secret@127.0.0.1:1/none", "the store postgresql+psycopg://me:***@127.0.0.1:1/none does not"),
        ("mysql://me:secret@127.0.0.1/none", "store_url must be like postgresql://USER:PASSWORD@HOST/DATABASE"),
        ("secret", "store_url must be like postgresql://USER:PASSWORD@HOST/DATABASE"),
    ],
)
def test_a_store_that_cannot_be_is_one_sentence_without_the_password(tmp_path: Path, url: str, said: str) -> None:
    done = run("up", "--home", str(tmp_path / "home"), "--port", "0", "--control-port", "0", "--store-url", url)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def _url(product: Product) -> str:
    return str(product.process.args[-1])  # type: ignore[index]  # a list, as it was started
