"""How fast it answers, alone and to several callers at once, and whether its processes grow under that.

Latency and throughput are what a caller on this machine sees, this program's own share included; a machine that is busy
with other things makes them worse.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from interlock.application_test.asking import AskedRows
from interlock.application_test.caller import Caller
from interlock.application_test.process_memory import resident_bytes
from interlock.domain.application_tests import Memory, Speed
from interlock.registry.learnt_fields import evenly

CALLERS = 4
_WARM_REQUESTS = 50
_MOST_REQUESTS = 1000
_ROWS = 200
# A request of several callers; more would measure JSON, fewer the number of threads here.
_ROWS_AT_ONCE = 32
# After a failure: one that costs nothing must not become a million.
_PAUSE_SECONDS = 0.01

Tensors = list[dict[str, Any]]


@dataclass
class _Counted:
    """What the callers got, each in a thread of its own."""

    rows: int = 0
    failures: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rows: int, failures: int) -> None:
        with self.lock:
            self.rows, self.failures = self.rows + rows, self.failures + failures


def load_test(
    caller: Caller, asked: AskedRows, *, deadline_ms: float, batch_rows: int, seconds: float
) -> tuple[Speed, Memory | None]:
    """Ask one row after another, then batches by several callers at once; each for half of `seconds` at most."""
    index = asked.index or list(range(min(asked.rows.rows, 20)))
    sample = [index[at] for at in evenly(len(index), _ROWS)]
    singles = [caller.encode(asked.rows.take([at])) for at in sample]
    _one_by_one(caller, singles, _WARM_REQUESTS, seconds / 10)
    before = resident_bytes(caller.stand.pid)
    took, failed = _one_by_one(caller, singles, _MOST_REQUESTS, seconds / 2)
    width = max(1, min(_ROWS_AT_ONCE, batch_rows))
    batches = [caller.encode(asked.rows.take(sample[at : at + width])) for at in range(0, len(sample), width)]
    began = time.monotonic()
    counted, requests = _at_once(caller, batches, seconds / 2)
    lasted = time.monotonic() - began
    after = resident_bytes(caller.stand.pid)
    quantiles = np.quantile(took, [0.5, 0.95, 0.99]).tolist() if took else [None] * 3
    speed = Speed(
        requests=len(took),
        p50_ms=quantiles[0],
        p95_ms=quantiles[1],
        p99_ms=quantiles[2],
        deadline_ms=deadline_ms,
        callers=CALLERS,
        rows_per_second=counted.rows / lasted,
        failures=counted.failures + failed,
    )
    if before is None or after is None:
        return speed, None
    return speed, Memory(before_bytes=before, after_bytes=after, requests=len(took) + failed + requests)


def _one_by_one(caller: Caller, singles: list[Tensors], most: int, seconds: float) -> tuple[list[float], int]:
    """Milliseconds of each answered request, and how many were not."""
    took: list[float] = []
    failed = 0
    ends = time.monotonic() + seconds
    while len(took) + failed < most and time.monotonic() < ends:
        tensors = singles[(len(took) + failed) % len(singles)]
        began = time.perf_counter()
        reply = caller.send(tensors, patience_seconds=0.0)
        if reply.handling == "answered":
            took.append((time.perf_counter() - began) * 1000)
        else:
            failed += 1
            time.sleep(_PAUSE_SECONDS)
    return took, failed


def _at_once(caller: Caller, batches: list[Tensors], seconds: float) -> tuple[_Counted, int]:
    counted, ends = _Counted(), time.monotonic() + seconds
    requests = [0] * CALLERS

    def call(number: int) -> None:
        at = number
        while time.monotonic() < ends:
            tensors = batches[at % len(batches)]
            answered = caller.send(tensors, patience_seconds=0.0).handling == "answered"
            counted.add(tensors[0]["shape"][0] if answered else 0, not answered)
            time.sleep(0 if answered else _PAUSE_SECONDS)
            at, requests[number] = at + 1, requests[number] + 1

    threads = [threading.Thread(target=call, args=(number,), daemon=True) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counted, sum(requests)
