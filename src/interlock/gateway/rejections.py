"""Requests that the contract refused: counted in memory, written to the spool now and then, with a few bodies.

Called by the handlers for every 400, so whoever sends bad requests decides how often. What is written does not grow
with them: one record every two seconds an endpoint, a bounded number of counts in it, and of bodies a sample of fixed
size an hour, each cut off (algorithm R: every refused request of the hour is as likely to be in it). A killed worker
loses two seconds of counts; nothing that was refused was acknowledged.
"""

import logging
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from interlock.domain.errors import InvalidInputError, UnrecordedError
from interlock.gateway.metrics import Metrics
from interlock.gateway.recording import Recorder
from interlock.predictions.records import RejectedCount, RejectedRecord, RejectedSample, encoder

log = logging.getLogger(__name__)

HOUR_US = 3_600_000_000

# Profiles and counts of the rest are as far behind.
_WRITE_SECONDS = 2.0
# A record is a few kilobytes at most, whatever callers do to make it grow.
_MOST_COUNTS = 200
_MOST_BODY_BYTES = 4096
_MOST_REASON_CHARACTERS = 500
_LONGEST_FIELD = 256


@dataclass(slots=True)
class _Endpoint:
    counts: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    hour: int = 0
    seen: int = 0
    samples: dict[tuple[int, int], RejectedSample] = field(default_factory=dict)


class Rejections:
    """Counts what was refused.

    Args:
        spool: Where records go.
        samples: Bodies kept for each endpoint and hour; 0 keeps none.
    """

    def __init__(self, spool: Recorder, metrics: Metrics, *, samples: int) -> None:
        self._spool, self._metrics, self._samples = spool, metrics, samples
        self._endpoints: dict[str, _Endpoint] = {}
        self._random = random.Random()  # noqa: S311 (chooses a sample, guards nothing)
        self._written_at = time.monotonic()

    def add(self, endpoint: str, error: InvalidInputError, body: bytes | None, event_at_us: int | None = None) -> None:
        """A request was refused.

        Args:
            body: As it came; None if it may not be written down.
            event_at_us: When it happened in the world, if its caller may say so.
        """
        now_us = time.time_ns() // 1000
        known = self._endpoints.setdefault(endpoint, _Endpoint())
        hour = (now_us if event_at_us is None else event_at_us) // HOUR_US
        self._count(known, hour, now_us // HOUR_US, "", "")
        for broken in error.rules:
            self._count(known, hour, now_us // HOUR_US, broken.field[:_LONGEST_FIELD], broken.rule)
            self._metrics.broke(endpoint, broken.field, broken.rule)
        if self._samples and body is not None:
            self._sample(known, now_us, str(error), body)

    def _count(self, known: _Endpoint, hour: int, this_hour: int, name: str, rule: str) -> None:
        key = (hour, name, rule)
        if key not in known.counts and len(known.counts) >= _MOST_COUNTS:
            key = (this_hour, "", "other" if rule else "")
        known.counts[key] += 1

    def _sample(self, known: _Endpoint, now_us: int, reason: str, body: bytes) -> None:
        hour = now_us // HOUR_US
        if hour != known.hour:
            known.hour, known.seen = hour, 0
        known.seen += 1
        slot = known.seen - 1 if known.seen <= self._samples else self._random.randrange(known.seen)
        if slot < self._samples:
            sample = RejectedSample(slot, now_us, reason[:_MOST_REASON_CHARACTERS], body[:_MOST_BODY_BYTES])
            known.samples[hour, slot] = sample

    def write(self, *, now: bool = False) -> None:
        """Write what was counted since the last time, if that is long enough ago. Call a few times a second.

        Args:
            now: However long it is ago.
        """
        if not now and time.monotonic() - self._written_at < _WRITE_SECONDS:
            return
        self._written_at = time.monotonic()
        for endpoint, known in self._endpoints.items():
            if known.counts:
                self._write(endpoint, known)
        this_hour = time.time_ns() // 1000 // HOUR_US
        self._endpoints = {name: known for name, known in self._endpoints.items() if known.hour == this_hour}

    def _write(self, endpoint: str, known: _Endpoint) -> None:
        counts = [RejectedCount(*key, requests) for key, requests in known.counts.items()]
        record = RejectedRecord(endpoint, time.time_ns() // 1000, counts, list(known.samples.values()))
        try:
            self._spool.append(encoder.encode(record), rows=0, endpoint=endpoint)
        except UnrecordedError:  # they stay in memory, which is bounded too
            log.warning("what endpoint %s refused could not be recorded", endpoint, exc_info=True)
            return
        known.counts.clear()
        known.samples.clear()
