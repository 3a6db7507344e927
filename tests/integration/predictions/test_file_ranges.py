from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.integration.predictions.conftest import label, labels
from tests.prediction_records import START_US, prediction

from interlock.predictions.changed_days import Seen
from interlock.predictions.file_ranges import feedback_files, files_with_ids, id_span, newest, of_days, of_release
from interlock.predictions.records import Label

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from tests.integration.predictions.conftest import Home

DAY_US = 86_400_000_000
DAY = timedelta(days=1)
START = datetime(2013, 4, 3, tzinfo=UTC)


def predictions(home: "Home") -> "DeltaTable":
    table = home.log.table("predictions", "wine")
    assert table is not None
    return table


def fill(home: "Home") -> None:
    """Three days, each in a commit of its own, with its label in another."""
    for number in range(3):
        home.collect(prediction(number, event_at_us=[START_US + number * DAY_US]))
        home.collect(labels(label(f"p{number}-0", True)))


def test_ids_of_some_days_are_told_without_reading_them(home: "Home") -> None:
    fill(home)
    table = predictions(home)
    assert id_span(table, of_days(START + DAY, START + 2 * DAY)) == ("p1-0", "p2-0")
    assert id_span(table, of_days(None, None)) == ("p0-0", "p2-0")
    assert id_span(table, of_days(START + 9 * DAY, None)) is None
    assert newest(table, "event_at") == datetime.fromtimestamp(START_US / 1e6, UTC) + 2 * DAY


def test_ids_of_a_release_are_of_the_files_that_may_hold_it(home: "Home") -> None:
    home.collect(prediction(1))
    home.collect(prediction(2, assigned={"release_id": "r1", "step": 0}))
    home.collect(prediction(3, assigned={"release_id": "r2", "step": 0}))
    assert id_span(predictions(home), of_release("r1")) == ("p2-0", "p2-0")


def test_labels_of_other_ids_are_left_out_and_those_by_request_never(home: "Home") -> None:
    fill(home)
    found = feedback_files(home.log, "labels", "wine", ("p1-0", "p1-0"))
    assert (len(found.files), found.by_request) == (1, False)
    home.collect(labels(Label(None, "q2", 0, True, START_US)))
    found = feedback_files(home.log, "labels", "wine", ("p1-0", "p1-0"))
    assert (len(found.files), found.by_request) == (2, True)
    assert len(feedback_files(home.log, "labels", "wine", None).files) == 4
    assert len(files_with_ids(predictions(home), ("p1-0", "p1-0"))) == 1


def test_days_that_changed_are_those_of_new_labels_and_of_late_predictions(home: "Home") -> None:
    fill(home)
    reader = home.reader
    before = reader.seen_now("wine")
    assert reader.changed_days("wine", before, before) == set()
    home.collect(labels(label("p0-0", False)))
    home.collect(labels(Label(None, "q2", 0, False, START_US), label("unheard-of", True)))
    after = reader.seen_now("wine")
    assert reader.changed_days("wine", before, after) == {START, START + 2 * DAY}
    home.collect(prediction(7, event_at_us=[START_US + DAY_US]))
    assert reader.changed_days("wine", after, reader.seen_now("wine")) == {START + DAY}
    assert reader.changed_days("wine", Seen(), after) == {START, START + DAY, START + 2 * DAY}


def test_compaction_changes_no_day(home: "Home") -> None:
    fill(home)
    before = home.reader.seen_now("wine")
    for kind in ("predictions", "labels"):
        table = home.log.table(kind, "wine")
        assert table is not None
        table.optimize.compact()
    after = home.reader.seen_now("wine")
    assert after.labels > before.labels
    assert home.reader.changed_days("wine", before, after) == set()
    assert home.reader.labelled("wine", since=START + DAY, until=START + 2 * DAY)["prediction_id"].to_pylist() == [
        "p1-0"
    ]


def test_where_the_log_no_longer_tells_what_is_new_everything_is(home: "Home") -> None:
    fill(home)
    labels_table = home.log.table("labels", "wine")
    assert labels_table is not None
    labels_table.create_checkpoint()
    home.collect(labels(label("p0-0", False)))
    (home.log.path("labels", "wine") / "_delta_log" / f"{1:020d}.json").unlink()
    reader = home.reader
    upto = reader.seen_now("wine")
    since = Seen(labels=0, predictions=upto.predictions)
    assert reader.changed_days("wine", since, upto) == {START, START + DAY, START + 2 * DAY}
