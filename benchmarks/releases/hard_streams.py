"""Streams of requests that break what simple counting assumes: the same version twice, and no release worse.

Each maker gives one run: who was asked, what failed, and of which unit every request is. Failures never depend on the
version that was assigned: whoever rolls back is wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

REQUESTS = 10_000
RAMP = (0.01, 0.05, 0.25, 0.5)
SLOW_RAMP = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Stream:
    """One run, in the order of time.

    Args:
        step: Of each request.
        challenger: Whether it was assigned to the challenger.
        failed: Whether its attempt failed.
        unit: Number of its sticky key; None where no key is sent, and each request is its own unit.
        rows: Of each request; they fail together.
    """

    step: Ints
    challenger: Bools
    failed: Bools
    unit: Ints | None = None
    rows: int = 1


def even(rng: np.random.Generator, shares: tuple[float, ...]) -> Stream:
    """Two in a hundred fail, all the time."""
    return _alone(rng, shares, np.full(REQUESTS, 0.02))


def rising(rng: np.random.Generator, shares: tuple[float, ...]) -> Stream:
    """Errors rise from 1 % to 5 % while the release goes on, for everybody."""
    return _alone(rng, shares, np.linspace(0.01, 0.05, REQUESTS))


def daily(rng: np.random.Generator, shares: tuple[float, ...]) -> Stream:
    """Three days, each with errors between 0.2 % and 5.8 %."""
    return _alone(rng, shares, 0.03 + 0.028 * np.sin(np.linspace(0, 6 * np.pi, REQUESTS)))


def many_rows(rng: np.random.Generator, shares: tuple[float, ...]) -> Stream:
    """Requests of 20 rows, which fail together."""
    stream = even(rng, shares)
    return Stream(stream.step, stream.challenger, stream.failed, rows=20)


def retried(rng: np.random.Generator, shares: tuple[float, ...]) -> Stream:
    """One request in a hundred no version can answer, and it is sent ten times, without a key."""
    failed = rng.random(REQUESTS) < 0.01
    step = _steps(shares)
    return Stream(step, rng.random(REQUESTS) < np.array(shares)[step], failed[_storm(failed)])


def retried_by_key(rng: np.random.Generator, shares: tuple[float, ...]) -> Stream:
    """The same from callers with a key: every attempt goes to the same version."""
    failed = rng.random(REQUESTS) < 0.01
    request = _storm(failed)
    return _keyed(rng, shares, request, failed[request])


def heavy_units(rng: np.random.Generator, shares: tuple[float, ...]) -> Stream:
    """A thousand units, of which some send hundreds of requests, and each fails at a rate of its own."""
    unit = _units(rng)
    rates = rng.beta(0.1, 1.9, 1000)
    return _keyed(rng, shares, unit, rng.random(REQUESTS) < rates[unit])


def always_failing(rng: np.random.Generator, shares: tuple[float, ...]) -> Stream:
    """One unit in ten of two thousand always fails, whichever version answers."""
    unit = rng.integers(0, 2000, REQUESTS)
    return _keyed(rng, shares, unit, (rng.random(2000) < 0.1)[unit])


def all_at_once(rng: np.random.Generator, shares: tuple[float, ...]) -> Stream:
    """Heavy units with rates of their own, whose failures come in waves, are sent again, and are of 20 rows."""
    unit = _units(rng)
    wave = 1 + 0.9 * np.sin(np.linspace(0, 6 * np.pi, REQUESTS))
    failed = rng.random(REQUESTS) < rng.beta(0.1, 1.9, 1000)[unit] * wave
    request = _storm(failed)
    stream = _keyed(rng, shares, unit[request], failed[request])
    return replace(stream, rows=20)


STREAMS: Mapping[str, Callable[[np.random.Generator, tuple[float, ...]], Stream]] = {
    "even": even,
    "errors rise": rising,
    "daily cycle": daily,
    "20 rows a request": many_rows,
    "retry storms": retried,
    "retry storms, by key": retried_by_key,
    "heavy units": heavy_units,
    "units that always fail": always_failing,
    "all of it": all_at_once,
}


def _alone(rng: np.random.Generator, shares: tuple[float, ...], rates: Floats) -> Stream:
    step = _steps(shares)
    return Stream(step, rng.random(REQUESTS) < np.array(shares)[step], rng.random(REQUESTS) < rates)


def _keyed(rng: np.random.Generator, shares: tuple[float, ...], unit: Ints, failed: Bools) -> Stream:
    """Units stand at places, as `domain.traffic.position` gives them: who was assigned once stays while shares rise."""
    step = _steps(shares)
    places = rng.random(int(unit.max()) + 1)
    return Stream(step, places[unit] < np.array(shares)[step], failed, unit)


def _steps(shares: tuple[float, ...]) -> Ints:
    return np.arange(REQUESTS) * len(shares) // REQUESTS


def _units(rng: np.random.Generator) -> Ints:
    weight = rng.pareto(1.1, 1000) + 0.05
    return np.asarray(rng.choice(1000, REQUESTS, p=weight / weight.sum()), dtype=np.int64)


def _storm(failed: Bools) -> Ints:
    """Number of the request of which each attempt is one: what fails is sent ten times, in a row."""
    return np.repeat(np.arange(REQUESTS), np.where(failed, 10, 1))[:REQUESTS]
