from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from interlock.predictions.hashing import Hasher
from interlock.predictions.prediction_rows import convert
from interlock.predictions.profiling import by_hour, features, is_made_of
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


def test_what_was_hashed_is_counted_by_the_categories_behind_it(
    spec: ProfileSpec, record: Make, tmp_path: Path
) -> None:
    hasher = Hasher(tmp_path)
    inputs = {"x": [1.0], "kind~hash": [hasher.digest("red")]}
    unknown = {"x": [1.0], "kind~hash": [hasher.digest("blue")]}
    records = [record(n, inputs=inputs if n else unknown, withheld=["input.kind"]) for n in range(3)]
    (found,) = by_hour("wine", "m:1", rows(records), spec, hasher)
    red = spec.category_bins["kind"]["red"] - spec.slices["kind"].start
    assert found.profile.counts("kind")[red] == 2
    assert found.profile.summary("kind").unseen_share == 1 / 3


def test_what_was_dropped_is_neither_there_nor_missing(spec: ProfileSpec, record: Make, tmp_path: Path) -> None:
    kept = [record(n, inputs={"x": [1.0], "kind": ["red"]}) for n in range(2)]
    dropped = [record(n, inputs={"kind": ["red"]}, withheld=["input.x", "output.probabilities"]) for n in range(5, 8)]
    hashed = [record(9, inputs={"x~hash": ["0" * 32], "kind": ["red"]}, withheld=["input.x"])]
    (found,) = by_hour("wine", "m:1", rows(kept + dropped + hashed), spec, Hasher(tmp_path))
    assert found.profile.rows == 6
    assert found.profile.summary("x").rows == 2
    assert found.profile.summary("x").missing_share == 0.0
    assert found.profile.counts("kind").sum() == 6
    assert found.profile.counts("output.score").sum() == 3


def test_parts_of_an_image_are_made_of_its_column() -> None:
    assert is_made_of("photo.brightness", "input.photo")
    assert is_made_of("output.score", "output.probabilities")
    assert not is_made_of("photo.album", "input.photo")


def test_whole_numbers_beyond_doubles_are_profiled_too(spec: ProfileSpec, record: Make) -> None:
    table = convert([record(1, inputs={"x": [2**62 + 1], "kind": ["red"]})], {"input.x": pa.int64()}).table
    (found,) = by_hour("wine", "m:1", table, spec)
    assert found.profile.summary("x").mean == pytest.approx(2.0**62)
