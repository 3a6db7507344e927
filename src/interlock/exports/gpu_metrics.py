"""Graphics cards, as metrics, where `nvidia-smi` answers. Without it there are none.

Asked for at most every ten seconds: the program takes up to a second, and its answers are averages of one.
"""

import csv
import logging
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from threading import Lock

from prometheus_client.core import GaugeMetricFamily, Metric

_log = logging.getLogger(__name__)

_FRESH_SECONDS, _TIMEOUT_SECONDS = 10.0, 5.0
_MIB = 1024.0**2
# What is asked for, the metric that it becomes, and how many of its units one of the answer is.
_GAUGES = {
    "utilization.gpu": ("interlock_gpu_utilization_ratio", "Share of the time in which it was busy", 0.01),
    "memory.used": ("interlock_gpu_memory_used_bytes", "Memory in use", _MIB),
    "memory.total": ("interlock_gpu_memory_total_bytes", "Memory there is", _MIB),
    "temperature.gpu": ("interlock_gpu_temperature_celsius", "Temperature", 1.0),
    "power.draw": ("interlock_gpu_power_watts", "Power drawn", 1.0),
}


class GpuMetrics:
    """Cards of this machine.

    Args:
        program: What is run.
    """

    def __init__(self, program: str = "nvidia-smi") -> None:
        self._program = shutil.which(program)
        self._lock, self._said, self._asked_at = Lock(), "", -_FRESH_SECONDS

    def collect(self) -> Iterator[Metric]:
        """The gauges, as far as the cards tell."""
        if self._program is None:
            return iter(())
        with self._lock:
            if time.monotonic() - self._asked_at >= _FRESH_SECONDS:
                self._said, self._asked_at = _ask(self._program), time.monotonic()
            return parse(self._said)


def _ask(program: str) -> str:
    query = [f"--query-gpu=index,name,{','.join(_GAUGES)}", "--format=csv,noheader,nounits"]
    try:
        return subprocess.run(
            [program, *query], capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        _log.warning("%s does not answer; /metrics is shown without graphics cards", program, exc_info=True)
        return ""


def parse(said: str) -> Iterator[Metric]:
    """The gauges of what `nvidia-smi` printed; of a card that does not tell something, all else.

    Examples:
        >>> gauges = list(parse("0, Tesla T4, 25, 1024, 16384, 54, [N/A]"))
        >>> [(gauge.name, gauge.samples[0].value) for gauge in gauges if gauge.samples][:2]
        [('interlock_gpu_utilization_ratio', 0.25), ('interlock_gpu_memory_used_bytes', 1073741824.0)]
    """
    cards = [row for row in csv.reader(said.splitlines(), skipinitialspace=True) if len(row) == 2 + len(_GAUGES)]
    for place, (name, text, unit) in enumerate(_GAUGES.values(), 2):
        gauge = GaugeMetricFamily(name, text, labels=("gpu", "name"))
        for row in cards:
            _add(gauge, row, place, unit)
        if cards:
            yield gauge


def _add(gauge: GaugeMetricFamily, row: Sequence[str], place: int, unit: float) -> None:
    try:
        value = float(row[place])
    except ValueError:  # `[N/A]`, `[Not Supported]`
        return
    gauge.add_metric((row[0], row[1]), value * unit)
