"""How the distribution of each output differs between two versions on the same rows. Called by replays."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.replay import OutputChange
from interlock.scoring import bins as binning
from interlock.scoring.answered import Answered
from interlock.stats.profile_bins import FeatureBins
from interlock.stats.total_variation import total_variation

# Where two versions differ in a class of a thousand, the report names those whose share moved most.
_MOST_BINS = 50


class OutputTally:
    """Counts of the answers of both versions.

    Args:
        contract: The champion's.
        known: Bins of its reference profile.
    """

    def __init__(self, contract: Contract, known: Mapping[str, FeatureBins]) -> None:
        self._classes = [str(name) for name in contract.classes]
        self._labels = np.zeros((2, len(self._classes)), dtype=np.int64)
        self._name = "score" if contract.is_classifier else "prediction"
        self._bins = known.get(f"output.{self._name}")
        self._counts = np.zeros((2, self._bins.size if self._bins else 0), dtype=np.int64)
        self._sums, self._rows = np.zeros(2), 0

    def add(self, champion: Answered, candidate: Answered) -> None:
        """Add rows that both answered."""
        scores = champion.score, candidate.score
        if scores[0] is not None and scores[1] is not None:
            self._add_numbers((scores[0], scores[1]))
        for side, answered in enumerate((champion, candidate)):
            if answered.classes is not None:
                known = answered.classes[answered.classes >= 0]
                self._labels[side] += np.bincount(known, minlength=len(self._classes))

    def result(self) -> tuple[OutputChange, ...]:
        """What it comes to, of outputs that both have."""
        found = []
        if self._labels.sum(axis=1).all():
            found.append(_compared("label", self._labels, self._classes, None))
        if self._bins is not None and self._counts.sum(axis=1).all():
            means = self._sums / self._rows
            found.append(_compared(self._name, self._counts, binning.names_of(self._bins), means))
        return tuple(found)

    def _add_numbers(self, scores: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
        if self._bins is None:
            self._bins = binning.learnt_bins({self._name: scores[0]})[self._name]
            self._counts = np.zeros((2, self._bins.size), dtype=np.int64)
        for side, values in enumerate(scores):
            self._counts[side] += np.bincount(binning.numbers_in(self._bins, values), minlength=self._bins.size)
            self._sums[side] += values.sum()
        self._rows += len(scores[0])


def _compared(
    output: str, counts: NDArray[np.int64], names: list[str], means: NDArray[np.float64] | None
) -> OutputChange:
    shares = counts / counts.sum(axis=1, keepdims=True)
    order = list(range(len(names)))
    if len(names) > _MOST_BINS:
        order = sorted(np.argsort(-np.abs(shares[0] - shares[1]))[:_MOST_BINS].tolist())
    return OutputChange(
        output=output,
        total_variation=total_variation(counts[0], counts[1]),
        champion_mean=None if means is None else float(means[0]),
        candidate_mean=None if means is None else float(means[1]),
        bins=tuple((names[at], float(shares[0, at]), float(shares[1, at])) for at in order if shares[:, at].any()),
    )
