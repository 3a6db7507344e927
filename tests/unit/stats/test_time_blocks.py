import numpy as np
import pytest

from interlock.stats.time_blocks import numbers

DAY = 86_400.0


def test_a_short_span_is_cut_into_ten_blocks_of_equal_length() -> None:
    hours = np.arange(40) * 3600.0
    assert np.bincount(numbers(hours)).tolist() == [4] * 10


def test_no_block_is_longer_than_a_day() -> None:
    times = np.random.default_rng(1).random(5000) * 69 * DAY
    blocks = numbers(times)
    assert blocks.max() + 1 == 69
    assert max(np.ptp(times[blocks == block]) for block in range(69)) <= DAY


def test_a_burst_is_cut_by_rows_in_order_of_time() -> None:
    # All but one row in the first second: blocks of equal length would be two.
    times = np.append(np.linspace(1, 0, 99), 60.0)
    blocks = numbers(times)
    assert np.bincount(blocks).tolist() == [10] * 10
    assert (blocks[98], blocks[0], blocks[99]) == (0, 9, 9)


def test_blocks_without_rows_have_no_number() -> None:
    assert numbers([0.0, 1.0, 20 * DAY, 20 * DAY + 1]).tolist() == [0, 0, 1, 1]


def test_order_of_rows_does_not_matter_and_no_rows_have_no_blocks() -> None:
    times = np.random.default_rng(2).random(500) * 3 * DAY
    assert (numbers(times[::-1])[::-1] == numbers(times)).all()
    assert numbers([]).tolist() == []


@pytest.mark.parametrize("times", [[np.nan], [[0.0]], [0.0, np.inf]])
def test_impossible_times_are_refused(times: list[float]) -> None:
    with pytest.raises(ValueError, match="event_seconds"):
        numbers(times)
