from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.review import criteria

REGRESSION = Contract(inputs=(), outputs=(Field(name="prediction", datatype="FP64"),), task="regression")


def plans(count: int) -> Any:
    return np.random.default_rng(5).choice(["free", "pro"], count)


def test_a_coin_toss_is_unsure_and_a_certainty_is_not(version: ModelVersion, table: Any) -> None:
    rows = table(np.zeros(4), plans(4), np.array([0.5, 0.9, 0.1, 1.0]))
    assert criteria.uncertainty(version.contract, rows) == pytest.approx([1.0, 0.2, 0.2, 0.0])


def test_without_probabilities_nothing_is_unsure(version: ModelVersion, table: Any) -> None:
    rows = table(np.zeros(2), plans(2), np.array([0.5, 0.5])).drop(["output.probabilities"])
    assert criteria.uncertainty(version.contract, rows).tolist() == [0, 0]
    broken = rows.append_column("output.probabilities", pa.array([[0.5], None]))
    assert criteria.uncertainty(version.contract, broken).tolist() == [0, 0]


def test_versions_disagree_where_both_answered_and_named_different_classes(version: ModelVersion, table: Any) -> None:
    rows = table(np.zeros(3), plans(3), np.array([0.9, 0.9, 0.1]), pa.array([True, False, None]))
    assert criteria.disagreement(version.contract, rows).tolist() == [0, 1, 0]
    assert criteria.disagreement(version.contract, rows.drop(["other.label"])).tolist() == [0, 0, 0]


def test_numbers_disagree_by_their_distance() -> None:
    rows = pa.table({"output.prediction": [1.0, 2.0, 3.0], "other.prediction": [1.0, 4.0, None]})
    assert criteria.disagreement(REGRESSION, rows).tolist() == [0, 1, 0]


def test_rows_of_a_region_that_grew_are_wanted_and_no_others(version: ModelVersion, table: Any) -> None:
    rng = np.random.default_rng(6)
    x = np.concatenate((rng.standard_normal(600), rng.normal(4, 0.2, 400)))
    found = criteria.drift(version, table(x, plans(1000), np.full(1000, 0.5)))
    assert found[x > 3].min() > 0.7
    assert found[(x > -1) & (x < 1)].max() == 0


def test_a_category_that_the_reference_never_had_is_wanted_most(version: ModelVersion, table: Any) -> None:
    rng = np.random.default_rng(7)
    plan = np.concatenate((plans(900), np.full(100, "team")))
    found = criteria.drift(version, table(rng.standard_normal(1000), plan, np.full(1000, 0.5)))
    assert (found[plan == "team"] == 1).all()
    assert found[plan != "team"].max() == 0


def test_nothing_has_drifted_where_rows_are_few_alike_or_without_reference(version: ModelVersion, table: Any) -> None:
    rng = np.random.default_rng(8)
    alike = table(rng.standard_normal(2000), plans(2000), np.full(2000, 0.5))
    assert not criteria.drift(version, alike).any()
    far = table(np.full(40, 9.0), plans(40), np.full(40, 0.5))
    assert not criteria.drift(version, far).any()
    assert not criteria.drift(msgspec.structs.replace(version, profile=None), alike).any()


def test_a_damaged_reference_costs_the_draw_nothing(version: ModelVersion, table: Any) -> None:
    far = table(np.full(200, 9.0), plans(200), np.full(200, 0.5))
    assert criteria.drift(version, far).all()
    damaged = msgspec.structs.replace(version, profile={**(version.profile or {}), "counts": "AAAA"})
    assert not criteria.drift(damaged, far).any()
