import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.row_condition import spell
from interlock.monitoring.error_slices import ALPHA, ERROR, FEWEST, UNIT, find


def table(rng: np.random.Generator, errors: np.ndarray, units: np.ndarray | None = None) -> pa.Table:
    rows = len(errors)
    columns = {f"x{number}": rng.normal(size=rows) for number in range(5)}
    kinds = pa.array(rng.choice(list("abcdef"), rows))
    return pa.table({ERROR: errors, UNIT: np.arange(rows) if units is None else units, **columns, "kind": kinds})


@pytest.mark.parametrize("kind", ["rare", "common", "distances", "units"])
def test_where_errors_are_everywhere_alike_hardly_anything_is_proposed(kind: str) -> None:
    rounds, proposed = 150, 0
    for seed in range(rounds):
        rng = np.random.default_rng(seed)
        units = np.repeat(np.arange(100), 8) if kind == "units" else None
        errors = {
            "rare": lambda rng=rng: (rng.random(800) < 0.05).astype(float),
            "common": lambda rng=rng: (rng.random(800) < 0.4).astype(float),
            "distances": lambda rng=rng: rng.exponential(size=800),
            "units": lambda rng=rng: (rng.random(800) < np.repeat(rng.beta(1, 4, 100), 8)).astype(float),
        }[kind]()
        rows = table(rng, errors, units)
        if units is not None:  # what a unit is like does not change from row to row
            rows = rows.set_column(2, "x0", pa.array(np.repeat(rng.normal(size=100), 8)))
        proposed += bool(find(rows, rng=rng).found)
    # Beyond that many in 150 it would not be 5 %: the chance is under 1 in 1,000.
    assert proposed / rounds <= ALPHA + 0.06


def test_a_slice_is_found_with_an_interval_that_holds_what_is_true() -> None:
    held, found_in = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = table(rng, np.zeros(4000))
        bad = np.array(rows["kind"].to_pylist()) == "c"
        errors = (rng.random(4000) < np.where(bad, 0.35, 0.1)).astype(float)
        found = find(rows.set_column(0, ERROR, pa.array(errors)), rng=rng)
        worst = [each for each in found.found if spell(each.conditions) == "kind = c"]
        found_in += bool(worst)
        held += bool(worst) and worst[0].effect.lower <= 0.25 <= worst[0].effect.upper
    assert found_in >= 38
    assert held >= found_in - 2


def test_what_a_slice_explains_is_counted_on_the_rows_that_prove_it() -> None:
    rng = np.random.default_rng(5)
    rows = table(rng, np.zeros(4000))
    bad = np.array(rows["kind"].to_pylist()) == "c"
    errors = (rng.random(4000) < np.where(bad, 0.5, 0.05)).astype(float)
    found = find(rows.set_column(0, ERROR, pa.array(errors)), rng=rng)
    first = found.found[0]
    assert (found.rows, found.columns, found.reason) == (4000, 6, "")
    assert 1900 < found.judged_on < 2100
    assert first.share == pytest.approx(bad.mean() * 0.5 / errors.mean(), abs=0.06)
    assert first.gain == pytest.approx(first.effect.mean * first.effect.rows / found.judged_on)
    assert first.p_adjusted < 1e-6


def test_few_labels_are_not_enough_and_that_is_no_all_clear() -> None:
    rng = np.random.default_rng(1)
    found = find(table(rng, np.ones(FEWEST - 1)), rng=rng)
    assert (found.found, found.reason) == ((), f"{FEWEST - 1} labelled rows, needs {FEWEST}")


def test_rows_of_one_request_prove_nothing() -> None:
    rng = np.random.default_rng(1)
    errors = (rng.random(600) < 0.3).astype(float)
    assert find(table(rng, errors, np.zeros(600)), rng=rng).found == ()
