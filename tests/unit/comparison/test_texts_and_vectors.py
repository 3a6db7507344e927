"""Texts and vectors in `interlock.drift`: what is found, and that nothing is found where nothing is."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from interlock import drift
from interlock.domain.errors import InvalidInputError
from interlock.stats import mmd

WORDS = np.array([f"word{number}" for number in range(300)])
USUAL = 1 / np.arange(1, 301)
RUNS = 40


def texts(rng: np.random.Generator, rows: int, shares: NDArray[np.float64] = USUAL) -> list[str]:
    chances = shares / shares.sum()
    return [" ".join(rng.choice(WORDS, rng.integers(4, 14), p=chances)) for _ in range(rows)]


def vectors(rng: np.random.Generator, rows: int, mean: float = 0.0, deviation: float = 1.0) -> pa.Array:
    values = rng.normal(mean, deviation, (rows, 12))
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 12)


def test_texts_and_vectors_of_one_source_are_called_drifted_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(RUNS):
        before, now = ({"t": texts(rng, rows), "e": vectors(rng, rows)} for rows in (300, 120))
        alarms += drift(before, now, alpha=0.05).drifted
    assert alarms <= RUNS * 0.05 + 3 * np.sqrt(RUNS * 0.05 * 0.95)


def test_other_words_of_the_same_shape_are_found_by_what_tells_both_sides_apart() -> None:
    rng = np.random.default_rng(2)
    later = USUAL.copy()
    later[40:80] *= 5
    column = drift({"t": texts(rng, 500)}, {"t": texts(rng, 300, later)}).columns["t"]
    assert column.kind == "text"
    assert column.drifted
    assert column.reason.startswith("wording")
    assert (column.measures["wording.auc"] or 0) > 0.6


def test_words_that_the_reference_lacks_are_counted() -> None:
    rng = np.random.default_rng(3)
    now = [text.replace("word1 ", "neologism ") for text in texts(rng, 300)]
    column = drift({"t": texts(rng, 500)}, {"t": now}).columns["t"]
    assert column.drifted
    assert "unknown words" in column.reason or "wording" in column.reason


@pytest.mark.parametrize(("mean", "deviation"), [(0.3, 1.0), (0.0, 1.25)])
def test_vectors_that_move_or_widen_are_drift(mean: float, deviation: float) -> None:
    rng = np.random.default_rng(4)
    column = drift({"e": vectors(rng, 600)}, {"e": vectors(rng, 300, mean, deviation)}).columns["e"]
    assert column.kind == "embedding"
    assert column.drifted
    assert column.measures["mmd_p"] == pytest.approx(1 / 2000)


def test_vectors_that_go_missing_are_drift() -> None:
    rng = np.random.default_rng(5)
    rows: list[Any] = vectors(rng, 300).to_pylist()
    now = pa.array([None if number % 10 == 0 else row for number, row in enumerate(rows)], pa.list_(pa.float64(), 12))
    column = drift({"e": vectors(rng, 600)}, {"e": now}).columns["e"]
    assert column.missing == {"reference": 0.0, "current": 0.1}
    assert column.drifted


def test_vectors_of_different_lengths_are_refused_with_their_lengths() -> None:
    ragged = pa.array([[1.0, 2.0], [1.0]] * 30)
    with pytest.raises(InvalidInputError, match="vectors of 1 to 2 numbers"):
        drift({"e": ragged}, {"e": ragged}, columns=["e"])


def test_the_discrepancy_is_the_textbook_sum() -> None:
    rng = np.random.default_rng(6)
    before, now = rng.standard_normal((7, 3)), rng.standard_normal((5, 3)) + 1
    both = np.vstack((before, now))
    squares = ((both[:, np.newaxis] - both[np.newaxis]) ** 2).sum(axis=2)
    kernel = np.exp(-squares / np.median(squares[np.triu_indices(12, 1)]))
    within = [
        (kernel[part, part].sum() - size) / (size * (size - 1)) for part, size in ((slice(0, 7), 7), (slice(7, 12), 5))
    ]
    expected = sum(within) - 2 * kernel[:7, 7:].mean()
    assert mmd.analyze(before, now, permutations=9, rng=rng).squared == pytest.approx(expected)
