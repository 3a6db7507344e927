"""Waits for the disk on behalf of many: one sync at a time, and all that were recorded meanwhile share the next.

Called for endpoints whose answers must survive the machine (`durability: disk`). A disk that needs 5 ms a sync thus
answers thousands of requests a second, each a few milliseconds later.
"""

import asyncio
import logging
from collections.abc import Callable

from interlock.domain.errors import UnrecordedError

log = logging.getLogger(__name__)

Done = Callable[[UnrecordedError | None], None]


class GroupSync:
    """Syncs when someone waits.

    Args:
        sync: Brings to the disk what was written before the call, or raises UnrecordedError. Blocks.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Done] = []
        self._task: asyncio.Task[None] | None = None

    def call_when_synced(self, done: Done) -> None:
        """Call `done` in the event loop when all that was written so far is on the disk, or cannot be brought there."""
        self._waiting.append(done)
        if self._task is None:
            self._task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            error = await asyncio.to_thread(self._try)
            for done in group:
                done(error)
        self._task = None

    def _try(self) -> UnrecordedError | None:
        try:
            self._sync()
        except UnrecordedError as error:
            log.warning("records could not be brought to the disk", exc_info=True)
            return error
        return None
