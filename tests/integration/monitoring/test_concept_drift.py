"""Online detectors on a real log: verdicts by day, the same after a restart, revised by late labels."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from interlock.domain.endpoint import Detector
from interlock.domain.verdict import Verdict

if TYPE_CHECKING:
    from tests.integration.monitoring.conftest import World

START = datetime(2013, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ALL: tuple[Detector, ...] = ("adwin", "page_hinkley", "ddm", "kswin")


def declare(world: "World", *names: Detector) -> None:
    with world.store.transaction() as tx:
        tx.endpoints.update(msgspec.structs.replace(tx.endpoints.get("e"), concept_detectors=names))


def run(world: "World") -> None:
    controller = world.controller
    while controller.step():
        pass


def verdicts(world: "World") -> list[Verdict]:
    with world.store.read() as tx:
        return [each for each in tx.verdicts.list("e") if each.check.signal == "concept"]


def days_of(world: "World", name: str, outcome: str) -> list[int]:
    return [
        (each.window_start - START) // DAY
        for each in verdicts(world)
        if each.check.name == name and each.check.outcome == outcome
    ]


def opposite(labels: pa.Table) -> pa.Table:
    """The same labels as if the other class had happened."""
    other = ["false" if text == "true" else "true" for text in labels["label"].to_pylist()]
    for name in ("label", "label_text"):
        labels = labels.set_column(labels.column_names.index(name), name, pa.array(other, pa.string()))
    return labels


def test_nothing_is_looked_for_unless_it_is_declared(world: "World") -> None:
    world.append("labels", world.serve(START, 24 * 4, rows=20))
    run(world)
    assert verdicts(world) == []


def test_a_day_on_which_the_relation_turns_is_seen_and_the_quiet_ones_are_not(world: "World") -> None:
    declare(world, *ALL)
    quiet = world.serve(START, 24 * 5, rows=20)
    turned = opposite(world.serve(START + 5 * DAY, 24 * 4, rows=20))
    world.append("labels", pa.concat_tables([quiet, turned]))
    run(world)
    for name in ("adwin", "page_hinkley"):
        assert days_of(world, f"concept.{name}", "breach")[:1] == [5], name
    for name in ALL:
        assert days_of(world, f"concept.{name}", "ok")[:1] == [0], name
    (first, *_) = [each for each in verdicts(world) if each.check.outcome == "breach"]
    assert first.check.value is not None
    assert first.check.value >= 1
    at = datetime.fromisoformat(first.check.details["alarms_at"][0])
    assert first.window_start <= at < first.window_end


def test_it_says_the_same_after_a_restart(world: "World") -> None:
    declare(world, "adwin", "dummy")
    world.append("labels", world.serve(START, 24 * 6, rows=20, noise=1.0))
    run(world)
    before = [each.check for each in verdicts(world)]
    with world.store.transaction() as tx:
        for name in ("monitoring.quality:e", "monitoring:e"):
            tx.cursors.set(name, START.isoformat())
    run(world)
    again = [each.check for each in verdicts(world)]
    assert len(again) == 2 * len(before)
    assert sorted(map(str, again)) == sorted(map(str, before + before))


def test_a_late_label_revises_what_was_said(world: "World") -> None:
    declare(world, "adwin")
    labels = world.serve(START, 24 * 4, rows=40)
    world.append("labels", labels.slice(0, 60))
    run(world)
    first = [each for each in verdicts(world) if each.window_start == START]
    assert [(each.check.rows, each.revision) for each in first] == [(60, 0)]
    run(world)
    world.append("labels", labels.slice(60))
    run(world)
    world.now += timedelta(hours=2)
    run(world)
    said = [each for each in verdicts(world) if each.window_start == START]
    assert [(each.check.rows, each.revision) for each in said] == [(60, 0), (960, 1)]


def test_few_labels_are_no_good_news(world: "World") -> None:
    declare(world, "adwin")
    world.append("labels", world.serve(START, 24 * 4, rows=20).slice(0, 20))
    run(world)
    assert {each.check.outcome for each in verdicts(world)} == {"no_data"}


def test_a_report_of_any_window_has_them_too(world: "World") -> None:
    declare(world, "ddm")
    world.append("labels", world.serve(START, 48, rows=20))
    report = world.monitoring.report("e", since=START + DAY, until=START + 2 * DAY)
    (check,) = [each for each in report["checks"] if each["signal"] == "concept"]
    assert (check["name"], check["version"], check["outcome"]) == ("concept.ddm", "m:1", "ok")
