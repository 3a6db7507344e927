from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.predictions.conftest import label, labels, prediction

from interlock.domain.errors import InvalidInputError
from interlock.predictions.sql import query

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home


def test_an_endpoints_name_is_a_table(home: "Home") -> None:
    home.collect(prediction(1, rows=2), labels(label("p1-1", "good")))
    log = home.settings.log
    assert query(log, "SELECT count(*) AS n, min(date)::VARCHAR AS day FROM Wine") == [{"n": 2, "day": "2013-04-03"}]
    assert query(log, 'SELECT "at" FROM wine LIMIT 1') == [{"at": "2013-04-03T14:40:01.000000Z"}]
    assert query(log, "SELECT label_text FROM labels_wine") == [{"label_text": "good"}]
    joined = query(log, 'SELECT prediction_id, label_text, "input.x" FROM wine_labelled ORDER BY 1')
    assert joined == [
        {"prediction_id": "p1-0", "label_text": None, "input.x": 1.0},
        {"prediction_id": "p1-1", "label_text": "good", "input.x": 1.0},
    ]


def test_rows_are_uncapped_unless_asked(home: "Home") -> None:
    assert len(query(home.settings.log, "SELECT * FROM range(30000)")) == 30000
    assert len(query(home.settings.log, "SELECT * FROM range(30000)", row_limit=7)) == 7


def test_values_become_json(home: "Home") -> None:
    sql = "SELECT 1 AS x, 2 AS x, 'nan'::DOUBLE AS n, 1.5::DECIMAL(3, 1) AS d, [DATE '2013-01-02'] AS l"
    assert query(home.settings.log, sql) == [{"x": 1, "x_1": 2, "n": None, "d": 1.5, "l": ["2013-01-02"]}]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE wine", "one statement that reads"),
        ("SELECT 1; SELECT 2", "one statement that reads"),
        ("COPY (SELECT 1) TO '{path}'", "one statement that reads"),
        ("", "one statement that reads"),
        ("SELECT * FROM nope", "endpoints with a log: wine"),
        ("SELECT at FROM wine", 'is written "at"'),
        ("SELECT nope FROM wine", "nope"),
        ("SELECT * FROM read_text('/etc/passwd')", "Cannot access file"),
        ("SELECT * FROM read_text('{store}')", "Cannot access file"),
        ("SELECT * FROM glob('/*')", "Cannot access file"),
    ],
)
def test_whatever_is_no_reading_of_the_log_is_refused_in_a_sentence(
    home: "Home", tmp_path: Path, sql: str, said: str
) -> None:
    home.collect(prediction(1))
    filled = sql.format(path=tmp_path / "stolen", store=tmp_path / "store.db")
    with pytest.raises(InvalidInputError, match=said) as refused:
        query(home.settings.log, filled)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "stolen").exists()


def test_a_query_that_takes_too_long_is_stopped(home: "Home") -> None:
    with pytest.raises(InvalidInputError, match="stopped after 2 s"):
        query(home.settings.log, "SELECT sum(range) FROM range(100000000000)", timeout_seconds=2)


def test_a_query_that_takes_too_much_memory_is_stopped(home: "Home") -> None:
    with pytest.raises(InvalidInputError, match="memory"):
        query(home.settings.log, "SELECT list(range) FROM range(1000000000)")


def test_an_endpoint_without_a_log_is_empty_where_it_is_known(home: "Home") -> None:
    assert query(home.settings.log, 'SELECT * FROM "my-new"', endpoints=["my-new"]) == []
    assert query(home.settings.log, 'SELECT * FROM "my-new_labelled"', endpoints=["my-new"]) == []


def test_an_endpoint_called_like_the_labels_of_another_keeps_its_name(home: "Home") -> None:
    home.collect(prediction(1), labels(label("p1-0", "good")), prediction(2, endpoint="labels_wine"))
    assert query(home.settings.log, "SELECT prediction_id FROM labels_wine") == [{"prediction_id": "p2-0"}]
    assert query(home.settings.log, "SELECT label_text FROM wine_labelled") == [{"label_text": "good"}]
