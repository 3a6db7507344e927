"""Who is signed in: the sessions of the pages, in the memory of the API's process.

Called by `access` with every page, and by `sign_in`. A cookie holds random bytes and nothing else; what is kept of it
is a hash. The key itself is not kept: only its digest, by which it is looked up anew with every page, so that revoking
a key ends its sessions at once. A restart of the process ends them all.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from interlock.api.key_ring import digest

LENGTH = timedelta(hours=12)
"""A working day: who signs in at eight need not do so again before the evening."""

# Far more than people; without a bound a loop of sign-ins would fill the memory.
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in.

    Args:
        key_digest: Of the key that it signed in with.
        csrf: What every form must carry: a page of another site cannot know it.
        ends_at: Aware UTC.
    """

    key_digest: str
    csrf: str
    ends_at: datetime


class Sessions:
    """Opens, finds and closes sessions.

    Args:
        clock: Aware UTC now.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock, self._lock = clock, Lock()
        self._open: dict[str, Session] = {}

    def open(self, key_digest: str) -> str:
        """Begin a session.

        Returns:
            What the cookie holds.
        """
        cookie = secrets.token_urlsafe(32)
        session = Session(key_digest, secrets.token_urlsafe(32), self._clock() + LENGTH)
        with self._lock:
            self._drop_ended()
            self._open[digest(cookie)] = session
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie; None if there is none, or it has ended."""
        with self._lock:
            session = self._open.get(digest(cookie))
        return session if session is not None and session.ends_at > self._clock() else None

    def close(self, cookie: str) -> None:
        """End a session, if there is one."""
        with self._lock:
            self._open.pop(digest(cookie), None)

    def _drop_ended(self) -> None:
        now = self._clock()
        # All last equally long, so the order of beginning is the order of ending.
        while self._open and (len(self._open) >= _MOST or next(iter(self._open.values())).ends_at <= now):
            del self._open[next(iter(self._open))]
