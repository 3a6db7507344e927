"""Load on a gateway: callers who send one request after another over connections of their own."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Load:
    """What the callers were told. `failed`: connections that broke before an answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    headers: list[bytes] = field(default_factory=list)
    failed: int = 0

    @property
    def total(self) -> int:
        return self.statuses.total() + self.failed


@contextlib.contextmanager
def load(address: tuple[str, int], path: str, body: bytes, *, callers: int = 8, key: str = "") -> Iterator[Load]:
    """Callers in a thread, until the block ends; then each finishes the request that it has begun."""
    found, stopping = Load(), threading.Event()
    thread = threading.Thread(
        target=asyncio.run, args=(_callers(address, request(path, body, key), callers, found, stopping),)
    )
    thread.start()
    try:
        yield found
    finally:
        stopping.set()
        thread.join(60)


def request(path: str, body: bytes, key: str = "") -> bytes:
    """A POST over a connection that stays open."""
    bearer = f"Authorization: Bearer {key}\r\n" if key else ""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _callers(address: tuple[str, int], sent: bytes, callers: int, found: Load, stopping: threading.Event) -> None:
    await asyncio.gather(*(_caller(address, sent, found, stopping) for _ in range(callers)))


async def _caller(address: tuple[str, int], sent: bytes, found: Load, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            reader, writer = await asyncio.open_connection(*address)
            with contextlib.closing(writer):
                while not stopping.is_set():
                    writer.write(sent)
                    await read_answer(reader, found)
        except (OSError, asyncio.IncompleteReadError):
            found.failed += 1


async def read_answer(reader: asyncio.StreamReader, found: Load) -> None:
    """Read one answer and count it."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    status = int(head[9:12])
    found.statuses[status] += 1
    if status != 200:
        found.headers.append(head)
