"""Whether labels come alike for all answers and for both versions; if not, labelled rows are no picture of the rest.

Called by the quality gate with rows of the same age. Where a decision determines who gets labelled (only a granted loan
is paid back or not), or labels come for one version's answers more often, no arithmetic on the labelled rows is right.
A difference is one in the share of rows with a label, beyond a tenth, that chance does not explain. Labels missing at
random, or by what is no part of the answer, pass.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.predictions.answer_losses import class_indices, matrix
from interlock.releases.labelled_pairs import LabelledPairs
from interlock.releases.wording import percent
from interlock.stats import failure_rate

# So much of a difference is left alone: the last labels due are always a selection, and move a mean by little.
TOLERATED = 0.1

# Numbers are cut into so many groups of about the same size.
_GROUPS = 5


def fault(contract: Contract, pairs: LabelledPairs, *, alpha: float) -> str | None:
    """Why the labelled rows cannot stand for all, or None.

    Args:
        contract: The champion's.
        pairs: Rows of the same age.
        alpha: Probability of a fault where labels come alike, however often one looks.
    """
    rows = pairs.ripe
    if "by_challenger" not in rows.column_names or rows.num_rows == 0:
        return None
    labelled = rows["observed_at"].is_valid().to_numpy()
    first = np.unique(rows["unit"].combine_chunks().dictionary_encode().indices.to_numpy(), return_index=True)[1]
    groupings = list(_groupings(contract, rows))
    for what, groups in groupings:
        found = _difference(groups[first], labelled[first], alpha / len(groupings))
        if found is not None:
            low, high = found
            return f"labels came for {percent(low)} of some {what} and {percent(high)} of others of the same age"
    return None


def _groupings(contract: Contract, rows: pa.Table) -> Iterator[tuple[str, NDArray[np.int64]]]:
    by_challenger = rows["by_challenger"].to_numpy().astype(np.bool_)
    yield "versions' answers", by_challenger.astype(np.int64)
    answers = [_answers(contract, rows, side) for side in ("champion", "challenger")]
    if answers[0] is not None and answers[1] is not None:
        yield "answers", _grouped(np.where(by_challenger, answers[1], answers[0]))


def _answers(contract: Contract, rows: pa.Table, side: str) -> NDArray[np.float64] | None:
    """What each row was told, as a number: of two classes the last one's probability, of others the class."""
    names = rows.column_names
    if len(contract.classes) == 2 and f"{side}.probabilities" in names:
        return matrix(rows[f"{side}.probabilities"], 2)[:, 1]
    if contract.is_classifier and f"{side}.label" in names:
        return class_indices(contract, rows[f"{side}.label"].cast(pa.string())).astype(np.float64)
    if f"{side}.prediction" in names:
        return np.asarray(rows[f"{side}.prediction"].to_numpy(), dtype=np.float64)
    return None


def _grouped(answers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of each answer's group: classes as they are, of numbers those near each other. -1 for none."""
    known = np.isfinite(answers)
    if not known.any():
        return np.full(len(answers), -1)
    edges = np.unique(np.quantile(answers[known], np.arange(1, _GROUPS) / _GROUPS))
    return np.where(known, np.searchsorted(edges, answers, side="right"), -1)


def _difference(groups: NDArray[np.int64], labelled: NDArray[np.bool_], alpha: float) -> tuple[float, float] | None:
    """The least and the most covered group, if they surely differ by more than is tolerated."""
    numbers = np.unique(groups[groups >= 0]).tolist()
    shares = [
        failure_rate.analyze(int(labelled[mine].sum()), int(mine.sum()), alpha=alpha / len(numbers))
        for mine in (groups == number for number in numbers)
    ]
    if len(shares) < 2:
        return None
    low, high = min(shares, key=lambda each: each.upper), max(shares, key=lambda each: each.lower)
    return (low.rate, high.rate) if high.lower - low.upper > TOLERATED else None
