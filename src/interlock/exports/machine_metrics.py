"""What the machine has and uses, as metrics: processor, memory, the disk under the home folder, network."""

from collections.abc import Iterator
from pathlib import Path

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


def of_machine(home: Path) -> Iterator[Metric]:
    """All of it.

    Args:
        home: The folder whose disk is meant.
    """
    cpu = CounterMetricFamily(
        "interlock_machine_cpu_seconds", "Time of all processors, by what they did", labels=("mode",)
    )
    times = psutil.cpu_times()
    for mode in times._fields:
        cpu.add_metric((mode,), getattr(times, mode))
    yield cpu
    yield GaugeMetricFamily("interlock_machine_cpus", "Processors", float(psutil.cpu_count() or 1))
    yield GaugeMetricFamily("interlock_machine_load", "Processes that run or wait, in the last minute", _load())
    memory = psutil.virtual_memory()
    yield _states("interlock_machine_memory_bytes", "Memory", total=memory.total, available=memory.available)
    disk = psutil.disk_usage(str(home))
    yield _states("interlock_disk_bytes", "Of the disk under the home folder", total=disk.total, free=disk.free)
    yield from _traffic()


def _load() -> float:
    return float(psutil.getloadavg()[0])


def _states(name: str, text: str, **bytes_of: int) -> GaugeMetricFamily:
    found = GaugeMetricFamily(name, text, labels=("state",))
    for state, count in bytes_of.items():
        found.add_metric((state,), float(count))
    return found


def _traffic() -> Iterator[Metric]:
    """Bytes by disk and network, of the whole machine; nothing where the system does not tell."""
    disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
    if disk is not None:
        found = CounterMetricFamily("interlock_disk_io_bytes", "Read and written, all disks", labels=("direction",))
        found.add_metric(("read",), float(disk.read_bytes))
        found.add_metric(("write",), float(disk.write_bytes))
        yield found
    if network is not None:
        found = CounterMetricFamily("interlock_network_bytes", "Through all interfaces", labels=("direction",))
        found.add_metric(("receive",), float(network.bytes_recv))
        found.add_metric(("transmit",), float(network.bytes_sent))
        yield found
