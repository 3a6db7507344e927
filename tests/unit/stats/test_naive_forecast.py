import numpy as np
import pytest

from interlock.stats import naive_forecast


def _by_looking(event_at: list[int], observed_at: list[int], asked_at: int) -> int:
    known = [at for at in range(len(event_at)) if observed_at[at] < asked_at]
    return max(known, key=lambda at: event_at[at], default=-1)


def test_the_last_known_label_is_the_newest_event_observed_before() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        event_at = rng.permutation(40)
        observed_at = event_at + rng.integers(0, 15, 40)
        asked_at = rng.integers(-3, 60, 30)
        found = naive_forecast.last_known(event_at, observed_at, asked_at)
        expected = [_by_looking(event_at.tolist(), observed_at.tolist(), asked) for asked in asked_at.tolist()]
        assert found.tolist() == expected


def test_a_label_that_comes_with_its_own_event_forecasts_nothing_of_it() -> None:
    assert naive_forecast.last_known([1, 2], [1, 2], [1, 2]).tolist() == [-1, 0]


def test_without_rows_nothing_is_known() -> None:
    assert naive_forecast.last_known([], [], [1, 2]).tolist() == [-1, -1]
    assert naive_forecast.class_shares([], 4).tolist() == [0.25] * 4


def test_after_a_class_that_always_repeats_it_is_nearly_certain() -> None:
    labels = np.repeat([0, 1], 500)
    before = np.concatenate([[-1], labels[:-1]])
    table = naive_forecast.after_each_class(before, labels, 2)
    assert table.sum(axis=1) == pytest.approx([1, 1])
    assert table[0, 0] > 0.99
    assert table[1, 1] > 0.99


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="one value per row"):
        naive_forecast.last_known([1, 2], [1], [1])
