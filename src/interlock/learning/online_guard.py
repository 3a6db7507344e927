"""Whether what was learnt is good enough to be served: beside the last good snapshot, and beside no model at all.

Called by online learners after every step. Each row is answered by the learner before it learns from it, by the last
good snapshot, and by the last label: the paired losses on these newest rows are the evidence, and the test holds
however often one looks. Nothing is published because nothing is known yet.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from interlock.stats import paired_loss, time_blocks
from interlock.stats.paired_loss import PairedLosses, PairedLossResult

ALPHA = 0.05
"""Of each comparison of a snapshot with the one before it, at all looks at once."""

MOST_ROWS = 50_000
"""Rows of evidence; where so many do not decide, it begins anew."""

FEWEST_UNITS = 100
"""As `stats.paired_loss` has it: with fewer it says nothing."""

# Who publishes by time alone says that a billion labels are due. Bounds that are tightest there would be wide for ever.
_MOST_PLANNED = 10_000

Verdict = Literal["publish", "wait", "go_back"]

_NAMES = {"brier": "Brier score", "zero_one": "share of wrong answers", "absolute_error": "mean absolute error"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Rows since the last good snapshot, each an element of arrays of shape (n,).

    Args:
        learner, good, no_change: Losses. nan in `learner` is an answer that is none; rows where `good` or `no_change`
            have none are left out there.
        units: Number of each row's unit.
        events: Microseconds since 1970.
    """

    learner: NDArray[np.float64]
    good: NDArray[np.float64]
    no_change: NDArray[np.float64]
    units: NDArray[np.int64]
    events: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.learner)

    @property
    def has_broken_answers(self) -> bool:
        """Whether the learner gave an answer that is none."""
        return not bool(np.isfinite(self.learner).all())

    def mean(self) -> dict[str, float]:
        """Mean losses, of what there is."""
        found = {name: getattr(self, name) for name in ("learner", "good", "no_change")}
        means = {name: values[np.isfinite(values)] for name, values in found.items()}
        return {name: float(values.mean()) for name, values in means.items() if len(values)}


def empty() -> Evidence:
    """Nothing yet."""
    losses, numbers = np.zeros(0), np.zeros(0, dtype=np.int64)
    return Evidence(losses, losses, losses, numbers, numbers)


def joined(before: Evidence, new: Evidence) -> Evidence:
    """Evidence with further rows. Beyond `MOST_ROWS` it begins anew."""
    if len(before) + len(new) > MOST_ROWS:
        return new
    names = ("learner", "good", "no_change", "units", "events")
    return Evidence(*(np.concatenate([getattr(before, name), getattr(new, name)]) for name in names))


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the guard says, and the sentence that a person reads."""

    verdict: Verdict
    sentence: str


def judge(evidence: Evidence, *, loss: str, good: str, margin: float, planned: int) -> Guarded:
    """Decide on what was learnt so far.

    Args:
        evidence: Rows since the last good snapshot.
        loss: As of `judging.loss_of`.
        good: Name of that snapshot.
        margin: Share of its loss that may be lost.
        planned: Rows at which the bounds are tightest, as far as that is a number that may come.
    """
    if evidence.has_broken_answers:
        return Guarded("go_back", f"back to {good}: some answers were no valid answers any more")
    if not len(evidence):
        return Guarded("wait", f"waits: no label was learnt since {good}")
    beside_good = _paired(evidence, evidence.good, margin, planned)
    said = f"{_spell(loss, beside_good)} of {good}"
    if beside_good.harm:
        return Guarded("go_back", f"back to {good}: worse on the newest {beside_good.rows:,} labels, {said}")
    if beside_good.units < FEWEST_UNITS:
        few = f"{beside_good.rows:,} labels of {beside_good.units} units (keys or requests); {FEWEST_UNITS} are needed"
        return Guarded("wait", f"waits: {few}, {said}")
    if not beside_good.non_inferior:
        return Guarded("wait", f"waits: {beside_good.rows:,} labels do not show yet that it is no worse, {said}")
    return _beside_no_model(evidence, loss, margin, planned, f"on the newest {beside_good.rows:,} labels, {said}")


def _beside_no_model(evidence: Evidence, loss: str, margin: float, planned: int, said: str) -> Guarded:
    naive = _paired(evidence, evidence.no_change, margin, planned)
    if naive.non_inferior:
        return Guarded("publish", f"no worse {said}")
    beside = f"{_spell(loss, naive)} of the last known label"
    return Guarded("wait", f"waits: nothing shows that it is better than no model at all, {beside}")


def _paired(evidence: Evidence, other: NDArray[np.float64], margin: float, planned: int) -> PairedLossResult:
    both = np.isfinite(evidence.learner) & np.isfinite(other)
    units = np.unique(evidence.units[both], return_inverse=True)[1]
    blocks = time_blocks.numbers(evidence.events[both] / 1e6)
    mine, theirs = evidence.learner[both], other[both]
    sums = [
        PairedLosses.from_units(
            np.bincount(groups, weights=mine - theirs), np.bincount(groups, weights=theirs), np.bincount(groups)
        )
        for groups in (units, blocks)
    ]
    return paired_loss.analyze(
        sums[0],
        alpha=ALPHA,
        harm_ratio=margin,
        margin_ratio=margin,
        planned_units=min(max(planned, FEWEST_UNITS), _MOST_PLANNED),
        blocks=sums[1] if sums[1].units > 1 else None,
    )


def _spell(loss: str, result: PairedLossResult) -> str:
    return f"{_NAMES[loss]} {result.challenger_loss:.4g} against {result.champion_loss:.4g}"
