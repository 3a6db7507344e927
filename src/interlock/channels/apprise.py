"""Mail, Slack, Teams, PagerDuty and a hundred more, by Apprise (extra `alerts`). Called by `sending`.

Apprise tells why something failed to its log only, and there with secrets: what it says is caught here and goes nowhere
else.
"""

import logging
import threading
from typing import Any

from interlock.channels.addresses import scheme
from interlock.domain.alert import Delivery, Severity
from interlock.domain.errors import InvalidInputError, NotDeliveredError

# Said at the level of debugging, and the only line that names the cause.
_CAUSE = "Socket Exception: "

# Others would be sent a picture as text.
_SHOW_PAGES = ("mailto", "mailtos")

_COLOURS: dict[Severity, str] = {"info": "info", "warning": "warning", "critical": "failure"}


class _Caught(logging.Handler):
    """What Apprise says, by the thread in which it says it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._threads = threading.local()

    def clear(self) -> None:
        self._threads.said = []

    def said(self) -> str:
        return "; ".join(getattr(self._threads, "said", []))

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING or text.startswith(_CAUSE):
            self._threads.said = [*getattr(self._threads, "said", []), text.removeprefix(_CAUSE)]


_caught = _Caught()


def check(url: str) -> None:
    """Refuse a URL that Apprise does not understand.

    Raises:
        InvalidInputError: It does not, or is not installed.
    """
    _service(url)


def send(url: str, delivery: Delivery) -> None:
    """Send a notice.

    Raises:
        NotDeliveredError: The service did not take it, and what Apprise says of it.
        InvalidInputError: The URL is not understood, or Apprise is not installed.
    """
    service, notice = _service(url), delivery.notice
    is_page = bool(notice.html) and scheme(url) in _SHOW_PAGES
    body, form = (notice.html, "html") if is_page else (notice.text, "text")
    _caught.clear()
    try:
        is_taken = service.notify(
            title=notice.title, body=body, body_format=form, notify_type=_COLOURS[notice.severity]
        )
    except Exception as error:  # a hundred services, and whatever is under them
        raise NotDeliveredError(f"{type(error).__name__}: {error}") from error
    if not is_taken:
        raise NotDeliveredError(_caught.said() or "the service did not take it")


def _service(url: str) -> Any:
    # Here, since it imports every service there is: nearly two seconds, and only who has such a channel waits for it.
    try:
        from apprise import Apprise
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            "channels other than http:// and https:// need the extra alerts; pip install 'interlock[alerts]'"
        ) from error
    log = logging.getLogger("apprise")
    if _caught not in log.handlers:
        log.addHandler(_caught)
        log.setLevel(logging.DEBUG)
        log.propagate = False
    _caught.clear()
    service = Apprise.instantiate(url)
    if service is None:
        raise InvalidInputError(f"url is none that Apprise understands: {_caught.said() or 'unknown scheme'}")
    return service
