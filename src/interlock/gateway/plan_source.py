"""Looks at the store from a thread of its own, so that serving never waits for it, however it fails.

Four looks a second for plans, versions and keys; one heartbeat a second, or at once when there is something new to say.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from interlock.domain.access import Key
from interlock.domain.errors import NotFoundError
from interlock.domain.gateway_state import GatewayState
from interlock.domain.model import ModelVersion
from interlock.domain.traffic import TrafficPlan

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
# Between two looks, however often someone cannot wait: unknown keys must not keep the store busy.
_LEAST_SECONDS = 0.02
_BEAT_EVERY_LOOKS = 4


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says.

    Args:
        versions: All that the plans name and the store knows, by `name:version`.
    """

    plans: tuple[TrafficPlan, ...]
    versions: dict[str, ModelVersion]
    keys: tuple[Key, ...]


class ReadableStore(Protocol):
    """The part of the store that a gateway needs."""

    def read(self) -> AbstractContextManager[Any]:
        """A read transaction with its repositories."""

    def transaction(self) -> AbstractContextManager[Any]:
        """A write transaction with its repositories."""


class PlanSource:
    """The thread.

    Args:
        store: The control plane's.
        on_look: Called with each look's number, from 1, and what it found, in the thread.
        heartbeat: Gives the heartbeat to write, in the thread.
    """

    def __init__(
        self, store: ReadableStore, *, on_look: Callable[[int, Look], None], heartbeat: Callable[[], GatewayState]
    ) -> None:
        self._store, self._on_look, self._heartbeat = store, on_look, heartbeat
        self._versions: dict[str, ModelVersion] = {}
        self._beaten: GatewayState | None = None
        self._is_failing = False
        self.begun = 0
        self._stop, self._wake = threading.Event(), threading.Event()
        # A daemon: a store that hangs must not keep the worker from stopping.
        self._thread = threading.Thread(target=self._run, name="plans", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look_now(self) -> None:
        """Do not wait for the next turn."""
        self._wake.set()

    def stop(self, timeout_seconds: float = 1.0) -> None:
        """End the thread, and take back the heartbeat if the store allows it soon."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        for number in self._turns():
            self._try(self._look)
            self._try(self._beat, number % _BEAT_EVERY_LOOKS == 0)
        self._try(self._say_goodbye)

    def _turns(self) -> Iterator[int]:
        number = 0
        while not self._stop.is_set():
            yield number
            number += 1
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            self._stop.wait(_LEAST_SECONDS)

    def _try(self, do: Callable[..., None], *arguments: Any) -> None:
        try:
            do(*arguments)
        except Exception as error:
            if not self._is_failing:
                log.warning("the store cannot be reached; serving goes on with what is known: %s", error)
            self._is_failing = True
        else:
            if self._is_failing and do == self._look:
                log.warning("the store answers again")
                self._is_failing = False

    def _look(self) -> None:
        self.begun += 1
        number = self.begun
        with self._store.read() as tx:
            plans = tuple(tx.plans.all_current())
            keys = tuple(tx.keys.list())
            named = {ref for plan in plans for ref in plan.versions}
            self._versions = {ref: version for ref in named if (version := self._version(tx, ref)) is not None}
        self._on_look(number, Look(plans=plans, versions=self._versions, keys=keys))

    def _version(self, tx: Any, ref: str) -> ModelVersion | None:
        known = self._versions.get(ref)  # versions never change
        if known is not None:
            return known
        try:
            version: ModelVersion = tx.models.get(ref)
        except NotFoundError:
            return None
        # The reference profile is the largest part, and not needed for serving.
        return msgspec.structs.replace(version, profile=None)

    def _beat(self, is_due: bool) -> None:
        state = self._heartbeat()
        said = self._beaten
        if not is_due and said is not None and msgspec.structs.replace(state, at=said.at) == said:
            return
        with self._store.transaction() as tx:
            tx.gateways.beat(state)
        self._beaten = state

    def _say_goodbye(self) -> None:
        if self._beaten is not None:
            with self._store.transaction() as tx:
                tx.gateways.remove(self._beaten.id)
