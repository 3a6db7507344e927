"""The goals' ratios, from figures as a run collects them."""

from typing import Any

import pytest

from benchmarks.goal import table
from benchmarks.serving import goals
from benchmarks.serving.measurements.throughput import Throughput
from benchmarks.serving.peers import echo, fastapi, interlock


def throughput(rounds: list[dict[Any, dict[str, float]]]) -> Throughput:
    measured = Throughput(1)
    for found in rounds:
        for key, figures in found.items():
            measured.add(key, figures)
    return measured


@pytest.fixture
def measured() -> Throughput:
    rates = {echo.SERVER: 40_000.0, interlock.COMPILED: 10_000.0, "MLServer, batching": 1_600.0, fastapi.SERVER: 900.0}
    one = {
        (server, "" if server == echo.SERVER else "LR", 32): {"requests/s": rate, "p50 ms": 1.0}
        for server, rate in rates.items()
    }
    # A round in which everything stood still for a moment does not move a median of three.
    slow = {key: {"requests/s": 1.0, "p50 ms": 100.0} for key in one}
    return throughput([one, slow, one])


def test_ratios_are_to_the_echo_and_to_the_best_peer(measured: Throughput) -> None:
    assert measured.best_peer("LR", 32) == ("MLServer, batching", 1600.0)
    found = {goal.what: goal for goal in goals.of_throughput(measured)}
    of_best = found["LR, 32 connections: requests/s of the best peer (MLServer, batching)"]
    assert (of_best.measured, of_best.reached) == (6.25, True)
    of_echo = found["LR, 32 connections: requests/s of the echo"]
    assert (of_echo.measured, of_echo.reached) == (0.25, True)


def test_what_was_not_measured_is_neither_reached_nor_missed(measured: Throughput) -> None:
    found = {goal.what: goal for goal in goals.of_throughput(measured)}
    assert found["RF, 32 connections: requests/s of the echo"].reached is None
    rows = {str(row["what"]): row for row in table(list(found.values())).rows}
    assert rows["RF, 32 connections: requests/s of the echo"]["reached"] == "not measured"
