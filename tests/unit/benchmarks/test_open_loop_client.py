"""The open-loop client against a server whose delays are known."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.serving.open_loop_client import Order, Run

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def serve(listener: socket.socket, pause_seconds: float) -> None:
    """Answer one request a connection at a time; the first after a pause."""
    try:
        connection, _ = listener.accept()
    except OSError:
        return
    with connection:
        while data := connection.recv(65536):
            time.sleep(pause_seconds)
            pause_seconds = 0.0
            connection.sendall(ANSWER * data.count(b"POST "))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_pause_of_the_server_counts_for_every_request_that_was_due_in_it(listener: socket.socket) -> None:
    thread = threading.Thread(target=serve, args=(listener, 0.4))
    thread.start()
    order = Order(f"http://127.0.0.1:{listener.getsockname()[1]}/x", "{}", {}, 100, 1.0, 1, seed=1)
    run = Run(order)
    report = run.execute()
    run.close()
    thread.join(5)
    assert not thread.is_alive()
    assert (report.errors, report.unanswered) == (0, 0)
    # Some 40 of 100 requests were due in the pause. A client that waits for answers would have sent one of them.
    assert report.p50_ms < 100
    assert report.p99_ms > 300
