from datetime import UTC, datetime, timedelta
from time import process_time
from typing import TYPE_CHECKING

import pyarrow as pa

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


def quality(world: "World", day: int = 0, name: str = "brier") -> list[tuple[int, int]]:
    """Labels and revision of each verdict on a day, in order."""
    with world.store.read() as tx:
        said = [each for each in tx.verdicts.list("e") if each.check.name == name]
    return [(each.check.rows, each.revision) for each in said if each.window_start == START + day * DAY]


def test_quality_is_judged_two_days_later_and_again_when_labels_come_late(world: "World") -> None:
    labels = world.serve(START, 24 * 3 + 2, rows=40)
    world.append("labels", labels.slice(0, 100))
    run(world)
    assert judged(world, "brier") == [(0, "ok")]
    world.append("labels", labels.slice(100))
    run(world)
    assert quality(world) == [(100, 0)]
    report = world.monitoring.report("e", since=START, until=START + DAY)["checks"]
    assert next(check["rows"] for check in report if check["name"] == "brier") == 960
    # Labels trickle in for weeks: a day is judged again once an hour at most, and what was said stays.
    world.now += timedelta(hours=1)
    run(world)
    assert quality(world) == [(100, 0), (960, 1)]
    world.now += timedelta(hours=1)
    run(world)
    assert quality(world) == [(100, 0), (960, 1)]


def test_late_labels_of_one_day_revise_that_day_alone(world: "World") -> None:
    labels = world.serve(START, 24 * 5 + 2, rows=40)
    late, rest = labels.slice(960, 5), pa.concat_tables([labels.slice(0, 960), labels.slice(965)])
    world.append("labels", rest)
    run(world)
    assert [quality(world, day) for day in range(3)] == [[(960, 0)], [(955, 0)], [(960, 0)]]
    world.append("labels", late)
    world.now += timedelta(hours=1)
    run(world)
    assert [quality(world, day) for day in range(3)] == [[(960, 0)], [(955, 0), (960, 1)], [(960, 0)]]


def test_a_day_that_had_too_few_labels_gets_its_verdict_when_they_come(world: "World") -> None:
    labels = world.serve(START, 24 * 3 + 2, rows=40)
    run(world)
    assert judged(world, "brier") == [(0, "no_data")]
    by_request = labels.set_column(0, "prediction_id", pa.nulls(labels.num_rows, pa.string()))
    by_request = by_request.set_column(1, "request_id", labels["prediction_id"])
    by_request = by_request.set_column(2, "request_row", pa.array([0] * labels.num_rows, pa.int32()))
    world.append("labels", by_request)
    world.now += timedelta(hours=1)
    run(world)
    assert judged(world, "brier") == [(0, "no_data"), (0, "ok")]
    assert quality(world) == [(0, 0), (960, 1)]


def test_a_correction_that_changes_no_count_revises_too(world: "World") -> None:
    labels = world.serve(START, 24 * 3 + 2, rows=40)
    world.append("labels", labels)
    run(world)
    wrong = labels.slice(0, 1).to_pylist()[0]
    flipped = not wrong["label_number"]
    corrected = {"label": str(flipped).lower(), "label_text": str(flipped).lower(), "label_number": float(flipped)}
    later = {"observed_at": wrong["observed_at"] + DAY, "at": world.now}
    world.append("labels", pa.Table.from_pylist([{**wrong, **corrected, **later}], schema=labels.schema))
    world.now += timedelta(hours=1)
    run(world)
    assert quality(world) == [(960, 0), (960, 1)]


def test_labels_that_came_before_their_prediction_revise_the_day_it_belongs_to(world: "World") -> None:
    world.append("labels", world.serve(START, 24 * 3 + 2, rows=40))
    run(world)
    assert quality(world) == [(960, 0)]
    predictions = world.log.table("predictions", "e")
    labels = world.log.table("labels", "e")
    assert predictions is not None
    assert labels is not None
    first_day = [row for row in predictions.to_pyarrow_table().to_pylist() if row["date"] == START.date()]
    late = first_day[0] | {"prediction_id": "late"}
    label = labels.to_pyarrow_table().slice(0, 1).to_pylist()[0] | {"prediction_id": "late"}
    world.append("labels", pa.Table.from_pylist([label], schema=pa.schema(labels.schema().to_arrow())))
    world.now += timedelta(hours=1)
    run(world)
    assert quality(world) == [(960, 0)]
    world.append("predictions", pa.Table.from_pylist([late], schema=pa.schema(predictions.schema().to_arrow())))
    run(world)
    assert quality(world) == [(960, 0), (961, 1)]


def test_days_without_traffic_are_no_data(world: "World") -> None:
    world.serve(START, 24)
    world.serve(START + 2 * DAY, 26)
    run(world)
    assert judged(world, "requests") == [(0, "ok"), (1, "no_data"), (2, "ok")]


def test_a_replayed_month_is_judged_in_seconds(world: "World") -> None:
    world.serve(START, 24 * 30 + 2, rows=5)
    began = process_time()
    run(world)
    assert len(judged(world, "drift.x")) == 30
    assert (process_time() - began) / 30 < 0.1
