"""A remote model over real HTTP: how a server may fail, and what is made of it."""

import asyncio
import hashlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pandas as pd
import pytest
import uvloop
from numpy.typing import NDArray
from tests.checks.runtimes.v2_server import V2Server

from interlock.domain.contract import Contract, Field, Time
from interlock.domain.errors import DeadlineExceededError, ModelFailedError, UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.runtimes import remote
from interlock.runtimes.load import load_runtime
from interlock.runtimes.predictors import load_predictor
from interlock.runtimes.remote import RemoteModel, RemoteRuntime, ask_metadata
from interlock.runtimes.remote_address import RemoteAddress

CONTRACT = Contract(
    inputs=(Field(name="amount", datatype="FP64", nullable=True), Field(name="visits", datatype="INT64")),
    outputs=(
        Field(name="label", datatype="BYTES"),
        Field(name="probabilities", datatype="FP64", shape=(2,)),
    ),
    task="binary",
    classes=("leaves", "stays"),
)
ROW: Columns = {"amount": np.array([30.0]), "visits": np.array([4])}
EXPECTED = 0.3

T = TypeVar("T")


def answer(rows: pd.DataFrame) -> NDArray[np.float64]:
    stays = rows["amount"].fillna(0).to_numpy(dtype=float) / 100
    return np.column_stack([1 - stays, stays])


@pytest.fixture(params=[False, True], ids=["json", "binary"])
def server(request: pytest.FixtureRequest) -> Iterator[V2Server]:
    server = V2Server(answer, ["amount", "visits"], binary=request.param)
    yield server
    server.stop()


Store = Callable[..., tuple[ModelVersion, Path]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Writes what registration would have written."""

    def make(server: V2Server, **changes: Any) -> tuple[ModelVersion, Path]:
        found = ask_metadata(RemoteAddress(url=server.url, **changes))
        content = msgspec.json.encode(msgspec.structs.replace(found, roles={"probabilities": "probs"}))
        digest = hashlib.sha256(content).hexdigest()
        (tmp_path / digest).write_bytes(content)
        version = ModelVersion(
            name="churn", version=1, digest=digest, model_format="remote", serving_digest=digest,
            serving_format="remote", placement="remote", contract=CONTRACT, created_at=datetime.now(UTC),
            created_by="test",
        )  # fmt: skip
        return version, tmp_path

    return make


def as_in_a_gateway(requests: Coroutine[Any, Any, T]) -> T:
    """Gateways run on uvloop; registration, below, on asyncio's own loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(requests)


def running(found: tuple[ModelVersion, Path]) -> RemoteRuntime:
    runtime = load_runtime(*found)
    assert isinstance(runtime, RemoteRuntime)
    return runtime


def stays(outputs: dict[str, NDArray[Any]]) -> float:
    return float(outputs["probabilities"][0, 1])


def asked(runtime: RemoteRuntime, times: int = 1, deadline_seconds: float = 5.0) -> list[str]:
    """The outcome of each request."""

    async def one() -> str:
        try:
            await runtime.predict(ROW, deadline_seconds)
        except ModelFailedError as error:
            return error.status
        return "ok"

    async def run() -> list[str]:
        outcomes = [await one() for _ in range(times)]
        await runtime.close()
        return outcomes

    return as_in_a_gateway(run())


def test_it_answers_and_keeps_its_connection(server: V2Server, store: Store) -> None:
    runtime = running(store(server))
    before = server.connections

    async def run() -> list[float]:
        answers = [stays(await runtime.predict(ROW, 5.0)) for _ in range(20)]
        await runtime.close()
        return answers

    assert as_in_a_gateway(run()) == pytest.approx([EXPECTED] * 20)
    assert server.connections == before + 1
    assert server.seen_binary == server.binary


def test_many_requests_at_once_share_a_bounded_number_of_connections(server: V2Server, store: Store) -> None:
    runtime = running(store(server))
    before = server.connections

    async def run() -> list[float]:
        rows = [{**ROW, "amount": np.array([float(at % 100)])} for at in range(200)]
        answers = await asyncio.gather(*[runtime.predict(row, 20.0) for row in rows])
        await runtime.close()
        return [stays(one) for one in answers]

    assert as_in_a_gateway(run()) == pytest.approx([at % 100 / 100 for at in range(200)])
    assert server.connections - before <= 32


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("refuses", "model_error", "the server answers 400: unexpected shape for input"),
        ("busy", "model_error", "the server answers 503: queue is full"),
        ("redirect", "model_error", r"redirects \(307\), which is not followed"),
        ("hang up", "model_error", "hung up without an answer"),
        ("huge", "model_error", "longer than 67108864 bytes"),
        ("nonsense", "invalid_output", "not of the protocol"),
        ("wrong length", "invalid_output", "does not fill its shape"),
        ("nan", "invalid_output", "must be between 0 and 1"),
    ],
)
def test_a_server_that_fails_is_a_model_that_failed(
    server: V2Server, store: Store, fault: str, status: str, said: str
) -> None:
    runtime = running(store(server))

    async def run() -> float:
        server.fault = fault
        with pytest.raises(ModelFailedError, match=said) as failed:
            await runtime.predict(ROW, 10.0)
        assert failed.value.status == status
        server.fault = ""
        answered = stays(await runtime.predict(ROW, 10.0))
        await runtime.close()
        return answered

    assert as_in_a_gateway(run()) == pytest.approx(EXPECTED)


def test_a_redirect_is_not_followed(server: V2Server, store: Store) -> None:
    runtime = running(store(server))
    server.fault = "redirect"
    assert asked(runtime) == ["model_error"]
    assert server.requests == 1


def test_a_slow_server_meets_the_deadline_and_its_late_answer_goes_to_no_one(server: V2Server, store: Store) -> None:
    runtime = running(store(server))

    async def run() -> None:
        server.fault = "slow"
        start = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            await runtime.predict({**ROW, "amount": np.array([99.0])}, 0.1)
        assert time.monotonic() - start < 0.3
        server.fault = ""
        assert stays(await runtime.predict(ROW, 5.0)) == pytest.approx(EXPECTED)
        await runtime.close()

    as_in_a_gateway(run())


def test_after_five_timeouts_in_a_row_it_is_not_asked_for_a_while(server: V2Server, store: Store) -> None:
    runtime = running(store(server))
    server.fault = "hang"
    assert asked(runtime, 7, deadline_seconds=0.05) == ["timeout"] * 5 + ["breaker_open"] * 2


def test_an_answer_of_any_kind_ends_the_count_of_failures(server: V2Server, store: Store) -> None:
    runtime = running(store(server))

    async def run() -> list[str]:
        outcomes = []
        for fault in ["hang"] * 4 + ["refuses"] + ["hang"] * 4 + ["nonsense"] + ["hang"] * 4:
            server.fault = fault
            with pytest.raises(ModelFailedError) as failed:
                await runtime.predict(ROW, 0.05 if fault == "hang" else 5.0)
            outcomes.append(failed.value.status)
        await runtime.close()
        return outcomes

    assert "breaker_open" not in as_in_a_gateway(run())


def test_a_server_that_refuses_rows_is_well(server: V2Server, store: Store) -> None:
    runtime = running(store(server))
    server.fault = "refuses"
    assert asked(runtime, 7) == ["model_error"] * 7


def test_a_connection_that_the_server_closed_in_the_meantime_costs_nothing(server: V2Server, store: Store) -> None:
    runtime = running(store(server))
    server.fault = "close behind"
    assert asked(runtime, 5) == ["ok"] * 5


def test_a_server_that_has_gone_fails_at_once(server: V2Server, store: Store) -> None:
    runtime = running(store(server))
    server.stop()
    start = time.monotonic()
    assert asked(runtime) == ["model_error"]
    assert time.monotonic() - start < 2


def test_more_than_may_wait_are_refused_at_once(
    server: V2Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_MOST_WAITING", 3)
    runtime = running(store(server))
    server.fault = "slow"

    async def run() -> list[Any]:
        found = await asyncio.gather(*[runtime.predict(ROW, 5.0) for _ in range(5)], return_exceptions=True)
        await runtime.close()
        return [one.status if isinstance(one, ModelFailedError) else "ok" for one in found]

    assert sorted(as_in_a_gateway(run())) == ["breaker_open"] * 2 + ["ok"] * 3


def test_a_missing_number_is_sent_as_such(server: V2Server, store: Store) -> None:
    predictor = load_predictor(*store(server))
    assert stays(predictor.predict({**ROW, "amount": np.array([np.nan])})) == 0.0
    predictor.close()


def test_the_token_of_the_environment_is_sent(server: V2Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    server.token = "s3cret"
    with pytest.raises(UnloadableModelError, match="answers 401: no"):
        store(server)
    with pytest.raises(UnloadableModelError, match="variable INTERLOCK_REMOTE_TEST is not set where the server runs"):
        store(server, token_env="INTERLOCK_REMOTE_TEST")
    monkeypatch.setenv("INTERLOCK_REMOTE_TEST", "s3cret")
    version, artifacts = store(server, token_env="INTERLOCK_REMOTE_TEST")
    assert b"s3cret" not in (artifacts / version.serving_digest).read_bytes()
    assert asked(running((version, artifacts))) == ["ok"]


@pytest.mark.parametrize("token", ["with\r\nHost: x", "ü", ""])
def test_what_is_no_token_is_not_sent(
    server: V2Server, store: Store, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("INTERLOCK_REMOTE_TEST", token)
    with pytest.raises(UnloadableModelError, match="INTERLOCK_REMOTE_TEST"):
        store(server, token_env="INTERLOCK_REMOTE_TEST")
    assert server.requests == 0


def test_a_server_whose_model_has_changed_is_refused(server: V2Server, store: Store) -> None:
    found = store(server)
    server.fault = "changed"
    with pytest.raises(UnloadableModelError, match=r"has changed: it takes amount FP64 \[-1, 1\]"):
        load_runtime(*found)


def test_a_server_that_is_not_ready_is_refused(server: V2Server, store: Store) -> None:
    found = store(server)
    server.fault = "not ready"
    with pytest.raises(UnloadableModelError, match="cannot be used: the server answers 503"):
        load_runtime(*found)


def test_an_address_where_nobody_listens_is_refused_by_name(server: V2Server, store: Store) -> None:
    found = store(server)
    server.stop()
    with pytest.raises(
        UnloadableModelError, match=r"http://127\.0\.0\.1:\d+/v2/models/churn cannot be used: .* reached"
    ):
        load_runtime(*found)


def test_a_server_that_accepts_and_says_nothing_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "METADATA_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v2/models/x"
        with pytest.raises(UnloadableModelError, match=r"does not answer within 0\.2 s"):
            ask_metadata(RemoteAddress(url=url))


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2097153\r\n\r\n" + b" " * 2_097_153,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
    ],
    ids=["no json", "another protocol", "endless header", "too long", "bad chunk", "cut off"],
)
def test_what_does_not_speak_the_protocol_is_refused(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        threading.Thread(target=_say, args=(listener, said), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v2/models/x"
        with pytest.raises(UnloadableModelError, match=r"^http://127\.0\.0\.1:\d+/v2/models/x "):
            ask_metadata(RemoteAddress(url=url))


def _say(listener: socket.socket, said: bytes) -> None:
    for _ in range(3):
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                connection.recv(65536)
                connection.sendall(said)
        except OSError:
            return


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that nobody vouches for, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, which makes the certificate")
    path = tmp_path / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key.pem"), "-out", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + (tmp_path / "key.pem").read_bytes())
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[V2Server]:
    server = V2Server(answer, ["amount", "visits"], tls=certificate)
    yield server
    server.stop()


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: V2Server) -> None:
    with pytest.raises(UnloadableModelError, match=r"cannot be reached: .*certificate"):
        ask_metadata(RemoteAddress(url=tls_server.url))


def test_https_with_a_certificate_that_the_machine_trusts(
    tls_server: V2Server, certificate: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert asked(running(store(tls_server)), 3) == ["ok"] * 3


def test_the_stored_address_can_be_read_back() -> None:
    model = RemoteModel(address=RemoteAddress(url="http://h/v2/models/x"), roles={"label": "y"})
    assert msgspec.json.decode(msgspec.json.encode(model), type=RemoteModel) == model


def test_times_travel_as_texts_or_in_the_unit_that_the_model_counts() -> None:
    asked: list[pd.DataFrame] = []

    def note(rows: pd.DataFrame) -> NDArray[np.float64]:
        asked.append(rows)
        return np.full((len(rows), 2), 0.5)

    contract = msgspec.structs.replace(
        CONTRACT,
        inputs=(
            Field(name="plan", datatype="BYTES", time=Time(is_date=True)),
            Field(name="visits", datatype="INT64", time=Time(unit="s", model_takes="integer")),
        ),
    )
    server = V2Server(note, ["plan", "visits"])
    try:
        model = msgspec.structs.replace(ask_metadata(RemoteAddress(url=server.url)), roles={"probabilities": "probs"})
        predictor = remote.RemotePredictor(model, contract)
        predictor.predict(
            {
                "plan": np.array(["2013-04-01"], dtype="datetime64[us]"),
                "visits": np.array(["1970-01-01T00:01:00"], dtype="datetime64[us]"),
            }
        )
        predictor.close()
    finally:
        server.stop()
    assert asked[0].to_dict("records") == [{"plan": "2013-04-01", "visits": 60}]
