"""What every process of the server uses, as metrics: the parts, and the models' processes below them.

Read from the system at each scrape. A process that ends while it is looked at is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

_LABELS = ("part", "process", "pid")


def of_processes(parts: Iterable[Mapping[str, Any]]) -> Iterator[Metric]:
    """CPU, memory, file descriptors and threads.

    Args:
        parts: As the supervisor describes them: `name` and `pid`, None for one that does not run.
    """
    cpu = CounterMetricFamily("interlock_process_cpu_seconds", "Processor time, user and system", labels=_LABELS)
    memory = GaugeMetricFamily("interlock_process_resident_memory_bytes", "Memory in use", labels=_LABELS)
    files = GaugeMetricFamily("interlock_process_open_fds", "Open file descriptors", labels=_LABELS)
    threads = GaugeMetricFamily("interlock_process_threads", "Threads", labels=_LABELS)
    for part in parts:
        if part["pid"] is None:
            continue
        for process in _family(int(part["pid"])):
            with suppress(psutil.Error), process.oneshot():
                labels = (str(part["name"]), process.name(), str(process.pid))
                times, used = process.cpu_times(), process.memory_info().rss
                opened, running = process.num_fds(), process.num_threads()
                cpu.add_metric(labels, times.user + times.system)
                memory.add_metric(labels, float(used))
                files.add_metric(labels, float(opened))
                threads.add_metric(labels, float(running))
    yield from (cpu, memory, files, threads)


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
