"""The defaults of other tools, held against hand-made cases; their measures are checked by golden files."""

import numpy as np
import pytest

from benchmarks.monitoring.peer_rules import Column, NannymlRule, evidently, nannyml
from interlock.stats.nannyml import jensen_shannon_nannyml
from interlock.stats.weighted_values import WeightedValues


def test_evidently_tests_small_numeric_references_by_kolmogorov_smirnov_at_five_per_cent() -> None:
    rng = np.random.default_rng(1)
    alarms = [
        evidently(Column(rng.standard_normal(1_000), rng.standard_normal(200)))
        for _ in range(300)
    ]  # fmt: skip
    assert 0.02 < np.mean(alarms) < 0.09


def test_evidently_measures_large_numeric_references_by_distance() -> None:
    before = np.linspace(-3, 3, 2_000)
    sigma = before.std()
    assert not evidently(Column(before, before + 0.09 * sigma))
    assert evidently(Column(before, before + 0.11 * sigma))


def test_evidently_takes_a_level_that_a_small_reference_lacks_for_drift() -> None:
    before, now = np.repeat([0, 1, 2], 300), np.append(np.repeat([0, 1, 2], 30), 3)
    assert evidently(Column(before, now))
    assert not evidently(Column(np.append(before, [3] * 10), now))


@pytest.mark.parametrize("seed", [1, 2])
def test_nannyml_distances_are_the_measure_of_that_name(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, now = rng.standard_normal(2_000), rng.normal(0.3, 1.2, 400)
    expected = jensen_shannon_nannyml(WeightedValues.of_rows(before), WeightedValues.of_rows(now))
    assert NannymlRule(before, 400).distance(now) == pytest.approx(expected, abs=1e-12)
    levels, later = rng.integers(0, 5, 2_000), rng.integers(0, 6, 400)
    tables = [{str(level): float((side == level).sum()) for level in np.unique(side)} for side in (levels, later)]
    assert NannymlRule(levels, 400).distance(later) == pytest.approx(jensen_shannon_nannyml(*tables), abs=1e-12)


def test_nannyml_alerts_beyond_three_deviations_of_its_chunks() -> None:
    rng = np.random.default_rng(3)
    before = rng.standard_normal(5_000)
    assert not nannyml(Column(before, before[:500]))
    assert nannyml(Column(before, rng.normal(1, 1, 500)))
