"""A webhook: one POST of JSON, answered by any 2xx. Called by `sending` for http:// and https://.

`text` is a sentence, which is what Slack, Mattermost and their like show of a body that is otherwise not theirs. It
follows no redirect: who moved the receiver says so in the channel's URL.
"""

import base64
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from interlock.domain.alert import Delivery
from interlock.domain.errors import NotDeliveredError

_TIMEOUT_SECONDS = 10.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Let it be the error that it is."""


# Proxies are those of the environment, as everywhere.
_opener = urllib.request.build_opener(_NoRedirects)


def send(url: str, delivery: Delivery) -> None:
    """POST a notice.

    Raises:
        NotDeliveredError: The other side did not take it, and why.
    """
    request = _request(url, delivery)
    try:
        with _opener.open(request, timeout=_TIMEOUT_SECONDS):
            return
    except HTTPError as error:
        with error:
            raise NotDeliveredError(f"it answered {error.code} {error.reason}") from error
    except URLError as error:
        raise NotDeliveredError(str(error.reason)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise NotDeliveredError(f"{type(error).__name__}: {error}") from error


def _request(url: str, delivery: Delivery) -> urllib.request.Request:
    parts = urlsplit(url)
    user, separator, host = parts.netloc.rpartition("@")
    headers = {"Content-Type": "application/json", "User-Agent": "interlock"}
    if separator:
        headers["Authorization"] = f"Basic {base64.b64encode(unquote(user).encode()).decode()}"
    target = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    return urllib.request.Request(target, msgspec.json.encode(_body(delivery)), headers, method="POST")  # noqa: S310 (an administrator's URL; its scheme was checked)


def _body(delivery: Delivery) -> dict[str, object]:
    notice = delivery.notice
    return {
        "delivery": delivery.id,
        "kind": notice.kind,
        "alert": notice.alert,
        "endpoint": notice.endpoint,
        "severity": notice.severity,
        "title": notice.title,
        "text": f"{notice.title}\n{notice.text}",
        "at": notice.at,
    }
