import numpy as np
import pytest

from interlock.stats.reference_profile import profile_reference


@pytest.mark.parametrize("levels", [500, 3_000])
def test_shares_of_many_levels_are_those_that_later_rows_have(levels: int) -> None:
    rng = np.random.default_rng(levels)
    before, now = (rng.integers(0, levels, 4_000).astype(str) for _ in range(2))
    profile = profile_reference({"x": before}, {"x": "categorical"})
    bins = profile.spec.category_bins["x"]
    in_bins = sum(value in bins for value in now.tolist()) / len(now)
    counted = profile.counts("x")
    assert counted[:-2].sum() / counted.sum() == pytest.approx(in_bins, abs=0.04)


def test_columns_of_few_levels_and_numbers_are_counted_in_all_rows() -> None:
    rng = np.random.default_rng(5)
    columns = {"n": rng.standard_normal(1_001), "c": rng.choice(["a", "b"], 1_001), "u": np.arange(1_001).astype(str)}
    profile = profile_reference(columns, {"n": "numeric", "c": "categorical", "u": "categorical"})
    assert profile.rows == 1_001
    assert profile.counts("n").sum() == profile.counts("c").sum() == 1_001
    assert profile.counts("u").sum() == 500
