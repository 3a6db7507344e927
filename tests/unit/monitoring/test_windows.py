from datetime import UTC, datetime, timedelta
from time import process_time

import numpy as np
import pytest

from interlock.monitoring.windows import HOUR, Hours
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import learn

START = datetime(2013, 4, 1, tzinfo=UTC)


def hours(count: int, features: int = 1) -> Hours:
    columns = {f"f{number}": np.arange(100.0) for number in range(features)}
    spec = learn(columns, dict.fromkeys(columns, "numeric"))
    profile = Profile(spec)
    profile.update(columns)
    return Hours.read(spec, [(START + number * HOUR, profile.to_bytes()) for number in range(count)])


def test_a_window_holds_its_hours_without_the_end() -> None:
    window = hours(48).window(START + 12 * HOUR, START + 36 * HOUR)
    assert (len(window.starts), window.starts[0], window.starts[-1]) == (24, START + 12 * HOUR, START + 35 * HOUR)
    assert window.merged().rows == 2400


def test_pieces_are_stretches_of_time_and_may_be_empty() -> None:
    pieces = hours(30).pieces(START, timedelta(days=1), 3)
    assert pieces.sum(axis=1).tolist() == [2400, 600, 0]


def test_a_window_without_traffic_is_empty() -> None:
    window = hours(3).window(START + 10 * HOUR, START + 20 * HOUR)
    assert (window.starts, window.merged().rows) == ((), 0)


def test_a_damaged_profile_is_refused() -> None:
    spec = hours(1).spec
    with pytest.raises(ValueError, match="bytes"):
        Hours.read(spec, [(START, b"damaged")])


def test_a_month_of_hours_of_fifteen_features_is_merged_in_a_blink() -> None:
    began = process_time()
    found = hours(720, features=15)
    found.window(START, START + 720 * HOUR).merged()
    assert process_time() - began < 0.5
