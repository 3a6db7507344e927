from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from interlock.predictions.prediction_rows import convert
from interlock.predictions.profiling import by_hour, features
from interlock.predictions.records import PredictionRecord
from interlock.predictions.service_counting import HOUR_US, hour_at
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import ProfileSpec, learn

Make = Callable[..., PredictionRecord]
KINDS = {"x": "numeric", "kind": "categorical", "output.label": "categorical", "output.score": "numeric"}


@pytest.fixture
def spec() -> ProfileSpec:
    columns: dict[str, Any] = {
        "x": np.arange(100.0),
        "kind": ["red", "white"] * 50,
        "output.label": ["true", "false"] * 50,
        "output.score": np.linspace(0, 1, 100),
    }
    return learn(columns, KINDS)


def rows(records: list[PredictionRecord]) -> pa.Table:
    table = convert(records, {}).table
    assert table is not None
    return table


def test_hours_of_events_are_profiled_apart(spec: ProfileSpec, record: Make) -> None:
    hours = [3, 1, 3, 2, 1, 3]
    records = [record(n, event_at_us=[hour * HOUR_US + n]) for n, hour in enumerate(hours)]
    found = list(by_hour("wine", "m:1", rows(records), spec))
    assert [(each.hour, each.profile.rows) for each in found] == [(hour_at(1), 2), (hour_at(2), 1), (hour_at(3), 3)]
    assert found[2].profile.summary("x").mean == pytest.approx(np.mean([0, 2, 5]))


def test_hours_together_are_the_whole(spec: ProfileSpec, record: Make) -> None:
    records = [record(n, rows=n % 3 + 1, event_at_us=[n % 7 * HOUR_US] * (n % 3 + 1)) for n in range(50)]
    table = rows(records)
    whole, merged = Profile(spec), None
    whole.update(features(table, spec))
    for each in by_hour("wine", "m:1", table, spec):
        merged = each.merged_with(merged)
    assert merged is not None
    total = Profile.from_bytes(spec, merged)
    assert total.rows == whole.rows
    for name in KINDS:
        assert total.counts(name).tolist() == whole.counts(name).tolist()


def test_the_score_is_the_last_class_of_two_and_the_largest_of_more(spec: ProfileSpec, record: Make) -> None:
    two = rows([record(outputs={"label": [True], "probabilities": [[0.4, 0.6]]})])
    three = rows([record(outputs={"label": ["a"], "probabilities": [[0.5, 0.3, 0.2]]})])
    assert features(two, spec)["output.score"].tolist() == [0.6]
    assert features(three, spec)["output.score"].tolist() == [0.5]


def test_a_column_that_is_not_there_or_no_number_is_missing(spec: ProfileSpec, record: Make) -> None:
    columns = features(rows([record(inputs={"x": ["text"]}, outputs={})]), spec)
    assert np.isnan(columns["x"]).all()
    assert np.isnan(columns["output.score"]).all()
    assert columns["kind"].tolist() == [None]


def test_a_profile_that_cannot_be_read_starts_anew(spec: ProfileSpec, record: Make) -> None:
    (found,) = by_hour("wine", "m:1", rows([record()]), spec)
    assert found.merged_with(b"damaged") == found.profile.to_bytes()
