"""Brings the store up to date, and makes the first key, before any other part starts.

Both need the database's libraries, which the supervisor would then hold for ever. So a part does it that ends when it
is done: `prepare` is the supervisor's side, `answer` the part's.
"""

import os
import time
from typing import Any

import msgspec

from interlock import bootstrap
from interlock.domain.errors import HomeError, InterlockError
from interlock.process.handover import Handover
from interlock.process.spawning import Spawn
from interlock.settings import Settings

NAME = "store"
_LOOK_SECONDS = 0.005
_LONGEST_ANSWER = 65536


class Preparation:
    """Starts that part and takes its answer, once.

    Args:
        lifeline: As for every part.
    """

    def __init__(self, lifeline: int) -> None:
        self._lifeline = lifeline
        self._read, self.descriptor = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def prepare(self, spawn: Spawn) -> str | None:
        """Wait until the store is ready.

        Returns:
            The administrator's key if this made it.

        Raises:
            HomeError: The store cannot be used, and why.
        """
        process = spawn(Handover(NAME, os.getpid(), self._lifeline, self.descriptor))
        while process.poll() is None:
            time.sleep(_LOOK_SECONDS)
        try:
            told: dict[str, Any] = msgspec.json.decode(os.read(self._read, _LONGEST_ANSWER))
        except (BlockingIOError, msgspec.DecodeError) as error:
            raise HomeError("the store could not be opened; what is wrong with it stands above") from error
        if "error" in told:
            raise HomeError(told["error"])
        key: str | None = told["key"]
        return key

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._read)
        os.close(self.descriptor)


def answer(settings: Settings, descriptor: int) -> None:
    """In the part: do it, and tell what came of it."""
    told: dict[str, Any]
    try:
        bootstrap.migrate(settings)
        told = {"key": None if settings.no_auth else bootstrap.create_first_key(settings)}
    except InterlockError as error:
        told = {"error": str(error)}
    os.write(descriptor, msgspec.json.encode(told))
