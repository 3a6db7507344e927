"""The gate on quality: the loss of both versions on the same labelled rows, whatever the share of the traffic.

Brier score for classifiers with probabilities, share of wrong answers for those without, absolute error for regression.
Paired, a decision takes a fiftieth of the labels that two groups of callers would need.
"""

from math import isfinite

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.release import Gate, GateOutcome
from interlock.releases.evidence import Evidence
from interlock.releases.labelled_pairs import LabelledPairs, class_indices, ripe
from interlock.releases.wording import count, finite, percent
from interlock.stats import losses, paired_loss, time_blocks
from interlock.stats.paired_loss import PairedLosses, PairedLossResult

# Equal probabilities on hundreds of rows are the same model. Equal classes are not: only from here on a challenger that
# differs in 1 % of units would have shown it, with the gate's confidence.
_SAME_CLASSES_UNITS = 1000

# Harm waits for the plan's minimum, but for no more than this: who asks for more evidence still wants protection. Fewer
# rows are often of one day, which shares one weather, and nothing in them shows that.
_HARM_ROWS = 1000

_NAMES = {"brier": "Brier score", "zero_one": "share of wrong answers", "absolute_error": "mean absolute error"}

_Losses = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]


def gate(evidence: Evidence) -> Gate:
    """Judge the quality of both versions on the rows of this release."""
    loss = loss_of(evidence.contract)
    changed = [name for name in evidence.release.overridden if not name.startswith("input.")]
    if loss is None or changed:
        why = "the contract names no task"
        if changed:
            why = f"an approver let {', '.join(changed)} change, and the answers do not mean the same"
        return _without_data(evidence, "quality", "not_comparable", f"quality not compared: {why}")
    if not evidence.has_labels:
        return _without_data(evidence, f"quality.{loss}", "not_enough_data", "quality: no labels have arrived")
    pairs = ripe(evidence.paired)
    if pairs.rows.num_rows == 0:
        needed = count(evidence.plan.min_labels)
        reason = f"quality: 0 of {needed} labelled rows that both versions scored"
        return _without_data(evidence, f"quality.{loss}", "not_enough_data", reason)
    champion, challenger, usable = _row_losses(loss, evidence.contract, pairs.rows)
    sums = _sums(np.unique(pairs.units[usable], return_inverse=True)[1], champion, challenger)
    blocks = _sums(time_blocks.numbers(pairs.event_seconds[usable]), champion, challenger)
    result = paired_loss.analyze(
        sums,
        alpha=evidence.alpha,
        harm_ratio=evidence.plan.quality_harm,
        margin_ratio=evidence.plan.quality_margin,
        trust_identical=loss != "zero_one" or sums.units >= _SAME_CLASSES_UNITS,
        blocks=blocks,
    )
    return _judge(evidence, loss, pairs, result)


def loss_of(contract: Contract) -> str | None:
    """Which loss compares versions with this contract; None if its task is unknown."""
    if contract.is_classifier:
        return "brier" if any(field.name == "probabilities" for field in contract.outputs) else "zero_one"
    return "absolute_error" if contract.task == "regression" else None


def _sums(groups: NDArray[np.int64], champion: NDArray[np.float64], challenger: NDArray[np.float64]) -> PairedLosses:
    """Sum the losses of rows up by the group each is in."""
    difference = np.bincount(groups, weights=challenger - champion)
    return PairedLosses.from_units(difference, np.bincount(groups, weights=champion), np.bincount(groups))


def _judge(evidence: Evidence, loss: str, pairs: LabelledPairs, result: PairedLossResult) -> Gate:
    enough = result.rows >= evidence.plan.min_labels and isfinite(result.upper)
    harm = result.harm and result.rows >= min(evidence.plan.min_labels, _HARM_ROWS)
    outcome: GateOutcome = "breach" if harm else "ok" if enough else "not_enough_data"
    return Gate(
        metric=f"quality.{loss}",
        outcome=outcome,
        scale="difference",
        estimate=finite(result.estimate),
        lower=finite(result.lower),
        upper=finite(result.upper),
        margin=finite(result.margin),
        counts={"champion": result.rows, "challenger": result.rows},
        reason=_reason(evidence, loss, outcome, result),
        alpha=evidence.alpha,
        non_inferior=enough and result.non_inferior and not result.harm,
        details={
            "champion_loss": finite(result.champion_loss),
            "challenger_loss": finite(result.challenger_loss),
            "harm_bound": finite(result.harm_bound),
            "units": result.units,
            "blocks": result.blocks,
            "design_effect": finite(result.design_effect),
            "coverage": round(pairs.coverage, 4),
            "maturity_seconds": pairs.maturity_seconds,
        },
    )


def _reason(evidence: Evidence, loss: str, outcome: GateOutcome, result: PairedLossResult) -> str:
    if outcome == "not_enough_data":
        needed = count(evidence.plan.min_labels)
        return f"quality: {count(result.rows)} of {needed} labelled rows that both versions scored"
    sentence = (
        f"{_NAMES[loss]} {result.challenger_loss:.4g} against {result.champion_loss:.4g} "
        f"on the same {count(result.rows)} labelled rows"
    )
    if outcome == "breach":
        return f"{sentence}, {_relative(result.lower, result.champion_loss, 'at least')}"
    if result.non_inferior:
        return f"{sentence}, {_relative(result.upper, result.champion_loss, 'at most')}"
    return f"{sentence}, not yet sure to be at most {percent(evidence.plan.quality_margin)} worse"


def _relative(bound: float, champion_loss: float, limit: str) -> str:
    """A bound on the difference, in shares of the champion's loss where it has one."""
    if champion_loss == 0:
        return f"{limit} {bound:.2g} worse"
    if bound < 0:
        return f"at least {percent(-bound / champion_loss)} better"
    return f"{limit} {percent(bound / champion_loss)} worse"


def _row_losses(loss: str, contract: Contract, rows: pa.Table) -> _Losses:
    """Losses of champion and challenger on the rows that have them, and which rows those are."""
    if loss == "absolute_error":
        target, ours, theirs = (
            rows[name].to_numpy().astype(np.float64)
            for name in ("label_number", "champion.prediction", "challenger.prediction")
        )
        usable = np.isfinite(target) & np.isfinite(ours) & np.isfinite(theirs)
        pair = [losses.absolute_error(target[usable], side[usable]) for side in (ours, theirs)]
        return pair[0], pair[1], usable
    happened = class_indices(contract, rows["label"])
    usable = happened >= 0
    if loss == "brier":
        tables = [_matrix(rows[f"{side}.probabilities"], len(contract.classes)) for side in ("champion", "challenger")]
        usable &= np.isfinite(tables[0]).all(axis=1) & np.isfinite(tables[1]).all(axis=1)
        pair = [losses.brier(happened[usable], table[usable]) for table in tables]
        return pair[0], pair[1], usable
    answers = [class_indices(contract, rows[f"{side}.label"].cast(pa.string())) for side in ("champion", "challenger")]
    pair = [losses.zero_one(happened[usable], answer[usable]) for answer in answers]
    return pair[0], pair[1], usable


def _matrix(values: pa.ChunkedArray, classes: int) -> NDArray[np.float64]:
    """One row of probabilities each; nan where a row has none or the wrong number."""
    lists = values.combine_chunks()
    matrix = np.full((len(lists), classes), np.nan)
    fits = pc.fill_null(pc.equal(pc.list_value_length(lists), classes), False)
    flat = lists.filter(fits).flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    matrix[fits.to_numpy(zero_copy_only=False)] = flat.reshape(-1, classes)
    return matrix


def _without_data(evidence: Evidence, metric: str, outcome: GateOutcome, reason: str) -> Gate:
    return Gate(
        metric=metric,
        outcome=outcome,
        scale="difference",
        estimate=None,
        lower=None,
        upper=None,
        margin=None,
        counts={"champion": 0, "challenger": 0},
        reason=reason,
        alpha=evidence.alpha,
    )
