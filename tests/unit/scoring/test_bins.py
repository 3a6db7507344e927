import numpy as np
import pyarrow as pa

from interlock.scoring import bins as binning
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import FeatureBins, ProfileSpec


def test_numbers_are_counted_as_a_profile_counts_them() -> None:
    bins = FeatureBins("x", "numeric", edges=(0.0, 1.0, 2.5))
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, np.nan, np.inf])
    profile = Profile(ProfileSpec((bins,)))
    profile.update({"x": values})
    counted = np.bincount(binning.numbers_in(bins, values), minlength=bins.size)
    assert counted.tolist() == profile.counts("x").tolist()
    assert binning.names_of(bins) == ["at most 0", "0 to 1", "1 to 2.5", "over 2.5", "missing"]


def test_texts_are_counted_as_a_profile_counts_them() -> None:
    bins = FeatureBins("color", "categorical", categories=("red", "white"))
    values = ["white", "red", "blue", None, "red"]
    profile = Profile(ProfileSpec((bins,)))
    profile.update({"color": values})
    counted = np.bincount(binning.texts_in(bins, pa.chunked_array([pa.array(values)])), minlength=bins.size)
    assert counted.tolist() == profile.counts("color").tolist()
    assert binning.names_of(bins) == ["red", "white", "another value", "missing"]


def test_bins_are_learnt_of_plain_columns_only() -> None:
    columns = {
        "x": np.arange(20.0),
        "color": np.array(["red", "white"] * 10, dtype=object),
        "vector": np.zeros((20, 3)),
        "at": np.zeros(20, dtype="datetime64[us]"),
    }
    assert set(binning.learnt_bins(columns)) == {"x", "color"}
