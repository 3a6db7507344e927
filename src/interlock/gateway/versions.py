"""The versions loaded in this worker: loaded off the event loop, kept while a plan names them, closed after a grace."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection

import msgspec

from interlock.domain.errors import InterlockError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Runtime
from interlock.gateway.served import LoadedVersion

log = logging.getLogger(__name__)

# After a failure to load: long enough to cost nothing, short enough for someone who mends the cause and waits.
_RETRY_SECONDS = 10.0
# A request under way may hold a version that no plan names any more.
_GRACE_SECONDS = 30.0


class Versions:
    """Loaded versions by `name:version`.

    Args:
        load: Loads one; blocks.
        grace_seconds: How long a version stays after the last plan that named it.
        retry_seconds: How long a version that could not be loaded is left alone.

    Attributes:
        isolated: Versions that run in a process of their own, wherever registration has placed them.
    """

    def __init__(
        self,
        load: Callable[[ModelVersion], Runtime],
        *,
        grace_seconds: float = _GRACE_SECONDS,
        retry_seconds: float = _RETRY_SECONDS,
    ) -> None:
        self._load, self._grace_seconds, self._retry_seconds = load, grace_seconds, retry_seconds
        self._loaded: dict[str, LoadedVersion] = {}
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._failed_at: dict[str, float] = {}
        self._unused_since: dict[str, float] = {}
        self.errors: dict[str, str] = {}
        self.isolated: tuple[str, ...] = ()

    @property
    def loaded(self) -> dict[str, LoadedVersion]:
        """All that can answer."""
        return self._loaded

    def may_try(self, ref: str) -> bool:
        """Whether loading `ref` could have another outcome than the last time."""
        return ref not in self._loaded and time.monotonic() >= self._failed_at.get(ref, 0.0)

    async def ensure(self, versions: Collection[ModelVersion]) -> None:
        """Load those that are not; what fails is in `errors` afterwards."""
        tasks = [self._task(version) for version in versions if self.may_try(version.ref)]
        await asyncio.gather(*tasks)

    def _task(self, version: ModelVersion) -> asyncio.Task[None]:
        task = self._loading.get(version.ref)
        if task is None:
            task = self._loading[version.ref] = asyncio.create_task(self._do_load(version))
        return task

    async def _do_load(self, version: ModelVersion) -> None:
        ref = str(version.ref)
        if ref in self.isolated:
            version = msgspec.structs.replace(version, placement="isolated")
        try:
            runtime = await asyncio.to_thread(self._load, version)
            self._loaded = {**self._loaded, ref: LoadedVersion(version, runtime)}
            self.errors = {known: why for known, why in self.errors.items() if known != ref}
        except Exception as error:
            why = str(error) if isinstance(error, InterlockError) else f"{type(error).__name__}: {error}"
            log.warning("model %s cannot be loaded: %s", ref, why)
            self.errors = {**self.errors, ref: why}
            self._failed_at[ref] = time.monotonic() + self._retry_seconds
        finally:
            del self._loading[ref]

    async def retire(self, named: Collection[str]) -> None:
        """Close what no plan has named for the grace; forget errors of what no plan names."""
        now = time.monotonic()
        self.errors = {ref: why for ref, why in self.errors.items() if ref in named}
        for ref in list(self._loaded):
            if ref in named:
                self._unused_since.pop(ref, None)
            elif now - self._unused_since.setdefault(ref, now) >= self._grace_seconds:
                await self._close(ref)

    async def close(self) -> None:
        """Close all."""
        for ref in list(self._loaded):
            await self._close(ref)

    async def _close(self, ref: str) -> None:
        version = self._loaded[ref]
        self._loaded = {known: loaded for known, loaded in self._loaded.items() if known != ref}
        self._unused_since.pop(ref, None)
        with contextlib.suppress(Exception):  # whatever a model does on its way out, others go on
            await version.runtime.close()
