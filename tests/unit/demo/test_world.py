"""The planted change: labels of one airport, from one day on, and nothing that is known at departure."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from interlock.demo import world
from interlock.demo.flights import FEATURES, between, load


@pytest.fixture(scope="module")
def autumn() -> pa.Table:
    return between(load(), date(2013, 9, 20), date(2013, 10, 10))


@pytest.fixture(scope="module")
def changed(autumn: pa.Table) -> pa.Table:
    return world.changed(autumn, 1)


def test_nothing_that_is_known_at_departure_changes(autumn: pa.Table, changed: pa.Table) -> None:
    known = [*FEATURES, "scheduled_at", "local_date"]
    assert changed.select(known).equals(autumn.select(known))


def test_only_flights_out_of_one_airport_from_the_day_on_become_late(autumn: pa.Table, changed: pa.Table) -> None:
    differs = pc.not_equal(autumn["late"], changed["late"])
    hit = changed.filter(differs)
    assert set(hit["origin"].to_pylist()) == {world.AIRPORT}
    assert pc.min(hit["scheduled_at"]).as_py() >= world.CHANGED_AT
    assert all(hit["late"].to_pylist())


def test_nine_in_ten_of_those_in_time_are_hit_and_land_later(autumn: pa.Table, changed: pa.Table) -> None:
    there = pc.and_(
        pc.equal(autumn["origin"], world.AIRPORT), pc.greater_equal(autumn["scheduled_at"], pa.scalar(world.CHANGED_AT))
    )
    before, after = autumn.filter(there), changed.filter(there)
    in_time = np.array([not late for late in before["late"].to_pylist()])
    hit = np.array(after["late"].to_pylist())[in_time]
    assert hit.mean() == pytest.approx(world.SHARE, abs=0.02)
    later = (after["landed_at"].to_numpy() - before["landed_at"].to_numpy())[in_time]
    assert set(later[hit]) == {np.timedelta64(30, "m").astype(later.dtype)}
    assert set(later[~hit]) == {np.timedelta64(0, "m").astype(later.dtype)}


def test_the_seed_chooses_which(autumn: pa.Table, changed: pa.Table) -> None:
    assert world.changed(autumn, 1).equals(changed)
    assert not world.changed(autumn, 2).equals(changed)
