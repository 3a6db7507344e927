from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from interlock.domain.alert import Alert, Symptom
from interlock.domain.errors import NotFoundError
from interlock.domain.release import Release, ReleasePlan
from interlock.monitoring.daily_page import page
from interlock.monitoring.daily_report import DailyReport, DailyReports
from interlock.monitoring.daily_text import text, title

if TYPE_CHECKING:
    from tests.integration.monitoring.conftest import World

START = datetime(2013, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)


DATE = date(2013, 4, 1)


def report(world: "World", day: date = DATE) -> DailyReport:
    return DailyReports(world.store, world.reader).of("e", day)


def incident(day: datetime, state: str, sentence: str, endpoint: str = "e") -> Alert:
    symptom = Symptom(key=sentence, rule="drift", severity="warning", sentence=sentence, since=day)
    return Alert(
        endpoint=endpoint, day=day, state=state, severity="warning", symptoms=(symptom,), opened_at=day,  # type: ignore[arg-type]  # one of its states
    )  # fmt: skip


def test_traffic_is_counted_by_hour_and_by_version(world: "World") -> None:
    world.serve(START, 12, rows=20)
    world.serve(START + timedelta(hours=12), 12, rows=30, version="m:2")
    world.serve(START + DAY, 1)
    found = report(world)
    assert found.by_hour == (20,) * 12 + (30,) * 12
    assert (found.rows, found.requests, found.failures) == (600, 600, 0)
    assert [(each.version, each.rows) for each in found.traffic] == [("m:1", 240), ("m:2", 360)]
    # Every request took 2 ms; a histogram rounds up to the edge of its bin.
    assert found.traffic[0].p95_ms == pytest.approx(2.0, rel=0.06)


def test_quality_has_every_class_the_confusion_and_the_share_of_rows_with_a_label(world: "World") -> None:
    labels = world.serve(START, 24)
    world.serve(START + DAY, 2)
    some = labels.slice(0, 300)
    world.append("labels", some)
    (found,) = report(world).quality
    assert (found.version, found.rows, found.labels, found.coverage) == ("m:1", 480, 300, 0.625)
    rows = world.reader.labelled("e", since=START, until=START + DAY)
    actual, predicted = (
        np.array(rows["label"].to_pylist()) == "true",
        rows["output.label"].to_numpy(zero_copy_only=False),
    )
    assert np.array(found.confusion).tolist() == metrics.confusion_matrix(actual, predicted).tolist()
    expected = metrics.precision_recall_fscore_support(actual, predicted)
    assert [each.name for each in found.classes] == ["false", "true"]
    assert [each.f1 for each in found.classes] == pytest.approx(expected[2])
    assert sum(each.support for each in found.classes) == 300
    accuracy = found.measures["accuracy"]
    assert accuracy["lower"] < accuracy["value"] == pytest.approx((actual == predicted).mean())


def test_labels_of_a_drawn_sample_are_weighed(world: "World") -> None:
    labels = world.serve(START, 24)
    weights = pa.array(np.where(np.arange(labels.num_rows) % 3 == 0, 10.0, 1.0))
    world.append("labels", labels.set_column(labels.schema.get_field_index("weight"), "weight", weights))
    (found,) = report(world).quality
    assert found.is_weighted
    assert np.sum(found.confusion) == pytest.approx(160 * 10 + 320)
    rows = world.reader.labelled("e", since=START, until=START + DAY)
    right = [
        str(bool(said)).lower() == label
        for said, label in zip(rows["output.label"].to_pylist(), rows["label"].to_pylist(), strict=True)
    ]
    assert found.measures["accuracy"]["value"] == pytest.approx(np.average(right, weights=rows["weight"].to_numpy()))


def test_incidents_and_releases_of_the_day_are_named_and_others_are_not(world: "World") -> None:
    world.serve(START, 24)
    release = Release(
        id="e-1", endpoint="e", strategy="canary", state="promoted", candidate="m:2", champion="m:1",
        plan=ReleasePlan(), created_at=START - DAY, created_by="ann", finished_at=START + timedelta(hours=1),
    )  # fmt: skip
    with world.store.transaction() as tx:
        for each in (
            incident(START - 3 * DAY, "resolved", "long over"),
            incident(START - 3 * DAY, "firing", "not over"),
            incident(START, "resolved", "of the day"),
            incident(START + DAY, "firing", "of tomorrow"),
            incident(START, "firing", "of another", endpoint="other"),
        ):
            tx.alerts.add(each)
        tx.releases.add(release)
    found = report(world)
    assert [each["title"] for each in found.incidents] == ["e: not over", "e: of the day"]
    assert [(each["id"], each["state"]) for each in found.releases] == [("e-1", "promoted")]
    assert report(world, (START + DAY).date()).releases == ()


def test_a_day_without_traffic_says_so(world: "World") -> None:
    world.serve(START, 24)
    found = report(world, date(2013, 4, 20))
    assert (found.status, found.rows, found.quality) == ("no_data", 0, ())
    assert title(found) == "[report] e, 2013-04-20: no traffic"
    assert "No request was answered." in page(found)
    assert DailyReports(world.store, world.reader).newest_day("e") == START.date()
    with pytest.raises(NotFoundError):
        DailyReports(world.store, world.reader).of("never", START.date())


def test_page_and_text_say_what_the_report_says_and_escape_it(world: "World") -> None:
    world.append("labels", world.serve(START, 24, shift=1.5))
    with world.store.transaction() as tx:
        tx.alerts.add(incident(START, "firing", "<script>alert(1)</script>"))
    found = report(world)
    drawn, said = page(found), text(found)
    assert title(found) == "[report] e, 2013-04-01: needs a look"
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn
    assert not any(word in drawn for word in ("src=", "href=", "<svg", "<style"))
    for shown in ("drift.x", "precision", "roc_auc", "480 labels for 480 rows"):
        assert shown in drawn
    assert said.startswith("480 rows in 480 requests; 0 failed, 0 refused\ndrift: x, output.")
    assert "quality of m:1: " in said
