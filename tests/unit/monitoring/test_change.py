from typing import Any

import numpy as np
import pytest

from interlock.monitoring.change import describe
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import learn

NUMBERS = np.arange(1000.0)


def said(kind: str, reference: Any, current: Any) -> str:
    spec = learn({"x": reference}, {"x": kind})
    profiles = Profile(spec), Profile(spec)
    for profile, values in zip(profiles, (reference, current), strict=True):
        profile.update({"x": values})
    return describe(spec.features[0], *profiles)


@pytest.mark.parametrize(
    ("kind", "reference", "current", "sentence"),
    [
        ("numeric", NUMBERS, NUMBERS + 288.8, "mean went from 499.5 to 788.3 (+1.0 standard deviations)"),
        ("numeric", NUMBERS, (NUMBERS - 499.5) * 2 + 499.5, "standard deviation went from 288.8 to 577.6"),
        ("numeric", NUMBERS, np.where(NUMBERS % 20 == 0, np.nan, NUMBERS), "missing values went from 0.0% to 5.0%"),
        ("categorical", ["a", "b"] * 50, ["a", "c"] * 50, "50.0% of rows have categories that the reference lacks"),
        ("categorical", ["a", "b"] * 50, ["a"] * 80 + ["b"] * 20, "share of 'a' went from 50.0% to 80.0%"),
        ("numeric", NUMBERS, NUMBERS[(NUMBERS < 450) | (NUMBERS >= 550)], "share of values in ("),
    ],
)
def test_what_changed_most_is_said_in_words(kind: str, reference: Any, current: Any, sentence: str) -> None:
    assert said(kind, reference, current).startswith(sentence)
