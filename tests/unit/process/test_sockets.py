import socket
from contextlib import closing

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.process.sockets import is_loopback, listen, reserve, url


def test_port_0_is_chosen_by_the_system() -> None:
    with closing(listen("127.0.0.1", 0, option="--port")) as listener:
        assert listener.getsockname()[1] > 0


def test_a_port_in_use_is_named_with_the_option_that_changes_it() -> None:
    with closing(listen("127.0.0.1", 0, option="--port")) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(InvalidInputError, match=f"port {port} on 127.0.0.1 is in use.*--control-port"):
            listen("127.0.0.1", port, option="--control-port")


def test_a_held_port_is_for_those_who_share_it_alone() -> None:
    with closing(reserve("127.0.0.1", 0, option="--grpc-port")) as held:
        address = held.getsockname()
        with pytest.raises(InvalidInputError, match=r"is in use.*--grpc-port"):
            reserve("127.0.0.1", address[1], option="--grpc-port")
        with pytest.raises(ConnectionRefusedError):  # nobody listens yet
            socket.create_connection(address, timeout=5)
        for _ in range(2):  # one worker, and its successor
            with socket.create_server(address, reuse_port=True):
                socket.create_connection(address, timeout=5).close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(InvalidInputError, match=f"cannot listen on {host}"):
        listen(host, 0, option="--port")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("box", "http://box:80"),
    ],
)
def test_url_is_reachable_from_this_machine(host: str, expected: str) -> None:
    assert url(host, 80) == expected
    assert url(host, 80, tls=True) == expected.replace("http", "https")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box", False)],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
