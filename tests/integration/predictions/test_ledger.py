from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from tests.integration.predictions.conftest import decided, label, labels, rewarded
from tests.prediction_records import START_US, prediction

from interlock.predictions.records import Label

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
START = datetime.fromtimestamp(START_US / 1_000_000, tz=UTC)


def observed(name: str, after_us: int, value: object = True, **more: object) -> Label:
    return Label(name, None, 0, value, START_US + after_us, **more)  # type: ignore[arg-type]  # source, weight


def test_labels_of_unknown_predictions_are_held_counted_by_age_and_matched_later(home: "Home") -> None:
    home.collect(
        labels(label("p1-0", True), at_us=START_US),
        labels(label("p2-0", True), Label(None, "q9", 0, True, START_US), at_us=START_US + 2 * DAY_US),
        labels(label("p3-0", True), at_us=START_US + 60 * DAY_US),
    )
    now = START + timedelta(days=60, minutes=1)
    held = home.reader.ledger.stats("wine", now=now)
    assert (held.rows, held.predictions, held.unmatched, held.overdue) == (4, 0, 4, 3)
    assert held.unmatched_by_age == {"1h": 1, "1d": 0, "7d": 0, "30d": 0, "older": 3}
    home.collect(prediction(1), prediction(2), prediction(9))
    found = home.reader.ledger.stats("wine", now=now)
    assert (found.predictions, found.unmatched, found.unmatched_by_age["1h"]) == (3, 1, 1)


def test_a_request_id_that_several_predictions_have_is_ambiguous_and_counts_for_each(home: "Home") -> None:
    home.collect(prediction(1, request_ids=["again"]), prediction(2, request_ids=["again"]), prediction(3))
    home.collect(labels(Label(None, "again", 0, True, START_US), Label(None, "q3", 0, True, START_US)))
    found = home.reader.ledger.stats("wine")
    assert (found.rows, found.predictions, found.unmatched, found.ambiguous) == (2, 3, 0, 1)


def test_sources_are_counted_and_so_are_decisions_and_rewards(home: "Home") -> None:
    home.collect(
        prediction(1), decided("p1-0", True), decided("p7-0", False), rewarded("p1-0", {"revenue": 1.0, "click": 0.0})
    )
    home.collect(labels(label("p1-0", True), label("p1-0", False, source="human")))
    ledger = home.reader.ledger
    assert ledger.stats("wine").sources == {"human": 1, "natural": 1}
    assert (ledger.stats("wine", "decisions").predictions, ledger.stats("wine", "decisions").unmatched) == (1, 1)
    assert (ledger.stats("wine", "rewards").rows, ledger.stats("wine", "rewards").predictions) == (2, 1)


def test_an_endpoint_that_nobody_told_anything_has_none(home: "Home") -> None:
    found = home.reader.ledger.stats("none")
    assert (found.rows, found.predictions, found.unmatched, found.ambiguous, found.sources) == (0, 0, 0, 0, {})
    assert home.reader.ledger.by_day("none") == []
    assert home.reader.ledger.history("none", "p1-0") == []


def test_coverage_and_delay_are_told_by_day_and_version(home: "Home") -> None:
    day = [START_US + DAY_US]
    home.collect(
        *(prediction(n, event_at_us=[START_US]) for n in range(4)),
        prediction(4, event_at_us=[START_US], version="m:2"),
        prediction(5, event_at_us=day),
        labels(observed("p0-0", 30_000_000), observed("p1-0", 2 * HOUR_US), observed("p2-0", 26 * HOUR_US)),
        # A correction does not make the label later, and nothing is known before its event.
        labels(observed("p0-0", 90 * HOUR_US), observed("p4-0", -HOUR_US)),
    )
    first, other, second = home.reader.ledger.by_day("wine")
    assert (first.day, first.version, first.rows, first.labelled, first.coverage) == (START.date(), "m:1", 4, 3, 0.75)
    assert first.delay_seconds["p50"] == 7200.0
    shares = {name: first.within[name] for name in ("1m", "1h", "6h", "2d")}
    assert shares == {"1m": 0.25, "1h": 0.25, "6h": 0.5, "2d": 0.75}
    # What was seen last was 90 hours after the event: how many labels come within a week is not known yet.
    assert (first.within["7d"], first.within["30d"]) == (None, None)
    assert (other.version, other.coverage, other.delay_seconds["p99"]) == ("m:2", 1.0, 0.0)
    assert (second.day, second.labelled, second.within["1d"]) == (date(2013, 4, 4), 0, 0.0)
    assert second.delay_seconds == {"p50": None, "p90": None, "p99": None}


def test_a_range_of_days_is_of_event_time(home: "Home") -> None:
    home.collect(*(prediction(n, event_at_us=[START_US + n * DAY_US]) for n in range(4)))
    home.collect(labels(*(observed(f"p{n}-0", n * DAY_US) for n in range(4))))
    since = START + timedelta(days=1)
    found = home.reader.ledger.by_day("wine", since=since, until=since + timedelta(days=2))
    assert [(each.day.day, each.labelled) for each in found] == [(4, 1), (5, 1)]


def test_every_version_of_a_label_is_kept_and_the_one_that_counts_is_marked(home: "Home") -> None:
    home.collect(prediction(1), prediction(2))
    home.collect(labels(observed("p1-0", 0, "a"), observed("p2-0", 0, "x"), at_us=START_US))
    home.collect(labels(observed("p1-0", HOUR_US, "b"), at_us=START_US + 1))
    home.collect(labels(observed("p1-0", 2 * HOUR_US, "c", source="human"), at_us=START_US + 2))
    home.collect(labels(Label(None, "q1", 0, "d", START_US + 5), at_us=START_US + 3))
    home.collect(decided("p1-0", "deny", at_us=START_US + 4), rewarded("p1-0", {"revenue": 2.0, "click": 1.0}))
    said = home.reader.ledger.history("wine", "p1-0")
    shown = [
        (each.kind, each.value, each.source, each.by_request, each.counts) for each in said if each.kind != "rewards"
    ]
    assert shown == [
        ("labels", "a", "natural", False, False),
        ("labels", "b", "natural", False, True),
        ("labels", "c", "human", False, False),
        ("labels", "d", "natural", True, False),
        ("decisions", "deny", "human", False, True),
    ]
    rewards = {each.name: (each.value, each.counts) for each in said if each.kind == "rewards"}
    assert rewards == {"revenue": (2.0, True), "click": (1.0, True)}


def test_a_label_far_from_the_others_in_time_is_found(home: "Home") -> None:
    """Files are left out by their ids: the one that a label came in is not."""
    for number in range(5):
        home.collect(prediction(number, event_at_us=[START_US + number * DAY_US]))
    for number in reversed(range(5)):
        home.collect(labels(label(f"p{number}-0", number)))
    home.collect(labels(Label(None, "q3", 0, 33, START_US + 1)))
    for number in range(5):
        since = START + timedelta(days=number)
        found = home.reader.labelled("wine", since=since, until=since + timedelta(days=1))
        assert found["label"].to_pylist() == ["33" if number == 3 else str(number)]


def test_columns_are_chosen_and_outputs_are_always_there(home: "Home") -> None:
    home.collect(prediction(1), labels(label("p1-0", True)))
    found = home.reader.labelled("wine", columns=("version", "label_number"))
    assert found.column_names == ["version", "output.label", "output.probabilities", "label_number"]
