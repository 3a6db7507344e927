"""Application tests that the controller runs by itself, for releases whose plan names the rows.

Each runs in a process of its own, which a thread here waits for, so the loop that moves releases goes on. What is in
memory is only what runs now: who dies begins again, and the release counts how often.
"""

import logging
import threading
from collections.abc import Callable

from interlock.domain.errors import InterlockError
from interlock.domain.release import HeldOutData, Release

_log = logging.getLogger(__name__)

RunTest = Callable[[str, HeldOutData, str], None]
"""Tests a version (`name:version`) on these rows for an endpoint, and stores what was found. Takes minutes at most."""


class OwnTests:
    """The tests that run now.

    Args:
        run: How one is done; it raises `InterlockError` where it cannot be.
    """

    def __init__(self, run: RunTest) -> None:
        self._run = run
        self._running: dict[str, threading.Thread] = {}
        self._faults: dict[str, str] = {}

    def begin(self, release: Release, candidate: str) -> None:
        """Begin one; one at a time of each release."""
        arguments = (release.id, candidate, release.plan.test_data, release.endpoint)
        thread = threading.Thread(target=self._test, args=arguments, name=f"test of {candidate}", daemon=True)
        self._running[release.id] = thread
        thread.start()

    def is_running(self, release: Release) -> bool:
        """Whether one runs."""
        thread = self._running.get(release.id)
        return thread is not None and thread.is_alive()

    def fault(self, release: Release) -> str | None:
        """Why the last one could not be done, if it could not."""
        return self._faults.get(release.id)

    def join(self, release: Release, timeout_seconds: float) -> None:
        """Wait for one that runs."""
        if (thread := self._running.get(release.id)) is not None:
            thread.join(timeout_seconds)

    def _test(self, id: str, candidate: str, data: HeldOutData, endpoint: str) -> None:
        try:
            self._run(candidate, data, endpoint)
        except InterlockError as error:
            self._faults[id] = str(error)
        except Exception as error:
            _log.exception("the application test of %s broke", candidate)
            self._faults[id] = f"it broke: {type(error).__name__}: {error}"
