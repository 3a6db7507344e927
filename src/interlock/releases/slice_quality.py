"""The gate on quality by slice: harm to the rows of one category of an input, which the mean over all rows would hide.

Paired as the gate on quality is, and of the same rows. It only looks for harm: to be surely not worse in every slice
would take as many labels in each as a release takes in all. Its alpha is split over the categories that the champion's
contract names, and one share more for all others, so that how many come does not matter.
"""

from math import isfinite

import msgspec
import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.release import Gate
from interlock.predictions.answer_losses import LOSS_NAMES, RowLosses, row_losses
from interlock.releases import quality
from interlock.releases.evidence import Evidence
from interlock.releases.labelled_pairs import LabelledPairs, ripe
from interlock.releases.wording import count, finite, percent
from interlock.stats.paired_loss import PairedLossResult

KIND = "slice"
OTHER = "any other"

MOST_CATEGORIES = 50
"""More would leave each so little alpha that nothing is seen."""


def categories(contract: Contract, column: str) -> tuple[str, ...]:
    """The values by which an input makes slices; none if it makes none."""
    field = contract.input(column)
    if field is None or field.shape or field.time is not None or field.image is not None:
        return ()
    found = ("true", "false") if field.datatype == "BOOL" else field.categories or ()
    return found if len(found) <= MOST_CATEGORIES else ()


def gate(evidence: Evidence, column: str) -> Gate:
    """Judge the quality of both versions in the slices of one input."""
    overall = quality.gate(evidence)
    metric = f"{KIND}.{column}"
    if overall.counts["challenger"] == 0:
        # Why there is none, it says itself.
        return msgspec.structs.replace(overall, metric=metric, reason=f"by {column}: {overall.reason}")
    loss = overall.metric.partition(".")[2]
    pairs = ripe(evidence.paired)
    found = row_losses(loss, evidence.contract, pairs.rows)
    values = _values(pairs, column, evidence.contract)[found.usable]
    alpha = evidence.alpha / (len(categories(evidence.contract, column)) + 1)
    results = {
        name: quality.compare(evidence, loss, *_part(pairs, found, values == name), alpha=alpha)
        for name in np.unique(values).tolist()
    }
    return _judge(evidence, metric, loss, results)


def _judge(evidence: Evidence, metric: str, loss: str, results: dict[str, PairedLossResult]) -> Gate:
    known = {name: result for name, result in results.items() if isfinite(result.lower)}
    if not known:
        return _gate(evidence, metric, results, None, f"{metric}: too few labelled rows in every slice")
    worst = max(known, key=lambda name: (known[name].harm, known[name].lower))
    result, column = known[worst], metric.partition(".")[2]
    sides = f"{result.challenger_loss:.4g} against {result.champion_loss:.4g}"
    sentence = f"{LOSS_NAMES[loss]} where {column} is {worst} {sides} on the same {count(result.rows)} labelled rows"
    if result.harm and result.champion_loss > 0:
        sentence += f", at least {percent(result.lower / result.champion_loss)} worse"
    return _gate(evidence, metric, results, worst, sentence)


def _gate(
    evidence: Evidence, metric: str, results: dict[str, PairedLossResult], worst: str | None, reason: str
) -> Gate:
    result = results[worst] if worst is not None else None
    rows = sum(each.rows for each in results.values())
    return Gate(
        metric=metric,
        outcome="not_enough_data" if result is None else "breach" if result.harm else "ok",
        scale="difference",
        estimate=None if result is None else finite(result.estimate),
        lower=None if result is None else finite(result.lower),
        upper=None if result is None else finite(result.upper),
        margin=None,
        counts={"champion": rows, "challenger": rows},
        reason=reason,
        alpha=evidence.alpha,
        details={
            "slices": {
                name: {
                    "rows": each.rows,
                    "champion_loss": finite(each.champion_loss),
                    "challenger_loss": finite(each.challenger_loss),
                    "lower": finite(each.lower),
                    "upper": finite(each.upper),
                }
                for name, each in results.items()
            }
        },
    )


def _values(pairs: LabelledPairs, column: str, contract: Contract) -> NDArray[np.object_]:
    """The slice of each row."""
    named = f"slice.{column}"
    if named not in pairs.rows.column_names:
        raise ValueError(f"the log does not have input.{column}")
    spelled = pc.fill_null(pc.cast(pairs.rows[named], "string"), "")
    known = set(categories(contract, column))
    return np.array([value if value in known else OTHER for value in spelled.to_pylist()], dtype=np.object_)


def _part(pairs: LabelledPairs, found: RowLosses, which: NDArray[np.bool_]) -> tuple[LabelledPairs, RowLosses]:
    """The rows of one slice, with their losses."""
    usable = found.usable.copy()
    usable[np.flatnonzero(found.usable)[~which]] = False
    return pairs, RowLosses(found.champion[which], found.challenger[which], usable)
