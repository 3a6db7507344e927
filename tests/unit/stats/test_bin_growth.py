from typing import Any

import numpy as np
import pytest

from interlock.stats import bin_growth
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import FeatureBins, learn


def test_bins_are_those_that_a_profile_counts() -> None:
    rng = np.random.default_rng(1)
    numbers = np.where(rng.random(500) < 0.1, np.nan, rng.integers(0, 40, 500).astype(float))
    plans = rng.choice(["free", "pro", "team"], 500).tolist()
    spec = learn({"age": numbers[:250], "plan": plans[:250]}, {"age": "numeric", "plan": "categorical"})
    columns: dict[str, Any] = {"age": numbers, "plan": [*plans[:498], None, "new"]}
    profile = Profile(spec)
    profile.update(columns)
    for bins in spec.features:
        counted = np.bincount(bin_growth.bin_numbers(bins, columns[bins.name]), minlength=bins.size)
        assert counted.tolist() == profile.counts(bins.name).tolist()


def test_only_what_grew_by_more_than_chance_is_new() -> None:
    assert bin_growth.excess([500, 500], [520, 480]).tolist() == [0, 0]
    assert bin_growth.excess([900, 100, 0], [450, 50, 500]).tolist() == [0, 0, 1]


def test_of_bins_without_growth_hardly_any_is_called_new() -> None:
    rng = np.random.default_rng(2)
    shares = np.full(10, 0.1)
    called = [
        (bin_growth.excess(rng.multinomial(2000, shares), rng.multinomial(500, shares)) > 0).sum() for _ in range(1000)
    ]
    assert np.sum(called) / 10_000 <= 1e-3


def test_booleans_are_named_as_profiles_name_them() -> None:
    bins = FeatureBins("late", "categorical", categories=("false", "true"))
    assert bin_growth.bin_numbers(bins, [True, False, float("nan")]).tolist() == [1, 0, 3]


def test_bins_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="one count per bin"):
        bin_growth.excess([1, 2], [1])
    assert bin_growth.excess([0, 0], [1, 2]).tolist() == [0, 0]
