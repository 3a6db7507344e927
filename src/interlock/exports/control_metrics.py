"""`GET /metrics` of the control port: what the control plane knows, and what this machine uses.

The gateway's own `/metrics` has requests, answers and the log. Read anew at each scrape, and by one scrape at a time.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from interlock.domain.release import Release
from interlock.domain.verdict import Verdict
from interlock.exports.alert_metrics import of_alerts
from interlock.exports.check_metrics import of_checks
from interlock.exports.device_metrics import of_devices
from interlock.exports.gpu_metrics import GpuMetrics
from interlock.exports.machine_metrics import of_machine
from interlock.exports.process_metrics import of_processes
from interlock.exports.release_metrics import of_releases
from interlock.monitoring import broker_state
from interlock.monitoring.alerting import set_aside_ever
from interlock.monitoring.devices import Devices
from interlock.monitoring.recent import RecentReader
from interlock.monitoring.verdict_signals import serves
from interlock.settings import Settings
from interlock.store.database import Store
from interlock.store.transaction import Transaction


class ControlMetrics(Collector):
    """Reads it all when it is asked for.

    Args:
        settings: Where the home folder is.
        store: Verdicts, releases, incidents, devices.
        recent: Newest verdicts.
        devices: Sensors beside what is expected.
        parts: Reads the parts of this server as its supervisor last described them.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        recent: RecentReader,
        devices: Devices,
        parts: Callable[[Path], list[dict[str, Any]]],
    ) -> None:
        self._settings, self._store, self._recent, self._devices = settings, store, recent, devices
        self._parts, self._gpus, self._lock = parts, GpuMetrics(), Lock()

    def page(self) -> bytes:
        """The Prometheus text."""
        registry = CollectorRegistry()
        registry.register(self)
        with self._lock:
            return generate_latest(registry)

    def describe(self) -> Iterator[Metric]:
        """Nothing: else all would be read once more to learn its names."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The metrics, as the registry asks for them."""
        with self._store.read() as tx:
            newest = {each.name: self._of_serving(tx, each.name) for each in tx.endpoints.list()}
            releases: dict[str, Release] = {each.endpoint: each for each in tx.releases.list()}
            alerts, waiting, aside = tx.alerts.open(), tx.deliveries.waiting(), set_aside_ever(tx)
        broker = broker_state.load(self._settings.mqtt_state)
        yield from of_checks(newest)
        yield from of_releases([release for name, release in releases.items() if name in newest])
        yield from of_alerts(alerts, waiting, aside)
        yield from of_devices(self._devices.list(), self._devices.faults(), broker)
        yield from of_processes(self._parts(self._settings.run / "processes.json"))
        yield from of_machine(self._settings.home)
        yield from self._gpus.collect()

    def _of_serving(self, tx: Transaction, endpoint: str) -> list[Verdict]:
        """The newest verdicts, without those of versions that serve no more."""
        found = self._recent.read(tx, endpoint).verdicts
        return [each for each in found if each.check.version is None or serves(tx, endpoint, each.check.version)]
