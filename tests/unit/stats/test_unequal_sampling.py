import numpy as np
import pytest

from interlock.stats import unequal_sampling


def test_every_row_comes_as_often_as_its_chance_says() -> None:
    rng = np.random.default_rng(1)
    sizes = rng.exponential(size=40) + 0.05
    chances = unequal_sampling.probabilities(sizes, 10)
    assert chances.sum() == pytest.approx(10)
    assert chances.max() <= 1
    counts, runs = np.zeros(40), 4000
    for _ in range(runs):
        drawn = unequal_sampling.draw(chances, rng)
        assert len(drawn) == 10
        counts[drawn] += 1
    errors = np.sqrt(np.maximum(chances * (1 - chances), 1e-9) / runs)
    assert np.abs(counts / runs - chances).max() <= (4.5 * errors).max()
    assert (np.abs(counts / runs - chances) <= 5 * errors + 1e-9).all()


def test_chances_are_proportional_to_size_until_one_is_certain() -> None:
    found = unequal_sampling.probabilities([1, 2, 3], 1)
    assert found.tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    assert unequal_sampling.probabilities([1, 1, 100, 100], 3).tolist() == [0.5, 0.5, 1, 1]
    assert unequal_sampling.probabilities([1, 5, 9], 3).tolist() == [1, 1, 1]
    assert unequal_sampling.probabilities([1, 5], 0).tolist() == [0, 0]


def test_weighted_by_one_over_chance_a_total_is_unbiased_and_the_plain_one_is_not() -> None:
    rng = np.random.default_rng(2)
    values = rng.random(200)
    # Large values are wanted, so that a plain mean is too large.
    chances = unequal_sampling.probabilities(values**2 + 0.02, 30)
    weighted, plain = [], []
    for _ in range(2000):
        drawn = unequal_sampling.draw(chances, rng)
        weighted.append(float((values[drawn] / chances[drawn]).sum()) / 200)
        plain.append(float(values[drawn].mean()))
    assert np.mean(weighted) == pytest.approx(values.mean(), abs=4 * np.std(weighted) / np.sqrt(2000))
    assert np.mean(plain) > values.mean() + 0.1


def test_of_all_rows_all_are_drawn_once() -> None:
    rng = np.random.default_rng(3)
    for rows in (1, 7, 10_000):
        assert unequal_sampling.draw(np.ones(rows), rng).tolist() == list(range(rows))


@pytest.mark.parametrize("sizes", [[0.0, 1.0], [-1.0, 1.0], [np.inf, 1.0]])
def test_a_row_that_could_never_come_is_refused(sizes: list[float]) -> None:
    with pytest.raises(ValueError, match="over 0"):
        unequal_sampling.probabilities(sizes, 1)


def test_more_than_there_is_and_chances_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and the 2 rows"):
        unequal_sampling.probabilities([1, 1], 3)
    for chances, said in (([1.5, 0.5], "between 0 and 1"), ([0.5, 0.3], "whole number")):
        with pytest.raises(ValueError, match=said):
            unequal_sampling.draw(chances, np.random.default_rng(1))
