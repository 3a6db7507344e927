"""What is drawn, and that quality measured on it is that of all rows."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.model import ModelVersion
from interlock.monitoring import quality
from interlock.review.drawing import draw, judge

ROWS, BUDGET, RUNS = 3000, 200, 300


def world(table: Any) -> tuple[pa.Table, np.ndarray[Any, Any]]:
    """Traffic of which a third is of a new kind, on which the model is wrong; and what was true."""
    rng = np.random.default_rng(1)
    x = np.concatenate((rng.standard_normal(2000), rng.normal(4, 0.3, 1000)))
    score = 1 / (1 + np.exp(-1.5 * x))
    happened = rng.random(ROWS) < np.where(x > 3, 0.4, score)
    plan = rng.choice(["free", "pro"], ROWS)
    other = np.where(rng.random(ROWS) < 0.1, score < 0.5, score >= 0.5)
    return table(x, plan, score, other), happened


def labelled(rows: pa.Table, happened: np.ndarray[Any, Any], weights: np.ndarray[Any, Any] | None = None) -> pa.Table:
    found = rows.append_column("label", pa.array([str(bool(each)).lower() for each in happened]))
    found = found.append_column("label_number", pa.array(happened.astype(float)))
    return found if weights is None else found.append_column("weight", pa.array(weights))


def test_weighted_quality_is_unbiased_and_plain_quality_of_the_same_rows_is_not(
    version: ModelVersion, table: Any
) -> None:
    rows, happened = world(table)
    truth = quality.measure(version.contract, labelled(rows, happened)).measures
    judged = judge(rows, {"m:1": version})
    assert all(says.any() for says in judged.values()), "every criterion has something to say"
    weighted: dict[str, list[float]] = {name: [] for name in truth}
    covered: dict[str, int] = dict.fromkeys(truth, 0)
    plain: dict[str, list[float]] = {name: [] for name in truth}
    for run in range(RUNS):
        found = draw(judged, BUDGET, 0.25, np.random.default_rng(run))
        some, true = rows.take(pa.array(found.rows)), happened[found.rows]
        for name, one in quality.measure(version.contract, labelled(some, true, 1 / found.chances)).measures.items():
            weighted[name].append(one.value)
            covered[name] += abs(one.value - truth[name].value) < 1.96 * (one.standard_error or 0)
        for name, one in quality.measure(version.contract, labelled(some, true)).measures.items():
            plain[name].append(one.value)
    for name, true_one in truth.items():
        spread = float(np.std(weighted[name]))
        # A ratio of two estimates has a bias of its own, of the order of 1 / budget: a tenth of the spread here.
        assert np.mean(weighted[name]) == pytest.approx(true_one.value, abs=spread * (4 / np.sqrt(RUNS) + 0.1)), name
        assert covered[name] / RUNS > 0.9, name
    for name in ("accuracy", "brier", "log_loss"):
        error = abs(np.mean(plain[name]) - truth[name].value)
        assert error > 0.02 + 4 * np.std(plain[name]) / np.sqrt(RUNS), name


def test_wanted_rows_come_more_often_and_say_why(version: ModelVersion, table: Any) -> None:
    rows, _ = world(table)
    judged = judge(rows, {"m:1": version})
    found = draw(judged, BUDGET, 0.25, np.random.default_rng(1))
    assert (len(found.rows), len(set(found.rows.tolist()))) == (BUDGET, BUDGET)
    assert set(found.reasons) == {"uncertain", "disagreement", "drift", "random"}
    assert (1 / found.chances).max() <= ROWS / (BUDGET * 0.25) * (1 + 1e-9)
    for reason, says in judged.items():
        alone = draw({reason: says}, BUDGET, 0.25, np.random.default_rng(1))
        assert says[alone.rows].mean() > 1.3 * says.mean(), reason
    assert found.evidence["disagreement"] == int((judged["disagreement"] > 0).sum())
    for row, reason in zip(found.rows, found.reasons, strict=True):
        assert reason == "random" or judged[reason][row] > 0


def test_without_anything_to_go_by_it_is_a_plain_sample(version: ModelVersion, table: Any) -> None:
    rows, _ = world(table)
    plain = rows.drop(["output.probabilities", "other.label", "input.x", "input.plan"])
    found = draw(judge(plain, {"m:1": version}), BUDGET, 0.25, np.random.default_rng(2))
    assert found.chances.tolist() == pytest.approx([BUDGET / ROWS] * BUDGET)
    assert (set(found.reasons), found.evidence) == ({"random"}, {})


def test_of_fewer_rows_than_asked_for_all_come_and_stand_for_themselves(version: ModelVersion, table: Any) -> None:
    rows, _ = world(table)
    found = draw(judge(rows.slice(0, 50), {"m:1": version}), BUDGET, 0.25, np.random.default_rng(3))
    assert found.rows.tolist() == list(range(50))
    assert found.chances.tolist() == [1.0] * 50


def test_rows_of_versions_that_nobody_knows_come_by_chance(table: Any) -> None:
    rows, _ = world(table)
    assert not any(says.any() for says in judge(rows, {}).values())
