"""The latest label is the same in whatever order labels came: against an oracle in plain Python."""

from collections.abc import Iterable, Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.predictions.log_schema import LABELS
from interlock.predictions.precedence import SOURCES
from interlock.predictions.relations import LABELLED, connect

Row = dict[str, Any]
PREDICTIONS = pa.table(
    {
        "prediction_id": ["p0", "p1", "p2", "p3"],
        "request_id": ["q0", "q1", "q1", "again"],
        "request_row": pa.array([0, 0, 1, 0], pa.int32()),
    }
)

keys = st.one_of(
    st.sampled_from(["p0", "p1", "p2", "p3", "unknown"]).map(lambda name: (name, None, 0)),
    st.tuples(st.none(), st.sampled_from(["q0", "q1", "again", "unknown"]), st.integers(0, 1)),
)
rows = st.builds(
    lambda key, label, observed, at, source, batch_row, weight: {
        "prediction_id": key[0],
        "request_id": key[1],
        "request_row": key[2],
        "label": label,
        "observed_at": observed,
        "at": at,
        "source": source,
        "batch_row": batch_row,
        "weight": weight,
    },
    keys,
    st.sampled_from(["a", "b", "c"]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([*SOURCES, "crm", "zz"]),
    st.integers(0, 2),
    st.sampled_from([0.5, 1.0]),
)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(memory="256MB") as found:
        yield found


def latest(database: duckdb.DuckDBPyConnection, parts: Iterable[list[Row]]) -> dict[str, Row]:
    """What counts, of rows that came in these commits."""
    tables = [pa.Table.from_pylist(part, schema=LABELS) for part in parts]
    database.register("given", pa.concat_tables(tables))
    database.register("predictions", PREDICTIONS)
    found = database.sql(f"SELECT * FROM ({LABELLED.latest('predictions', 'given')})").to_arrow_table().to_pylist()
    return {row["prediction_id"]: row for row in found if row["prediction_id"] != "unknown"}


def oracle(said: list[Row]) -> dict[str, tuple[str, str]]:
    """Label and source that count, by the sentences of the docs."""
    found = {}
    for prediction in PREDICTIONS.to_pylist():
        mine = [row for row in said if _means(row, prediction)]
        if mine:
            best = max(mine, key=_strength)
            found[prediction["prediction_id"]] = (best["label"], best["source"])
    return found


def _means(row: Row, prediction: Row) -> bool:
    if row["prediction_id"] is not None:
        return bool(row["prediction_id"] == prediction["prediction_id"])
    return all(row[name] == prediction[name] for name in ("request_id", "request_row"))


def _strength(row: Row) -> tuple[Any, ...]:
    rank = SOURCES.index(row["source"]) if row["source"] in SOURCES else len(SOURCES)
    return (-rank, row["observed_at"], row["at"], row["batch_row"], row["label"], row["weight"])


@given(st.lists(rows, max_size=12), st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_of_arrival_gives_the_same_latest_label(
    database: duckdb.DuckDBPyConnection, said: list[Row], random: Any, commits: int
) -> None:
    first = latest(database, [said])
    shuffled = random.sample(said, len(said))
    again = latest(database, [shuffled[number::commits] for number in range(commits)])
    seen = {name: (row["label"], row["source"]) for name, row in first.items()}
    assert seen == {name: (row["label"], row["source"]) for name, row in again.items()}
    wanted = oracle(said)
    assert {name: row[0] for name, row in seen.items()} == {name: row[0] for name, row in wanted.items()}


@given(st.lists(rows, max_size=8), st.integers(1, 3))
def test_sending_the_same_again_changes_nothing(
    database: duckdb.DuckDBPyConnection, said: list[Row], times: int
) -> None:
    assert latest(database, [said] * times) == latest(database, [said])


def test_what_the_world_showed_comes_before_what_somebody_judged(database: duckdb.DuckDBPyConnection) -> None:
    later: Row = {"prediction_id": "p0", "observed_at": 2, "at": 2, "batch_row": 0, "weight": 1.0}
    said = [
        {**later, "label": "opinion", "source": "human"},
        {**later, "label": "guess", "source": "crm"},
        {**later, "label": "truth", "source": "natural", "observed_at": 0, "at": 0},
    ]
    assert latest(database, [said])["p0"]["label"] == "truth"
    assert latest(database, [said[:2]])["p0"]["label"] == "opinion"
    assert latest(database, [said[1:2]])["p0"]["label"] == "guess"


def test_a_correction_wins_by_when_it_was_observed_then_by_when_it_came(database: duckdb.DuckDBPyConnection) -> None:
    row: Row = {"prediction_id": "p0", "source": "natural", "batch_row": 0, "weight": 1.0}
    seen_later = {**row, "label": "new", "observed_at": 5, "at": 1}
    came_later = {**row, "label": "old", "observed_at": 4, "at": 9}
    same_time = {**row, "label": "corrected", "observed_at": 5, "at": 2}
    assert latest(database, [[seen_later, came_later]])["p0"]["label"] == "new"
    assert latest(database, [[same_time, seen_later]])["p0"]["label"] == "corrected"
