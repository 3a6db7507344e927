"""Keeps what is served equal to what the store says: load first, then swap, one endpoint at a time.

A plan takes effect when every version it names was loaded or found unloadable; if its champion cannot be loaded the
plan before it stays in force. When the store cannot be reached, serving goes on, and a worker that starts then starts
from its memory.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import datetime

from interlock.domain.gateway_state import GatewayState
from interlock.domain.model import ModelVersion
from interlock.domain.traffic import TrafficPlan
from interlock.gateway.guards import Guards
from interlock.gateway.key_ring import KeyRing
from interlock.gateway.memory import Memory, MemoryFile
from interlock.gateway.metrics import Metrics
from interlock.gateway.plan_source import LOOK_SECONDS, Look, PlanSource, ReadableStore
from interlock.gateway.served import Board, serve
from interlock.gateway.versions import Versions

log = logging.getLogger(__name__)

_FIRST_LOOK_SECONDS = 3.0
# Callers wait in the socket's queue meanwhile. Longer than this, better some endpoints than none.
_FIRST_LOAD_SECONDS = 20.0


class PlanWatcher:
    """Follows the store's plans.

    Args:
        id: The worker's name among all gateways of the store.
        board: What is served.
        versions: What is loaded.
        guards: Which challengers were withdrawn.
        memory_file: Where to remember.
        clock: Aware UTC.
    """

    def __init__(
        self,
        store: ReadableStore,
        *,
        id: str,
        board: Board,
        versions: Versions,
        guards: Guards,
        metrics: Metrics,
        memory_file: MemoryFile,
        clock: Callable[[], datetime],
    ) -> None:
        self._id, self._clock = id, clock
        self._board, self._versions, self._guards, self._metrics = board, versions, guards, metrics
        self._memory_file = memory_file
        self._key_ring: KeyRing | None = None
        self._source = PlanSource(store, on_look=self._hand_over, heartbeat=self._heartbeat)
        self._look: Look | None = None
        self._last_look = 0
        self._looked = asyncio.Condition()
        self._adopting: dict[str, asyncio.Task[None]] = {}
        self._upkeep: asyncio.Task[None] | None = None
        guards.on_trip(self._tripped)
        self._loop = asyncio.get_running_loop()
        self._dirty = asyncio.Event()
        self._remembering: asyncio.Task[None] | None = None

    async def start(self, key_ring: KeyRing) -> None:
        """Begin to serve: from the store if it answers soon, else from memory."""
        self._key_ring = key_ring
        memory = await asyncio.to_thread(self._memory_file.load)
        if memory is not None:
            self._guards.trips = dict(memory.trips)
            self._versions.isolated += memory.isolated
        self._remembering = asyncio.create_task(self._remember())
        self._source.start()
        await self._wait_for_look(1, _FIRST_LOOK_SECONDS)
        if self._look is None and memory is not None:
            log.warning("the store did not answer; starting with the plans remembered from before")
            versions = {str(version.ref): version for version in memory.versions}
            self._take(Look(plans=memory.plans, versions=versions, keys=memory.keys))
        if self._adopting:
            await asyncio.wait(self._adopting.values(), timeout=_FIRST_LOAD_SECONDS)

    async def stop(self) -> None:
        """Stop following; what is served stays served."""
        await asyncio.to_thread(self._source.stop)
        running = [task for task in (self._remembering, self._upkeep, *self._adopting.values()) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    @property
    def is_ready(self) -> bool:
        """Whether plans are known, and some endpoint is served if there is any."""
        return self._look is not None and (bool(self._board.endpoints) or not self._look.plans)

    async def refreshed(self) -> None:
        """Wait until a look that begins now is over; not for longer than a look should take."""
        wanted = self._source.begun + 1
        self._source.look_now()
        await self._wait_for_look(wanted, 4 * LOOK_SECONDS)

    async def _wait_for_look(self, number: int, seconds: float) -> None:
        async def wait() -> None:
            async with self._looked:
                await self._looked.wait_for(lambda: self._last_look >= number)

        try:
            await asyncio.wait_for(wait(), seconds)
        except TimeoutError:
            return

    def _hand_over(self, number: int, look: Look) -> None:
        """From the source's thread to the event loop."""
        try:
            asyncio.run_coroutine_threadsafe(self._took(number, look), self._loop)
        except RuntimeError:
            log.debug("the event loop has stopped")

    async def _took(self, number: int, look: Look) -> None:
        self._take(look)
        async with self._looked:
            self._last_look = number
            self._looked.notify_all()

    def _take(self, look: Look) -> None:
        is_new, self._look = look != self._look, look
        if self._key_ring is not None:
            self._key_ring.replace(look.keys)
        planned = {plan.endpoint for plan in look.plans}
        for name in self._board.names:
            if name not in planned:
                self._board.remove(name)
                self._metrics.forget([name])
        for plan in look.plans:
            if plan.endpoint not in self._adopting and self._is_news(plan, look.versions):
                self._adopting[plan.endpoint] = asyncio.create_task(self._adopt(plan, look.versions))
        if self._upkeep is None or self._upkeep.done():
            self._upkeep = asyncio.create_task(self._tidy(look))
        if is_new:
            self.remember_soon()

    def _is_news(self, plan: TrafficPlan, known: dict[str, ModelVersion]) -> bool:
        """Whether adopting the plan could change anything."""
        loaded = self._versions.loaded
        if any(self._versions.may_try(ref) for ref in plan.versions if ref in known):
            return True
        served = self._board.find(plan.endpoint)
        return plan.champion in loaded and (served is None or served.plan != plan)

    async def _adopt(self, plan: TrafficPlan, known: dict[str, ModelVersion]) -> None:
        """Load what a plan names, then put it in force if it is still wanted."""
        try:
            for ref in plan.versions:
                if ref not in known:
                    self._versions.errors = {**self._versions.errors, ref: "it is not in the store"}
            await self._versions.ensure([known[ref] for ref in plan.versions if ref in known])
            if self._look is None or plan not in self._look.plans:
                return
            if plan.champion not in self._versions.loaded:
                return
            self._board.put(serve(plan, self._versions.loaded))
            self._metrics.serves(plan.endpoint, plan.generation)
            self.remember_soon()
            self._source.look_now()  # says it in a heartbeat
        finally:
            del self._adopting[plan.endpoint]

    async def _tidy(self, look: Look) -> None:
        served = [endpoint.plan for endpoint in self._board.endpoints]
        plans = [*look.plans, *served]
        await self._versions.retire({ref for plan in plans for ref in plan.versions})
        self._guards.keep_only({plan.release_id for plan in plans if plan.release_id is not None})

    def _heartbeat(self) -> GatewayState:
        """Called in the source's thread: reads only what is replaced as a whole."""
        return GatewayState(
            id=self._id,
            at=self._clock(),
            pid=os.getpid(),
            generations={served.name: served.plan.generation for served in self._board.endpoints},
            load_errors=dict(self._versions.errors),
            trips=dict(self._guards.trips),
        )

    def _tripped(self) -> None:
        self.remember_soon()
        self._source.look_now()

    def remember_soon(self) -> None:
        """Something changed that a restart must know."""
        self._dirty.set()

    async def _remember(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            if (memory := self._memory()) is None:
                continue
            try:
                await asyncio.to_thread(self._memory_file.save, memory)
            except OSError:
                log.warning("the gateway's memory cannot be written", exc_info=True)

    def _memory(self) -> Memory | None:
        if self._look is None:
            return None
        plans = tuple(served.plan for served in self._board.endpoints)
        named = {ref for plan in plans for ref in plan.versions}
        versions = (loaded.version for ref, loaded in sorted(self._versions.loaded.items()) if ref in named)
        return Memory(
            plans=plans,
            versions=tuple(versions),
            keys=tuple(key for key in self._look.keys if key.revoked_at is None),
            trips=dict(self._guards.trips),
            isolated=tuple(sorted(set(self._versions.isolated) & named)),
        )
