"""Batches of one version by their size, and what their requests waited, counted in memory and written out now and then.

Called by `metrics` with every batch: a count in the shared files costs as much as a small model, adding to a list does
not. What a killed worker had not written out yet (a quarter of a second's) is lost; no other count depends on it.
"""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge

from interlock.gateway.columns import MAX_ROWS

# Sizes are counted up to the next power of two.
_SIZES = MAX_ROWS.bit_length() + 1


class BatchCounts:
    """The counts of one version in one role.

    Args:
        names: Values of the labels that all four share.
        batches, model_seconds: Counters with one more label, the next power of two of a batch's rows.
        waited_seconds: Counter: what requests took beyond their model.
        last: Gauge: when the newest answer was given, in seconds since 1970.
    """

    __slots__ = (
        "_batches", "_counts", "_last_answer", "_model_seconds", "_model_us", "_names", "_waited_seconds", "_waited_us",
    )  # fmt: skip

    def __init__(
        self, names: tuple[str, ...], batches: Counter, model_seconds: Counter, waited_seconds: Counter, last: Gauge
    ) -> None:
        self._names, self._batches, self._model_seconds = names, batches, model_seconds
        self._waited_seconds, self._last_answer = waited_seconds.labels(*names), last.labels(*names)
        self._counts, self._model_us, self._waited_us = [0] * _SIZES, [0] * _SIZES, 0

    def add(self, rows: int, latencies_us: Sequence[int], model_us: int) -> None:
        """A batch was answered."""
        size = (rows - 1).bit_length()
        self._counts[size] += 1
        self._model_us[size] += model_us
        self._waited_us += sum(latencies_us) - len(latencies_us) * model_us

    def write(self, now: float) -> None:
        """Put what was added since the last time where all workers' counts are."""
        if not any(self._counts):
            return
        for size, count in enumerate(self._counts):
            if count:
                rows = str(1 << size)
                self._batches.labels(*self._names, rows).inc(count)
                self._model_seconds.labels(*self._names, rows).inc(self._model_us[size] / 1e6)
        self._waited_seconds.inc(max(0, self._waited_us) / 1e6)
        self._last_answer.set(now)
        self._counts, self._model_us, self._waited_us = [0] * _SIZES, [0] * _SIZES, 0
