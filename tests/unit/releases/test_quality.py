from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.release import ReleasePlan
from interlock.releases import quality
from interlock.releases.evidence import Evidence

Paired = Callable[..., pa.Table]
Make = Callable[..., Evidence]

LABEL_ONLY = Contract(inputs=(), outputs=(Field(name="label", datatype="BYTES"),), task="binary", classes=("no", "yes"))
REGRESSION = Contract(inputs=(), outputs=(Field(name="prediction", datatype="FP64"),), task="regression")


def flights(rows: int, error: float, seed: int = 1) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Labels, the champion's probabilities, and those of a challenger that adds an error to the log odds."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1, 1, rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-truth))).astype(int)
    ours = 1 / (1 + np.exp(-(truth + rng.normal(0, 0.5, rows))))
    theirs = 1 / (1 + np.exp(-(truth + rng.normal(0, 0.5, rows) + error)))
    return labels, np.stack([1 - ours, ours], 1), np.stack([1 - theirs, theirs], 1)


def brier_rows(paired: Paired, rows: int, error: float, **more: Any) -> pa.Table:
    labels, champion, challenger = flights(rows, error)
    table: pa.Table = paired(labels.tolist(), champion.tolist(), challenger.tolist(), **more)
    return table


def test_a_wrongly_fed_candidate_is_a_breach(paired: Paired, evidence: Make) -> None:
    gate = quality.gate(evidence(paired=brier_rows(paired, 2000, 1.0)))
    assert (gate.metric, gate.outcome, gate.scale) == ("quality.brier", "breach", "difference")
    assert gate.estimate is not None
    assert gate.lower is not None
    assert 0 < gate.lower < gate.estimate
    assert "on the same 2,000 labelled rows, at least" in gate.reason


def test_the_figures_are_those_of_the_rows(paired: Paired, evidence: Make) -> None:
    labels, champion, challenger = flights(800, 0.2)
    gate = quality.gate(evidence(paired=paired(labels.tolist(), champion.tolist(), challenger.tolist())))
    ours, theirs = (((table[:, 1] - labels) ** 2).mean() for table in (champion, challenger))
    assert gate.details["champion_loss"] == pytest.approx(ours)
    assert gate.details["challenger_loss"] == pytest.approx(theirs)
    assert gate.estimate == pytest.approx(theirs - ours)
    assert gate.details["coverage"] == 1.0


def test_the_same_model_again_is_not_worse(paired: Paired, evidence: Make) -> None:
    labels, champion, _ = flights(1000, 0.0)
    gate = quality.gate(evidence(paired=paired(labels.tolist(), champion.tolist(), champion.tolist())))
    assert (gate.outcome, gate.non_inferior, gate.estimate) == ("ok", True, 0.0)


def test_under_the_minimum_of_labels_nothing_is_said(paired: Paired, evidence: Make) -> None:
    labels, champion, _ = flights(999, 0.0)
    gate = quality.gate(evidence(paired=paired(labels.tolist(), champion.tolist(), champion.tolist())))
    assert (gate.outcome, gate.non_inferior) == ("not_enough_data", False)
    assert gate.reason == "quality: 999 of 1,000 labelled rows that both versions scored"


def test_rows_of_one_unit_are_no_evidence_of_their_own(paired: Paired, evidence: Make) -> None:
    units = [f"u{number % 50}" for number in range(2000)]
    gate = quality.gate(evidence(paired=brier_rows(paired, 2000, 1.0, units=units)))
    assert (gate.outcome, gate.details["units"]) == ("not_enough_data", 50)


def test_rows_of_ten_good_and_bad_hours_are_hardly_more_than_ten(paired: Paired, evidence: Make) -> None:
    # Rows come one a minute: for 200 minutes the challenger is worse, for the next 200 it is better, and so on.
    labels, champion, _ = flights(2000, 0.0)
    sharp = np.stack([1 - labels, labels], 1) * 0.3 + champion * 0.7
    bad = (np.arange(2000) // 200 % 2 == 0)[:, None] & (np.arange(2000) % 10 > 2)[:, None]
    mixed = np.where(bad, 0.5 * champion + 0.25, sharp)
    gate = quality.gate(evidence(paired=paired(labels.tolist(), champion.tolist(), mixed.tolist())))
    assert (gate.outcome, gate.non_inferior, gate.details["blocks"]) == ("ok", False, 10)
    assert gate.details["design_effect"] > 5


def test_independent_rows_have_a_design_effect_near_one(paired: Paired, evidence: Make) -> None:
    gate = quality.gate(evidence(paired=brier_rows(paired, 2000, 1.0)))
    assert 1 <= gate.details["design_effect"] < 8


@pytest.mark.parametrize(("rows", "outcome"), [(900, "not_enough_data"), (1100, "breach")])
def test_harm_waits_for_a_thousand_rows_where_the_plan_asks_for_more(
    paired: Paired, evidence: Make, rows: int, outcome: str
) -> None:
    patient = ReleasePlan(steps=(0.1, 1.0), min_labels=50_000)
    gate = quality.gate(evidence(paired=brier_rows(paired, rows, 3.0), plan=patient))
    assert gate.outcome == outcome


def test_labels_that_are_no_class_are_left_out(paired: Paired, evidence: Make) -> None:
    labels, champion, challenger = flights(600, 0.0)
    strange = [label if number % 2 else 7 for number, label in enumerate(labels.tolist())]
    gate = quality.gate(evidence(paired=paired(strange, champion.tolist(), challenger.tolist())))
    assert gate.counts == {"champion": 300, "challenger": 300}


def test_no_labels_ever_are_not_enough_data(evidence: Make) -> None:
    gate = quality.gate(evidence(has_labels=False))
    assert (gate.outcome, gate.reason) == ("not_enough_data", "quality: no labels have arrived")


def test_labels_elsewhere_but_none_on_paired_rows_are_not_enough_data(evidence: Make) -> None:
    gate = quality.gate(evidence())
    assert (gate.outcome, gate.reason[:32]) == ("not_enough_data", "quality: 0 of 1,000 labelled row")


def test_without_probabilities_wrong_answers_are_compared(paired: Paired, evidence: Make) -> None:
    rng = np.random.default_rng(2)
    labels = np.where(rng.random(3000) < 0.5, "yes", "no")
    champion = np.where(rng.random(3000) < 0.1, "no", labels)
    challenger = np.where(rng.random(3000) < 0.4, "no", labels)
    table = paired(labels.tolist(), champion.tolist(), challenger.tolist(), output="label")
    gate = quality.gate(evidence(paired=table, contract=LABEL_ONLY))
    assert (gate.metric, gate.outcome) == ("quality.zero_one", "breach")
    assert gate.details["champion_loss"] == pytest.approx((champion != labels).mean())


@pytest.mark.parametrize(("rows", "expected"), [(600, False), (1000, True)])
def test_equal_classes_are_the_same_model_only_after_many_rows(
    paired: Paired, evidence: Make, rows: int, expected: bool
) -> None:
    table = paired(["yes"] * rows, ["yes"] * rows, ["yes"] * rows, output="label")
    assert quality.gate(evidence(paired=table, contract=LABEL_ONLY)).non_inferior is expected


def test_regression_is_compared_by_absolute_error(paired: Paired, evidence: Make) -> None:
    rng = np.random.default_rng(3)
    target = rng.normal(10, 2, 1000)
    champion, challenger = target + rng.normal(0, 1, 1000), target + rng.normal(0, 2, 1000)
    table = paired(target.tolist(), champion.tolist(), challenger.tolist(), output="prediction")
    gate = quality.gate(evidence(paired=table, contract=REGRESSION))
    assert (gate.metric, gate.outcome) == ("quality.absolute_error", "breach")
    assert gate.details["champion_loss"] == pytest.approx(np.abs(champion - target).mean())


def test_a_contract_without_task_is_not_comparable(evidence: Make) -> None:
    gate = quality.gate(evidence(contract=Contract(inputs=(), outputs=())))
    assert (gate.outcome, gate.non_inferior) == ("not_comparable", False)


def test_labels_that_depend_on_the_answer_are_not_comparable(paired: Paired, evidence: Make) -> None:
    labels, champion, challenger = flights(4000, 3.0)
    seen = [int(label) if told[1] >= 0.5 else None for label, told in zip(labels, champion, strict=True)]
    rows = paired(seen, champion.tolist(), challenger.tolist())
    gate = quality.gate(evidence(paired=rows.append_column("by_challenger", [[False] * 4000])))
    assert (gate.outcome, gate.non_inferior) == ("not_comparable", False)
    assert gate.reason.startswith("quality not comparable: labels came for 0 % of some answers")
