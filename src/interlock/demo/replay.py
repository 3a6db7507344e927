"""The callers: one request per flight at its scheduled departure, and its label once it has landed.

Called by the story. It knows nothing of releases: it counts what callers see, and remembers no answer longer than until
its label is sent.
"""

import heapq
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from interlock.client.client import Client
from interlock.demo.flights import FEATURES, LABEL
from interlock.domain.errors import InterlockError

_LOG = logging.getLogger(__name__)
# Two callers at a time keep a gateway worker busy on a small machine; more only wait for each other.
_CALLERS = 2
_LABELS_A_REQUEST = 500


@dataclass(slots=True)
class Counts:
    """What the callers saw so far."""

    requests: int = 0
    failures: int = 0
    fallbacks: int = 0
    labels: int = 0
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Pace:
    """A departure in seconds since 1970, and the monotonic time at which it is asked about."""

    departs: float
    at: float


class Replay:
    """Plays flights in time order against an endpoint, `speed` times faster than life.

    Args:
        client: Speaks to the server under test.
        endpoint: Where to ask.
        flights: Rows in order of `scheduled_at` with the columns of `demo.flights.load`.
        speed: Seconds of flight time per second of wall time. Where the machine cannot keep up, the replay is slower.
    """

    def __init__(self, client: Client, endpoint: str, flights: pa.Table, *, speed: float) -> None:
        self.counts = Counts()
        self._client, self._endpoint, self._speed = client, endpoint, speed
        self._rows = _Rows(flights)
        self._next = 0
        self._lock = threading.Lock()
        self._landings: list[tuple[float, str, bool]] = []
        self._landings_lock = threading.Lock()
        self._pace = _Pace(self._rows.scheduled_at[0], 0.0)
        self._horizon = float("inf")
        self._held: dict[int, float] = {}
        self._gate = threading.Condition()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def now(self) -> datetime:
        """The flights' time: the departure that was asked for last."""
        index = min(max(self._next - 1, 0), len(self._rows) - 1)
        return datetime.fromtimestamp(min(self._rows.scheduled_at[index], self._horizon), UTC)

    @property
    def progress(self) -> float:
        """Share of the flights asked for, 0 to 1."""
        return self._next / len(self._rows)

    @property
    def running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    @property
    def is_holding(self) -> bool:
        """Whether every flight before the one that `hold_at` named has been answered; also when the year is over."""
        callers = [thread.ident for thread in self._threads[:_CALLERS] if thread.is_alive()]
        with self._gate:
            return all(self._held.get(caller or 0, -1.0) >= self._horizon for caller in callers)

    def hold_at(self, at: datetime) -> None:
        """Let the flights' time go on until this instant and then stand still."""
        self._move(at.timestamp())

    def go_on(self) -> None:
        """Let the flights' time run."""
        self._move(float("inf"))

    def _move(self, horizon: float) -> None:
        with self._gate:
            if self._held:  # the time that stood still is not to be made good
                self._pace = _Pace(self._horizon, time.monotonic())
            self._horizon = horizon
            self._gate.notify_all()

    def start(self) -> None:
        """Begin; returns at once."""
        self._pace = _Pace(self._rows.scheduled_at[0], time.monotonic())
        callers = [threading.Thread(target=self._call, daemon=True) for _ in range(_CALLERS)]
        self._threads = [*callers, threading.Thread(target=self._send_labels, args=(callers,), daemon=True)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End early, with what is in flight answered."""
        self._stop.set()
        self.go_on()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                index = self._next
                if index >= len(self._rows):
                    return
                self._next += 1
            self._wait_until_due(index)
            self._ask(index)

    def _wait_until_due(self, index: int) -> None:
        departs, caller = self._rows.scheduled_at[index], threading.get_ident()
        with self._gate:
            while departs >= self._horizon:
                self._held[caller] = departs
                self._gate.wait()
            self._held.pop(caller, None)
            pace = self._pace
        early = pace.at + (departs - pace.departs) / self._speed - time.monotonic()
        if early > 0.002:
            self._stop.wait(early)

    def _ask(self, index: int) -> None:
        try:
            answer = self._client.predict(
                self._endpoint, self._rows.features(index), event_at=self._rows.event_at(index)
            )
        except InterlockError as error:
            with self._lock:
                self.counts.requests += 1
                self.counts.failures += 1
                self.counts.failed.append(str(error))
            _LOG.warning("a caller got no answer: %s", error)
            return
        with self._lock:
            self.counts.requests += 1
            self.counts.fallbacks += answer.fallback
        with self._landings_lock:
            heapq.heappush(
                self._landings, (float(self._rows.landed_at[index]), answer.ids[0], bool(self._rows.late[index]))
            )

    def _send_labels(self, callers: list[threading.Thread]) -> None:
        while any(thread.is_alive() for thread in callers):
            self._label(until=self.now.timestamp())
            self._stop.wait(0.1)
        # The year is over; whatever is still in the air lands.
        self._label(until=float("inf"))

    def _label(self, until: float) -> None:
        while landed := self._landed(until):
            labels = [
                {"prediction_id": prediction_id, "label": int(late), "observed_at": _text(at)}
                for at, prediction_id, late in landed
            ]
            try:
                self.counts.labels += self._client.label(self._endpoint, labels)["accepted"]
            except InterlockError as error:
                _LOG.warning("labels were not taken, trying again: %s", error)
                with self._landings_lock:
                    for landing in landed:
                        heapq.heappush(self._landings, landing)
                if self._stop.wait(0.5):
                    return

    def _landed(self, until: float) -> list[tuple[float, str, bool]]:
        landed: list[tuple[float, str, bool]] = []
        with self._landings_lock:
            while self._landings and self._landings[0][0] <= until and len(landed) < _LABELS_A_REQUEST:
                landed.append(heapq.heappop(self._landings))
        return landed


class _Rows:
    """Flights as plain Python values, read once, so that asking costs the caller next to nothing."""

    def __init__(self, flights: pa.Table) -> None:
        self.scheduled_at = _seconds(flights["scheduled_at"])
        self.landed_at = _seconds(flights["landed_at"])
        self.late: list[bool] = flights[LABEL].to_pylist()
        self._columns: dict[str, list[Any]] = {name: flights[name].to_pylist() for name in FEATURES}

    def __len__(self) -> int:
        return len(self.late)

    def features(self, index: int) -> dict[str, list[Any]]:
        return {name: [values[index]] for name, values in self._columns.items()}

    def event_at(self, index: int) -> datetime:
        return datetime.fromtimestamp(self.scheduled_at[index], UTC)


def _seconds(times: Iterable[Any]) -> list[float]:
    array = np.asarray(times, dtype="datetime64[s]")
    return [float(value) for value in array.astype(np.int64)]


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
