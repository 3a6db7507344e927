"""Labels that depend on an answer leave nothing to compare; labels that are missing at random, or come late, do."""

import numpy as np
import pytest

from benchmarks.releases import labelled_streams
from benchmarks.releases.labelled_streams import BINARY, DELAYS, HOUR, LABEL_ONLY, answer, paired_table
from interlock.domain.contract import Contract, Field
from interlock.releases.label_coverage import fault
from interlock.releases.labelled_pairs import LabelledPairs, ripe

REGRESSION = Contract(inputs=(), outputs=(Field(name="prediction", datatype="FP64"),), task="regression")


def pairs_of(delay: str, seed: int = 1, rows: int = 6000, hours: float = 60.0) -> LabelledPairs:
    rng = np.random.default_rng(seed)
    answered = answer(rng, rows, 48 * HOUR, 1.0)
    return ripe(paired_table(answered, DELAYS[delay](rng, answered), hours * HOUR))


@pytest.mark.parametrize("contract", [BINARY, LABEL_ONLY])
def test_labels_only_where_the_answer_was_yes_are_a_fault(contract: Contract) -> None:
    found = fault(contract, pairs_of("only where the model said yes"), alpha=0.001)
    assert found is not None
    assert found.startswith("labels came for 0 % of some answers and 100 % of others of the same age")


def test_the_first_labels_of_those_that_take_longer_by_what_they_say_are_a_fault() -> None:
    assert fault(BINARY, pairs_of("late by what they say", hours=7.0, rows=20_000), alpha=0.001) is not None


@pytest.mark.parametrize("delay", ["at once", "hours late", "late by what they say", "70% missing at random"])
def test_labels_that_come_alike_are_none(delay: str) -> None:
    assert [fault(BINARY, pairs_of(delay, seed), alpha=0.001) for seed in range(8)] == [None] * 8


def test_labels_that_one_versions_rows_lack_are_a_fault() -> None:
    rng = np.random.default_rng(1)
    rows = with_more_challengers(answer(rng, 4000, 48 * HOUR, 1.0), rng)
    delay = np.where(rows.by_challenger & (rng.random(4000) < 0.5), np.inf, 0.0)
    found = fault(BINARY, ripe(paired_table(rows, delay, 60 * HOUR)), alpha=0.001)
    assert found is not None
    assert "versions' answers" in found


def with_more_challengers(rows: labelled_streams.Answered, rng: np.random.Generator) -> labelled_streams.Answered:
    return labelled_streams.Answered(rows.at, rows.label, rows.champion, rows.challenger, rng.random(4000) < 0.3)


def test_numbers_are_grouped_by_their_size() -> None:
    found = pairs_of("only where the model said yes")
    told = found.ripe["champion.probabilities"].combine_chunks().flatten().to_numpy()[1::2]
    table = found.ripe.append_column("champion.prediction", [told]).append_column("challenger.prediction", [told])
    assert fault(REGRESSION, LabelledPairs(found.rows, table, 0.0), alpha=0.001) is not None


def test_rows_of_one_unit_are_one_row() -> None:
    found = pairs_of("only where the model said yes")
    units = np.char.mod("u%d", np.arange(found.ripe.num_rows) % 3)
    column = found.ripe.column_names.index("unit")
    few = LabelledPairs(found.rows, found.ripe.set_column(column, "unit", [units]), 0.0)
    assert fault(BINARY, few, alpha=0.001) is None


def test_rows_that_do_not_say_who_answered_pass() -> None:
    found = pairs_of("only where the model said yes")
    assert fault(BINARY, LabelledPairs(found.rows, found.ripe.drop_columns("by_challenger"), 0.0), alpha=0.001) is None
