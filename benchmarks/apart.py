"""Runs a function in a process of its own, on one core if wanted, so that its time and memory are its own."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Apart(Generic[Result]):
    """What a function returned, how long it took, and memory of its process in MB: the peak, and before it began."""

    result: Result
    seconds: float
    cpu_seconds: float
    peak_mb: float
    before_mb: float


def run(prepare: Callable[..., Callable[[], Result]], *arguments: Any, one_core: bool = False) -> Apart[Result]:
    """Measure what `prepare` returns; preparing itself, with its imports, is not measured.

    Args:
        prepare: A function of a module, called in the other process.
        arguments: For it; they are sent there.
        one_core: Whether the process may use one core only.
    """
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(one_core,)) as pool:
        return pool.submit(_measured, prepare, arguments).result()


def _begin(one_core: bool) -> None:
    # Before the module of `prepare` is imported: threads that libraries start inherit the choice.
    if one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _measured(prepare: Callable[..., Callable[[], Result]], arguments: tuple[Any, ...]) -> Apart[Result]:
    function = prepare(*arguments)
    before, began, cpu = _memory_mb("VmRSS"), time.perf_counter(), time.process_time()
    result = function()
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    return Apart(result, seconds, used, _memory_mb("VmHWM"), before)


def _memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024
