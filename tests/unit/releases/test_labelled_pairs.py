from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from interlock.releases.labelled_pairs import ripe

Paired = Callable[..., pa.Table]

P = [0.5, 0.5]


def test_only_rows_older_than_nearly_all_delays_are_ripe(paired: Paired) -> None:
    pairs = ripe(paired([0] * 100, [P] * 100, [P] * 100, delay_minutes=30.0))
    # The newest label came at minute 129; 30 minutes before that all rows are old enough.
    assert (pairs.ripe_rows, pairs.rows.num_rows, pairs.maturity_seconds) == (100, 100, 1800)


def test_late_labels_that_depend_on_the_outcome_do_not_flatter(paired: Paired) -> None:
    # Class 1 is known after ten hours, class 0 after one: seen at hour 30, fresh rows have labels of class 0 only.
    rng = np.random.default_rng(1)
    classes = rng.random(1800) < 0.3
    delay = np.where(classes, 600.0, 60.0)
    arrived = np.arange(1800) + delay <= 1800
    labels = [int(one) if seen else None for one, seen in zip(classes, arrived, strict=True)]
    pairs = ripe(paired(labels, [P] * 1800, [P] * 1800, delay_minutes=delay))
    labelled = np.array([label for label in labels if label is not None])
    assert labelled.mean() < 0.25
    assert pairs.coverage == 1.0
    assert pairs.rows["label_number"].to_numpy().mean() == pytest.approx(classes[:1200].mean(), abs=0.01)


def test_coverage_counts_ripe_rows_without_label(paired: Paired) -> None:
    pairs = ripe(paired([0, None, 0, None, 0, 0], [P] * 6, [P] * 6, delay_minutes=0.0))
    assert (pairs.ripe_rows, pairs.rows.num_rows, pairs.coverage) == (6, 4, 4 / 6)


def test_rows_that_a_version_could_not_answer_are_left_out(paired: Paired) -> None:
    status = ["ok", "model_error", "ok"]
    pairs = ripe(paired([0] * 3, [P] * 3, [P] * 3, delay_minutes=0.0, challenger_status=status))
    assert pairs.rows.num_rows == 2


@pytest.mark.parametrize("rows", [0, 5])
def test_without_labels_nothing_is_ripe(paired: Paired, rows: int) -> None:
    pairs = ripe(paired([None] * rows, [P] * rows, [P] * rows) if rows else pa.table({}))
    assert (pairs.rows.num_rows, pairs.coverage, pairs.maturity_seconds) == (0, 0.0, None)


def test_labels_that_took_longer_before_the_release_are_waited_for(paired: Paired) -> None:
    rows = paired([0] * 100, [P] * 100, [P] * 100, delay_minutes=10.0)
    for usual, age, ripe_rows in (
        (50 * 60.0, None, 60),
        (5 * 60.0, None, 100),
        (None, None, 100),
        (50 * 60.0, 1.0, 50),
    ):
        known = rows.append_column("usual_delay_seconds", pa.array([usual] * 100, pa.float64()))
        assert ripe(known, age).ripe_rows == ripe_rows
