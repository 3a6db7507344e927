from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.monitoring.conftest import World

START = datetime(2013, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def judged(world: "World", name: str) -> list[tuple[int, str]]:
    with world.store.read() as tx:
        found = [each for each in tx.verdicts.list("e") if each.check.name == name]
    return [((each.window_start - START) // DAY, each.check.outcome) for each in found]


def run(world: "World") -> None:
    controller = world.controller
    while controller.step():
        pass


def test_closed_days_are_judged_once_and_the_open_one_is_not(world: "World") -> None:
    world.serve(START, 24 * 3 + 2)
    run(world)
    assert judged(world, "drift.x") == [(0, "ok"), (1, "ok"), (2, "ok")]
    assert judged(world, "requests") == [(0, "ok"), (1, "ok"), (2, "ok")]
    # A controller that died and came back goes on where the store says.
    run(world)
    assert len(judged(world, "drift.x")) == 3


def test_a_day_is_not_closed_until_an_event_is_over_an_hour_later(world: "World") -> None:
    world.serve(START, 25)
    run(world)
    assert judged(world, "drift.x") == []
    world.serve(START + timedelta(hours=25), 1)
    run(world)
    assert judged(world, "drift.x") == [(0, "ok")]


def test_live_traffic_closes_its_days_by_the_clock(world: "World") -> None:
    world.serve(START, 20)
    world.now = START + timedelta(hours=26)
    run(world)
    assert judged(world, "drift.x") == [(0, "ok")]


def test_drift_is_written_on_the_day_it_begins(world: "World") -> None:
    world.serve(START, 24 * 2)
    world.serve(START + 2 * DAY, 26, shift=1.0)
    run(world)
    assert judged(world, "drift.x") == [(0, "ok"), (1, "ok"), (2, "breach")]


def test_quality_is_judged_two_days_later_and_what_was_said_stays(world: "World") -> None:
    labels = world.serve(START, 24 * 3 + 2, rows=40)
    world.append("labels", labels.slice(0, 100))
    run(world)
    assert judged(world, "brier") == [(0, "ok")]
    world.append("labels", labels.slice(100))
    run(world)
    with world.store.read() as tx:
        said = [each.check for each in tx.verdicts.list("e") if each.check.name == "brier"]
    assert [check.rows for check in said] == [100]
    revised = world.monitoring.report("e", since=START, until=START + DAY)["checks"]
    assert next(check["rows"] for check in revised if check["name"] == "brier") == 960


def test_days_without_traffic_are_no_data(world: "World") -> None:
    world.serve(START, 24)
    world.serve(START + 2 * DAY, 26)
    run(world)
    assert judged(world, "requests") == [(0, "ok"), (1, "no_data"), (2, "ok")]


def test_a_replayed_month_is_judged_in_seconds(world: "World") -> None:
    world.serve(START, 24 * 30 + 2, rows=5)
    began = perf_counter()
    run(world)
    assert len(judged(world, "drift.x")) == 30
    assert (perf_counter() - began) / 30 < 0.1
