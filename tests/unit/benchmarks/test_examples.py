"""The examples in docstrings of the benchmarks, whose folder pytest does not collect."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "benchmarks.choice",
    "benchmarks.document",
    "benchmarks.tables",
    "benchmarks.serving.environments",
    "benchmarks.goal",
    "benchmarks.serving.measurements.workers",
    "benchmarks.serving.open_loop_client",
    "benchmarks.serving.processes",
    "benchmarks.serving.wrk",
)


@pytest.mark.parametrize("module", MODULES)
def test_examples_are_true(module: str) -> None:
    found = doctest.testmod(import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
