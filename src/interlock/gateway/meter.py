"""What is counted of the answers of one version in one role. Called by `recording` with every batch.

A batch makes six counts, and each of prometheus-client's takes a lock, looks whether the process has forked, and looks
its place up: together as much as a small model. So these write where the library would, and nothing else. The event
loop's thread alone changes them.
"""

from bisect import bisect_left
from collections.abc import Sequence
from struct import Struct
from typing import Any

from prometheus_client import Counter, Histogram

from interlock.gateway.batch_counts import BatchCounts

_pack_double = Struct("d").pack_into


class Cell:
    """One count in the file that this process counts in.

    Args:
        value: The library's own, of a counter or of a histogram's bucket. Nothing else may change it from now on.
    """

    __slots__ = ("_at", "_map", "_value")

    def __init__(self, value: Any) -> None:
        file = value._file
        self._value: float = file.read_value(value._key)[0]
        # The file may be mapped anew when it grows; this mapping stays good for what was in it.
        self._map, self._at = file._m, file._positions[value._key]

    def add(self, amount: float) -> None:
        self._value += amount
        _pack_double(self._map, self._at, self._value)


class Observations:
    """A histogram of seconds, observed in microseconds.

    Args:
        child: With its labels.
    """

    __slots__ = ("_bounds_us", "_buckets", "_sum")

    def __init__(self, child: Histogram) -> None:
        self._bounds_us = [bound * 1e6 for bound in child._upper_bounds]
        self._buckets, self._sum = [Cell(bucket) for bucket in child._buckets], Cell(child._sum)

    def add(self, amounts_us: Sequence[int]) -> None:
        for amount_us in amounts_us:
            self._buckets[bisect_left(self._bounds_us, amount_us)].add(1)
        self._sum.add(sum(amounts_us) / 1e6)


class Meter:
    """The counts of one version in one role.

    Args:
        requests, rows: Of them, with their labels.
        seconds, model_seconds: Of a request, and of the model in one batch.
        batches: Counted in memory first.
    """

    __slots__ = ("_model", "_requests", "_rows", "_seconds", "batches")

    def __init__(
        self, requests: Counter, rows: Counter, seconds: Histogram, model_seconds: Histogram, batches: BatchCounts
    ) -> None:
        self._requests, self._rows = Cell(requests._value), Cell(rows._value)
        self._seconds, self._model = Observations(seconds), Observations(model_seconds)
        self.batches = batches

    def answered(self, rows: int, latencies_us: Sequence[int], model_us: int) -> None:
        """A batch was answered: rows of all its requests, the latency of each, the time of the model."""
        self._requests.add(len(latencies_us))
        self._rows.add(rows)
        self._seconds.add(latencies_us)
        self._model.add((model_us,))
        self.batches.add(rows, latencies_us, model_us)
