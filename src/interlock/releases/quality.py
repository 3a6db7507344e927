"""The gate on quality: the loss of both versions on the same labelled rows, whatever the share of the traffic.

Brier score for classifiers with probabilities, share of wrong answers for those without, absolute error for regression.
Paired, a decision takes a fiftieth of the labels that two groups of callers would need.
"""

from math import isfinite

import numpy as np
from numpy.typing import NDArray

from interlock.domain.release import Gate, GateOutcome
from interlock.predictions.answer_losses import LOSS_NAMES, RowLosses, loss_of, row_losses
from interlock.releases import label_coverage
from interlock.releases.evidence import Evidence
from interlock.releases.labelled_pairs import LabelledPairs, ripe
from interlock.releases.wording import count, finite, percent
from interlock.stats import paired_loss, time_blocks
from interlock.stats.paired_loss import PairedLosses, PairedLossResult

# Equal probabilities on hundreds of rows are the same model. Equal classes are not: only from here on a challenger that
# differs in 1 % of units would have shown it, with the gate's confidence.
_SAME_CLASSES_UNITS = 1000

# Harm waits for the plan's minimum, but for no more than this: who asks for more evidence still wants protection. Fewer
# rows are often of one day, which shares one weather, and nothing in them shows that.
_HARM_ROWS = 1000


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
    pairs = ripe(evidence.paired, evidence.plan.label_hours)
    uneven = label_coverage.fault(evidence.contract, pairs, alpha=evidence.plan.sample_ratio_alpha)
    if uneven is not None:
        reason = f"quality not comparable: {uneven}, so rows with a label do not stand for the rest"
        return _without_data(evidence, f"quality.{loss}", "not_comparable", reason)
    if pairs.rows.num_rows == 0:
        needed = count(evidence.plan.min_labels)
        reason = f"quality: 0 of {needed} labelled rows that both versions scored"
        return _without_data(evidence, f"quality.{loss}", "not_enough_data", reason)
    found = row_losses(loss, evidence.contract, pairs.rows)
    return _judge(evidence, loss, pairs, compare(evidence, loss, pairs, found, alpha=evidence.alpha))


def compare(evidence: Evidence, loss: str, pairs: LabelledPairs, found: RowLosses, *, alpha: float) -> PairedLossResult:
    """Compare the losses of both versions by units, and by blocks of time, at a level."""
    sums = _sums(np.unique(pairs.units[found.usable], return_inverse=True)[1], found)
    blocks = _sums(time_blocks.numbers(pairs.event_seconds[found.usable]), found)
    return paired_loss.analyze(
        sums,
        alpha=alpha,
        harm_ratio=evidence.plan.quality_harm,
        margin_ratio=evidence.plan.quality_margin,
        trust_identical=loss != "zero_one" or sums.units >= _SAME_CLASSES_UNITS,
        blocks=blocks,
    )


def _sums(groups: NDArray[np.int64], found: RowLosses) -> PairedLosses:
    """Sum the losses of rows up by the group each is in."""
    difference = np.bincount(groups, weights=found.challenger - found.champion)
    return PairedLosses.from_units(difference, np.bincount(groups, weights=found.champion), np.bincount(groups))


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
        f"{LOSS_NAMES[loss]} {result.challenger_loss:.4g} against {result.champion_loss:.4g} "
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
