"""What a gateway worker remembers over restarts, so that it can start when the store cannot be reached.

One small file per slot: plans in force, versions they need (without their reference profiles), digests of keys, and
which challengers its guard has withdrawn. Written whenever one of them changes; a reader sees the old file or the new
one.
"""

import contextlib
import logging
import os
from pathlib import Path

import msgspec

from interlock.domain.access import Key
from interlock.domain.model import ModelVersion
from interlock.domain.traffic import TrafficPlan

log = logging.getLogger(__name__)


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's memory.

    Args:
        plans: In force.
        versions: All that the plans name.
        keys: The live ones, as digests.
        trips: What the guard withdrew (`TrafficPlan.guarded`) to the reason.
        isolated: Versions that may not run inside this worker any more: one died or stood still in them.
    """

    plans: tuple[TrafficPlan, ...] = ()
    versions: tuple[ModelVersion, ...] = ()
    keys: tuple[Key, ...] = ()
    trips: dict[str, str] = {}
    isolated: tuple[str, ...] = ()


class MemoryFile:
    """The file of one slot.

    Args:
        folder: The slot's folder. Made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.json"
        self._written: bytes | None = None

    def load(self) -> Memory | None:
        """What was remembered, or None if nothing was or it cannot be read."""
        try:
            self._written = self._path.read_bytes()
            return msgspec.json.decode(self._written, type=Memory)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError):
            log.warning("%s cannot be read; starting without it", self._path, exc_info=True)
            return None

    def save(self, memory: Memory) -> None:
        """Write if anything changed; it survives the machine when this returns. Blocks: call off the event loop.

        Raises:
            OSError: It cannot be written; the old file stays.
        """
        encoded = msgspec.json.encode(memory)
        if encoded == self._written:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with contextlib.closing(os.fdopen(descriptor, "wb")) as file:
            file.write(encoded)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._written = encoded
