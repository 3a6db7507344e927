import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from tests.integration.predictions.conftest import label, labels
from tests.prediction_records import START_US, prediction

from interlock.predictions.log_schema import LABELS, PREDICTIONS, SCORES
from interlock.predictions.records import Label

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

CHALLENGED = {"release_id": "r1", "step": 0, "is_challenger": True, "assigned_version": "m:2"}
NOT_CHALLENGED = {"release_id": "r1", "step": 0}
START = datetime.fromtimestamp(START_US / 1_000_000, tz=UTC)


def score(home: "Home", *rows: dict[str, Any], number: int = 1) -> None:
    """Write scores as the paired scorer does."""
    schema = pa.schema([*SCORES, ("output.label", pa.bool_()), ("output.probabilities", pa.list_(pa.float64()))])
    base = {"version": "m:2", "release_id": "r1", "status": "ok", "at": home.now}
    table = pa.Table.from_pylist([{**base, **row} for row in rows], schema=schema)
    home.log.append("scores", "wine", table, {"scorer:r1": number})


def test_the_label_that_came_last_counts_and_all_are_kept(home: "Home") -> None:
    home.collect(prediction(1), prediction(2))
    home.collect(
        labels(label("p1-0", "a"), label("p1-0", "b"), at_us=START_US + 10),
        labels(label("p1-0", "c", source="human"), at_us=START_US + 5),
    )
    found = home.reader.labelled("wine")
    assert found.select(["prediction_id", "label"]).to_pylist() == [{"prediction_id": "p1-0", "label": "b"}]
    assert home.reader.label_stats("wine").labels == 3


def test_labels_by_request_and_row_match_and_so_do_labels_that_came_first(home: "Home") -> None:
    by_request = Label(None, "q1", 1, 7, START_US + 60_000_000)
    home.collect(labels(by_request, label("p2-0", True), label("p9-0", True)))
    assert (home.reader.label_stats("wine").labelled, home.reader.label_stats("wine").unmatched) == (0, 3)
    home.collect(prediction(1, rows=2), prediction(2))
    found = home.reader.labelled("wine").to_pylist()
    assert [(row["prediction_id"], row["label"], row["label_number"]) for row in found] == [
        ("p1-1", "7", 7.0),
        ("p2-0", "true", 1.0),
    ]
    assert found[0]["observed_at"] == START + timedelta(minutes=1)
    assert found[0]["output.label"] is True
    assert home.reader.label_stats("wine").unmatched == 1


def test_a_window_is_of_event_time_with_its_end_excluded(home: "Home") -> None:
    day = 86_400_000_000
    home.collect(*(prediction(n, event_at_us=[START_US + n * day]) for n in range(5)))
    home.collect(labels(*(label(f"p{n}-0", n) for n in range(5))))
    found = home.reader.labelled("wine", since=START + timedelta(days=1), until=START + timedelta(days=3))
    assert found["prediction_id"].to_pylist() == ["p1-0", "p2-0"]
    assert found.schema.field("event_at").type == pa.timestamp("us", tz="UTC")


def test_both_versions_answers_to_the_same_row_stand_side_by_side(home: "Home") -> None:
    home.collect(
        prediction(1, assigned=NOT_CHALLENGED, outputs={"label": [True], "probabilities": [[0.1, 0.9]]}),
        prediction(2, assigned=CHALLENGED, version="m:2", role="challenger"),
        prediction(3, assigned={**CHALLENGED, "attempt_status": "timeout"}),
        prediction(4, assigned=NOT_CHALLENGED),
        prediction(5, assigned=NOT_CHALLENGED, role="pinned"),
        prediction(6, assigned={**NOT_CHALLENGED, "release_id": "r0"}),
        prediction(7, assigned=NOT_CHALLENGED),
        labels(label("p1-0", True)),
    )
    other = {"output.label": False, "output.probabilities": [0.6, 0.4]}
    score(home, {"prediction_id": "p1-0", **other}, {"prediction_id": "p2-0", "version": "m:1", **other})
    score(home, {"prediction_id": "p3-0", **other}, {"prediction_id": "p4-0", "status": "model_error"}, number=2)
    score(home, {"prediction_id": "p5-0", **other}, {"prediction_id": "p6-0", **other}, number=3)
    rows = {row["prediction_id"]: row for row in home.reader.paired("wine", "r1").to_pylist()}
    assert set(rows) == {"p1-0", "p2-0", "p3-0", "p4-0"}
    status = {name: (row["champion_status"], row["challenger_status"]) for name, row in rows.items()}
    assert status == {
        "p1-0": ("ok", "ok"),
        "p2-0": ("ok", "ok"),
        "p3-0": ("ok", "timeout"),
        "p4-0": ("ok", "model_error"),
    }
    assert (rows["p1-0"]["champion.label"], rows["p1-0"]["challenger.label"]) == (True, False)
    assert (rows["p2-0"]["champion.label"], rows["p2-0"]["challenger.label"]) == (False, True)
    assert rows["p1-0"]["champion.probabilities"] == [0.1, 0.9]
    assert rows["p4-0"]["challenger.label"] is None
    assert [row["label"] for row in rows.values()] == ["true", None, None, None]
    assert [row["by_challenger"] for row in rows.values()] == [False, True, False, False]


def test_labels_of_rows_drawn_with_unequal_chances_are_no_pairs(home: "Home") -> None:
    def drawn(name: str, weight: float, source: str) -> Label:
        return Label(name, None, 0, True, START_US, source, weight)

    told = (drawn("p1-0", 3.0, "annotator"), drawn("p2-0", 1.0, "annotator"), drawn("p3-0", 3.0, "natural"))
    home.collect(*(prediction(number, assigned=NOT_CHALLENGED) for number in (1, 2, 3)), labels(*told))
    score(home, *({"prediction_id": f"p{number}-0", "output.label": True} for number in (1, 2, 3)))
    rows = {row["prediction_id"]: row["label"] for row in home.reader.paired("wine", "r1").to_pylist()}
    assert rows == {"p1-0": None, "p2-0": "true", "p3-0": "true"}


def test_a_row_that_was_scored_twice_is_one_pair(home: "Home") -> None:
    home.collect(prediction(1, assigned=NOT_CHALLENGED))
    for number in (1, 2):
        score(home, {"prediction_id": "p1-0", "output.label": True}, number=number)
    assert home.reader.paired("wine", "r1").num_rows == 1


def test_new_rows_are_those_of_later_commits_and_not_of_rewritten_files(home: "Home") -> None:
    reader = home.reader
    home.collect(prediction(1))
    version, rows = reader.new_rows("wine", None)
    assert (version, rows.num_rows) == (0, 1)
    home.collect(prediction(2), prediction(3))
    table = home.log.table("predictions", "wine")
    assert table is not None
    table.optimize.compact()
    version, rows = reader.new_rows("wine", 0)
    assert (version, sorted(rows["prediction_id"].to_pylist())) == (2, ["p2-0", "p3-0"])
    assert reader.new_rows("wine", 2)[1].num_rows == 0
    assert "date" not in rows.column_names
    assert "input.x" in rows.column_names


def test_an_endpoint_with_no_table_gives_the_columns_and_no_rows(home: "Home") -> None:
    reader = home.reader
    labelled, paired, (version, rows) = (
        reader.labelled("none"),
        reader.paired("none", "r1"),
        reader.new_rows("none", None),
    )
    assert (labelled.num_rows, paired.num_rows, rows.num_rows, version) == (0, 0, 0, -1)
    assert {"prediction_id", "label", "label_number", "observed_at"} <= set(labelled.column_names)
    assert {"unit", "step", "champion_status", "challenger_status", "label"} <= set(paired.column_names)
    assert reader.label_stats("none").labels == 0


@pytest.mark.slow
def test_fifty_thousand_pairs_are_read_in_a_moment(home: "Home") -> None:
    rng, number = np.random.default_rng(1), 50_000
    names = [f"p{n}" for n in range(number)]
    at = pa.array([home.now] * number, PREDICTIONS.field("at").type)
    fixed = {"release_id": "r1", "version": "m:1", "assigned_version": "m:1", "role": "champion", "request_row": 0}
    predictions = {field.name: pa.array([fixed.get(field.name)] * number, field.type) for field in PREDICTIONS} | {
        "prediction_id": names,
        "event_at": at,
        "date": at.cast(pa.date32()),
        "output.score": rng.random(number),
    }
    given = {field.name: pa.array([None] * number, field.type) for field in LABELS}
    home.log.append("predictions", "wine", pa.table(predictions), {"gw0": 1})
    home.log.append("labels", "wine", pa.table({**given, "prediction_id": names, "at": at}), {"gw0": 1})
    scores: dict[str, Any] = {"prediction_id": names, "version": ["m:2"] * number, "release_id": ["r1"] * number}
    scores |= {"status": ["ok"] * number, "at": at, "output.score": rng.random(number)}
    home.log.append("scores", "wine", pa.table(scores), {"scorer:r1": 1})
    reader, seconds = home.reader, []
    for _ in range(3):
        begun = time.perf_counter()
        assert reader.paired("wine", "r1").num_rows == number
        seconds.append(time.perf_counter() - begun)
    # 0.2 s on one quiet core; the bound leaves room for a busy machine.
    assert min(seconds) < 1.0


def test_the_delay_of_labels_is_that_of_predictions_before(home: "Home") -> None:
    told = [Label(f"p{number}-0", None, 0, True, START_US + 3600_000_000 * number, "natural", 1.0) for number in (1, 2)]
    home.collect(prediction(1), prediction(2), prediction(3), labels(*told))
    rows = home.reader.labelled("wine")
    delays = [(row["observed_at"] - row["event_at"]).total_seconds() for row in rows.to_pylist()]
    end = max(row["event_at"] for row in rows.to_pylist()) + timedelta(days=5)
    assert home.reader.label_delay("wine", end) == pytest.approx(np.quantile(np.maximum(delays, 0), 0.99))
    assert home.reader.label_delay("wine", START - timedelta(days=3)) is None
    assert home.reader.label_delay("wine", end + timedelta(days=60)) is None
    assert home.reader.label_delay("none", end) is None
