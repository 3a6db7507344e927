"""How alike two versions answer, summed up batch by batch. Called by replays."""

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.replay import Agreement
from interlock.scoring.answered import Answered

# Two frameworks compute the same sum in another order; a person calls these numbers equal.
_SAME_NUMBER = 1e-6

# Beyond so many classes their table would be larger than all else together.
_MOST_CLASSES = 500
_MOST_FLIPS = 20


class AgreementTally:
    """Sums over the rows that both versions answered.

    Args:
        contract: The champion's.
    """

    def __init__(self, contract: Contract) -> None:
        self._classes = [str(name) for name in contract.classes]
        size = len(self._classes) if len(self._classes) <= _MOST_CLASSES else 0
        self._table = np.zeros((size, size), dtype=np.int64)
        self._rows = self._same = 0
        self._sum = self._largest = 0.0

    def add(self, champion: Answered, candidate: Answered, changes: NDArray[np.float64]) -> None:
        """Add rows that both answered, and how far their answers are apart."""
        self._rows += len(changes)
        self._sum += float(changes.sum())
        self._largest = max(self._largest, float(changes.max(initial=0.0)))
        self._same += int(same(champion, candidate).sum())
        if len(self._table) and champion.classes is not None and candidate.classes is not None:
            size = len(self._table)
            known = (champion.classes >= 0) & (candidate.classes >= 0)
            pairs = champion.classes[known] * size + candidate.classes[known]
            self._table += np.bincount(pairs, minlength=size * size).reshape(size, size)

    def result(self) -> Agreement:
        """What it comes to."""
        if not self._rows:
            return Agreement()
        return Agreement(
            rows=self._rows,
            same_share=self._same / self._rows,
            mean_change=self._sum / self._rows,
            largest_change=self._largest,
            flips=self._flips(),
        )

    def _flips(self) -> tuple[tuple[str, str, int], ...]:
        table = self._table.copy()
        np.fill_diagonal(table, 0)
        found = np.argsort(table, axis=None)[::-1][:_MOST_FLIPS]
        places = [np.unravel_index(at, table.shape) for at in found.tolist()]
        return tuple((self._classes[a], self._classes[b], int(table[a, b])) for a, b in places if table[a, b])


def same(champion: Answered, candidate: Answered) -> NDArray[np.bool_]:
    """Rows with the same class, or with the same number to six digits."""
    if champion.numbers is not None and candidate.numbers is not None:
        return np.isclose(candidate.numbers, champion.numbers, rtol=_SAME_NUMBER, atol=0.0)
    return np.asarray(champion.classes == candidate.classes)
