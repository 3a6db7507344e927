import numpy as np

from interlock.stats.slice_search import search


def noise(rows: int, columns: int, seed: int) -> tuple[list[np.ndarray], np.random.Generator]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 4, rows) for _ in range(columns)], rng


def test_one_bin_of_one_column_is_found_and_not_hidden_among_its_parts() -> None:
    columns, rng = noise(4000, 8, 1)
    errors = (rng.random(4000) < np.where(columns[5] == 2, 0.4, 0.1)).astype(float)
    found = search(columns, errors, least_rows=30, most=5)
    assert found[0].bins == ((5, 2),)
    rows = found[0].rows(columns)
    assert rows.sum() == (columns[5] == 2).sum()
    for other in found[1:]:
        alike = other.rows(columns)
        assert (rows & alike).sum() <= 0.5 * (rows | alike).sum()


def test_a_pair_is_found_where_neither_of_its_bins_says_as_much() -> None:
    columns, rng = noise(6000, 8, 2)
    both = (columns[1] == 3) & (columns[4] == 0)
    errors = rng.exponential(np.where(both, 3.0, 1.0))
    assert search(columns, errors, least_rows=30, most=1)[0].bins == ((1, 3), (4, 0))


def test_small_parts_and_rows_in_no_bin_are_left_out() -> None:
    columns, _ = noise(1000, 1, 3)
    columns[0][:] = 0
    columns[0][:29] = 1
    columns[0][29:200] = -1
    errors = (columns[0] != 0).astype(float)
    assert search(columns, errors, least_rows=30, most=5) == []
    assert [part.bins for part in search(columns, errors, least_rows=29, most=5)] == [((0, 1),)]


def test_without_columns_or_rows_there_is_nothing() -> None:
    assert search([], np.ones(100), least_rows=30, most=5) == []
    assert search([np.zeros(40, dtype=np.int64)], np.ones(40), least_rows=30, most=5) == []
