"""A real SMTP server and a real HTTP receiver: started, stopped, started again on the same port."""

import asyncio
import json
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailServer:
    """Takes every mail. `port` 0 lets the system choose; it stays the same over `stop` and `start`."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []
        self._came = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for every mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        with self._came:
            self.mails.append(mail)
            self._came.notify_all()
        return "250 OK"

    def start(self) -> Self:
        loop = self._loop = asyncio.new_event_loop()

        def make() -> SMTP:
            return SMTP(self, hostname="localhost", loop=loop)

        server = loop.run_until_complete(loop.create_server(make, "127.0.0.1", self.port))
        self.port = server.sockets[0].getsockname()[1]

        def run() -> None:
            loop.run_forever()
            server.close()
            loop.run_until_complete(_end_tasks())
            loop.close()

        self._thread = threading.Thread(target=run)
        self._thread.start()
        return self

    def stop(self) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def wait(self, count: int, timeout_seconds: float = 60.0) -> list[str]:
        """Wait for so many mails. Returns the subjects of all there are."""
        with self._came:
            self._came.wait_for(lambda: len(self.mails) >= count, timeout_seconds)
        return self.subjects

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}/?from=interlock@example.org&to=team@example.org"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


async def _end_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Receiver:
    """Takes JSON by POST and answers with `status`."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                receiver.headers.append(dict(self.headers))
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
