from dataclasses import replace

import numpy as np

from interlock.domain.evidence import StepDelta
from interlock.stats.log_histogram import SIZE
from interlock.store import Store


def delta(step: int, is_challenger: bool, units: int, failed: int) -> StepDelta:
    latency = np.zeros(SIZE, dtype=np.int64)
    latency[7] = units
    return StepDelta("r", step, is_challenger, units, failed, latency)


def test_counts_of_a_step_and_side_add_up(store: Store) -> None:
    for _ in range(2):
        with store.transaction() as tx:
            tx.gate_counts.add(delta(0, True, 3, 1))
            tx.gate_counts.add(delta(0, False, 30, 0))
            tx.gate_counts.add(delta(1, False, 5, 5))
    with store.read() as tx:
        found = tx.gate_counts.list("r")
        assert tx.gate_counts.list("other") == []
    assert [(one.step, one.is_challenger, one.units, one.failed_units) for one in found] == [
        (0, False, 60, 0),
        (0, True, 6, 2),
        (1, False, 10, 10),
    ]
    assert found[0].latency_counts[7] == 60
    assert sum(found[0].latency_counts) == 60


def test_a_keyed_unit_counts_once_per_step_and_side(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.gate_counts.new_units("r", 0, True, ["a", "b", "a"]) == 2
        assert tx.gate_counts.new_units("r", 0, True, ["b", "c"]) == 1
        assert tx.gate_counts.new_units("r", 1, True, ["a"]) == 1
        assert tx.gate_counts.new_units("r", 0, False, ["a"]) == 1
        assert tx.gate_counts.new_failed_units("r", 0, True, ["a"]) == 1
        assert tx.gate_counts.new_failed_units("r", 0, True, ["a"]) == 0
        assert tx.gate_counts.first_met("r", 0, True, ["a", "z"]) == {"z"}
        assert tx.gate_counts.new_units("r", 0, True, []) == 0


def test_many_units_at_once(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.gate_counts.new_units("r", 0, True, [f"u{number}" for number in range(1300)]) == 1300
        assert tx.gate_counts.new_units("r", 0, True, [f"u{number}" for number in range(1301)]) == 1


def test_a_unit_is_forgotten_and_its_counts_stay(store: Store) -> None:
    with store.transaction() as tx:
        tx.gate_counts.add(delta(0, True, 2, 0))
        tx.gate_counts.new_units("r", 0, True, ["a", "b"])
        tx.gate_counts.new_units("other", 0, True, ["a"])
        tx.gate_counts.forget(["r"], "a")
        assert tx.gate_counts.new_units("r", 0, True, ["a", "b"]) == 1
        assert tx.gate_counts.new_units("other", 0, True, ["a"]) == 0
        tx.gate_counts.forget([], "a")
        assert tx.gate_counts.list("r")[0].units == 2


def test_a_unit_that_fails_in_every_step_is_one_failure_of_the_release(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.gate_counts.first_failed_units("r", ["a", "b"]) == 2
        assert tx.gate_counts.first_failed_units("r", ["a", "c"]) == 1
        assert tx.gate_counts.first_failed_units("other", ["a"]) == 1
        assert tx.gate_counts.new_failed_units("r", 0, True, ["a"]) == 1
        for step, first in ((0, 3), (1, 1)):
            again = delta(step, True, 5, 3)
            tx.gate_counts.add(replace(again, first_failed_units=first))
            tx.gate_counts.add(replace(again, first_failed_units=first - 1))
        found = tx.gate_counts.list("r")
    assert [(each.failed_units, each.first_failed_units, each.new_failures) for each in found] == [(6, 5, 5), (6, 1, 1)]
