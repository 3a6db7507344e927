"""What this worker counts, and the page that sums it over all workers.

Each process writes its counts to files of its own in one folder (prometheus-client's multiprocess mode), so any worker
can answer `GET /metrics` for all, and counts outlive the worker that made them. The supervisor empties the folder at
start.
"""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values
from prometheus_client.samples import Sample

from interlock.gateway.batch_counts import BatchCounts
from interlock.gateway.log_gauges import LogGauges
from interlock.gateway.meter import Meter

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_MODEL_SECONDS = (0.00005, 0.0001, 0.00025, *_SECONDS)


class Metrics:
    """All counts of this process.

    Args:
        folder: Where processes keep their counts. Made if it is not there.
        log_gauges: What the collector reports, for the page.
    """

    def __init__(self, folder: Path, log_gauges: LogGauges) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _forget_dead_gauges(folder)
        # The library takes the folder from the environment only, and decides at import whether it counts in files. A
        # worker never forks, so its number is asked for once and not with every count.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        pid = os.getpid()
        values.ValueClass = values.MultiProcessValue(lambda: pid)  # type: ignore[no-untyped-call]  # untyped library
        self._folder, self._log_gauges = folder, log_gauges
        self._meters: dict[tuple[str, str, str], Meter] = {}
        by_version = ("endpoint", "version", "role")
        self._requests = _counter("interlock_requests", "Requests by answer", (*by_version, "code"))
        self._rows = _counter("interlock_answered_rows", "Rows predicted, recorded and answered", by_version)
        self._fallbacks = _counter(
            "interlock_fallbacks", "Requests that the champion answered for a failing challenger",
            ("endpoint", "version", "status"),
        )  # fmt: skip
        self._rejected = _counter("interlock_rejected", "Requests refused or failed, by reason", ("endpoint", "reason"))
        self._seconds = _histogram("interlock_request_seconds", "From body to answer", by_version, _SECONDS)
        self._model = _histogram("interlock_model_seconds", "In the model, by batch", by_version, _MODEL_SECONDS)
        self._broken = _counter(
            "interlock_broken_rules", "Requests refused by the contract, by field and broken rule",
            ("endpoint", "field", "rule"),
        )  # fmt: skip
        self._batches = _counter("interlock_batches", "Batches, by rows up to a power of two", (*by_version, "rows"))
        self._batch_seconds = _counter(
            "interlock_batch_model_seconds", "In the model, by rows up to a power of two", (*by_version, "rows")
        )
        self._waited = _counter(
            "interlock_waited_seconds", "Of answered requests, outside their model: read, checked, waiting, recorded",
            by_version,
        )  # fmt: skip
        self._last_answer = Gauge(
            "interlock_last_answer_timestamp_seconds", "When the newest answer was given", by_version,
            registry=None, multiprocess_mode="max",
        )  # fmt: skip
        self._failed = _counter(
            "interlock_failed_requests", "Requests that got no answer from anyone, by the version that failed last",
            ("endpoint", "version", "status"),
        )  # fmt: skip
        self._failed_seconds = _counter(
            "interlock_failed_request_seconds", "From head to error", ("endpoint", "version")
        )
        self._labels = _counter("interlock_labels", "Labels accepted", ("endpoint",))
        self._feedback = _counter("interlock_feedback", "Labels, decisions, rewards accepted", ("endpoint", "kind"))
        self._generation = Gauge(
            "interlock_plan_generation", "Traffic plan in force, the oldest of all workers", ("endpoint",),
            registry=None, multiprocess_mode="livemin",
        )  # fmt: skip
        # The most recent value of a slot stands for it, also between a worker's death and its successor's start.
        self._acknowledged = Gauge(
            "interlock_acknowledged_rows", "Prediction rows acknowledged ever, by this worker slot's spool",
            ("endpoint", "slot"), registry=None, multiprocess_mode="mostrecent",
        )  # fmt: skip
        workers = Gauge("interlock_gateway_workers", "Live workers", registry=None, multiprocess_mode="livesum")
        workers.set(1)

    def meter(self, endpoint: str, version: str, role: str) -> Meter:
        """Where answers of a version are counted."""
        key = (endpoint, version, role)
        meter = self._meters.get(key)
        if meter is None:
            meter = self._meters[key] = Meter(
                self._requests.labels(*key, "200"),
                self._rows.labels(*key),
                self._seconds.labels(*key),
                self._model.labels(*key),
                BatchCounts(key, self._batches, self._batch_seconds, self._waited, self._last_answer),
            )
        return meter

    def fallback(self, endpoint: str, version: str, status: str) -> None:
        """The champion answers for `version`."""
        self._fallbacks.labels(endpoint, version, status).inc()

    def refused(self, endpoint: str, status: int, reason: str) -> None:
        """A request was refused, or failed."""
        self._requests.labels(endpoint, "", "", str(status)).inc()
        self._rejected.labels(endpoint, reason).inc()

    def told(self, endpoint: str, kind: str, count: int) -> None:
        """Labels, decisions or rewards were accepted; `kind` is one of them in the singular."""
        self._feedback.labels(endpoint, kind).inc(count)
        if kind == "label":
            self._labels.labels(endpoint).inc(count)

    def broke(self, endpoint: str, field: str, rule: str) -> None:
        """A request was refused because a field broke a rule."""
        self._broken.labels(endpoint, field, rule).inc()

    def failed(self, endpoint: str, version: str, status: str, seconds: float) -> None:
        """A request got no answer, because `version` failed."""
        self._failed.labels(endpoint, version, status).inc()
        self._failed_seconds.labels(endpoint, version).inc(seconds)

    def acknowledged(self, slot: str, rows: Mapping[str, int]) -> None:
        """What a slot's spool has acknowledged ever, by endpoint."""
        for endpoint, count in rows.items():
            self._acknowledged.labels(endpoint, slot).set(count)

    def serves(self, endpoint: str, generation: int) -> None:
        """A traffic plan came into force."""
        self._generation.labels(endpoint).set(generation)

    def forget(self, endpoints: Iterable[str]) -> None:
        """Endpoints are gone: free what was kept for them."""
        gone = set(endpoints)
        self.write()
        self._meters = {key: meter for key, meter in self._meters.items() if key[0] not in gone}

    def write(self) -> None:
        """Write out what is counted in memory first. Call a few times a second, in the event loop."""
        now = time.time()
        for meter in self._meters.values():
            meter.batches.write(now)

    def page(self) -> bytes:
        """The Prometheus text, summed over workers. Reads files: call off the event loop."""
        registry = self._registry()
        registry.register(self._log_gauges)
        return generate_latest(registry)

    def samples(self) -> list[Sample]:
        """All counts, summed over workers. Reads files: call off the event loop."""
        return [sample for family in self._registry().collect() for sample in family.samples]

    def _registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]  # untyped library
        return registry


def _counter(name: str, text: str, labels: tuple[str, ...]) -> Counter:
    return Counter(name, text, labels, registry=None)


def _histogram(name: str, text: str, labels: tuple[str, ...], bounds: tuple[float, ...]) -> Histogram:
    return Histogram(name, text, labels, buckets=bounds, registry=None)


def _forget_dead_gauges(folder: Path) -> None:
    for pid in {file.stem.rpartition("_")[2] for file in folder.glob("gauge_live*.db")}:
        if pid.isdecimal() and not _is_alive(int(pid)):
            multiprocess.mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]  # untyped library


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
