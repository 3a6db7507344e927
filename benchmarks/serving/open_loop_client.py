"""A client that sends when a Poisson process says so, whether or not earlier answers have come.

Run as a process of its own by `measurements/open_loop.py`: JSON in, JSON out. A request's latency counts from the
moment it was due, so time spent waiting for a free connection, or for this client, is part of it (no coordinated
omission). Written on plain sockets: an event loop's timers are too coarse to send thousands of requests a second on
time.
"""

import ctypes
import gc
import json
import select
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import numpy as np

_PR_SET_TIMERSLACK = 29
_LINGER_SECONDS = 10.0


@dataclass(frozen=True)
class Order:
    """What to send.

    Args:
        rate: Requests per second, on average.
        seconds: For how long requests become due.
        connections: Open at the same time; a request that is due while all are busy waits.
        seed: Of the arrivals.
    """

    url: str
    body: str
    headers: dict[str, str]
    rate: float
    seconds: float
    connections: int
    seed: int


@dataclass(frozen=True)
class Report:
    """What came of it. `late_p99_ms`: how late this client itself was with sending, where a connection was free."""

    sent: int
    errors: int
    unanswered: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    late_p99_ms: float


def arrivals(order: Order) -> list[float]:
    """Moments at which requests are due, in seconds from the start.

    Examples:
        >>> due = arrivals(Order("", "", {}, rate=1000, seconds=10, connections=1, seed=1))
        >>> 9_700 < len(due) < 10_300, due == sorted(due), due[-1] < 10
        (True, True, True)
    """
    rng = np.random.default_rng(order.seed)
    wanted = int(order.rate * order.seconds * 1.2 + 100)
    due = np.cumsum(rng.exponential(1 / order.rate, wanted))
    found: list[float] = due[due < order.seconds].tolist()
    return found


class Run:
    """One run: connections, and what is under way on each."""

    def __init__(self, order: Order) -> None:
        self._order, self._due = order, arrivals(order)
        self._request = request(order)
        self._free = deque(connect(order.url) for _ in range(order.connections))
        self._busy: dict[socket.socket, tuple[float, bytes]] = {}
        self._waiting: deque[float] = deque()
        self._latencies: list[float] = []
        self._late: list[float] = []
        self._errors = 0

    def execute(self) -> Report:
        """Send everything that becomes due, then wait for what is under way."""
        start, position, due = time.perf_counter(), 0, self._due
        while position < len(due) or self._busy or self._waiting:
            now = time.perf_counter() - start
            while position < len(due) and due[position] <= now:
                self._waiting.append(due[position])
                position += 1
            self._send(start)
            if position == len(due) and now > self._order.seconds + _LINGER_SECONDS:
                break
            until = due[position] - (time.perf_counter() - start) if position < len(due) else 1.0
            readable, _, _ = select.select(list(self._busy), [], [], max(until, 0.0))
            for connection in readable:
                self._receive(connection, start)
        return self._report()

    def close(self) -> None:
        """Close all connections."""
        for connection in (*self._free, *self._busy):
            connection.close()

    def _send(self, start: float) -> None:
        while self._waiting and self._free:
            moment, connection = self._waiting.popleft(), self._free.popleft()
            connection.sendall(self._request)
            self._busy[connection] = (moment, b"")
            self._late.append(time.perf_counter() - start - moment)

    def _receive(self, connection: socket.socket, start: float) -> None:
        moment, before = self._busy[connection]
        received = connection.recv(65536)
        answer = before + received
        status = status_of(answer)
        if status is None and received:
            self._busy[connection] = (moment, answer)
            return
        del self._busy[connection]
        if status == 200:
            self._latencies.append(time.perf_counter() - start - moment)
        else:
            self._errors += 1
        if received:
            self._free.append(connection)
        else:  # the server closed it
            connection.close()
            self._free.append(connect(self._order.url))

    def _report(self) -> Report:
        quantiles = np.quantile(self._latencies, [0.5, 0.99, 0.999]) * 1000 if self._latencies else [np.nan] * 3
        late = float(np.quantile(self._late, 0.99) * 1000) if self._late else float("nan")
        p50, p99, p999 = (float(value) for value in quantiles)
        left = len(self._busy) + len(self._waiting)
        return Report(len(self._due), self._errors, left, p50, p99, p999, late)


def request(order: Order) -> bytes:
    """The bytes of one request."""
    address = urlsplit(order.url)
    body = order.body.encode()
    headers = {
        "Host": address.netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **order.headers,
    }
    lines = [f"POST {address.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status_of(answer: bytes) -> int | None:
    """The status of a whole answer; None while something is missing.

    Examples:
        >>> status_of(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
        200
        >>> status_of(b"HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\n{}")
        >>> status_of(b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n2\\r\\n{}\\r\\n0\\r\\n\\r\\n")
        200
    """
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return None
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        whole = body.endswith(b"0\r\n\r\n")
    else:
        _, named, rest = lower.partition(b"content-length:")
        whole = len(body) >= (int(rest.split(b"\r\n", 1)[0]) if named else 0)
    return int(head.split(b" ", 2)[1]) if whole else None


def connect(url: str) -> socket.socket:
    """An open connection."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname or "", address.port or 80), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def main() -> None:
    """Read an `Order` from stdin, write a `Report` to stdout."""
    order = Order(**json.load(sys.stdin))
    # By default Linux wakes a sleeper up to 50 µs late.
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    run = Run(order)
    gc.disable()
    print(json.dumps(asdict(run.execute())))
    run.close()


if __name__ == "__main__":
    main()
