"""Draws the rows that people are asked to label, and remembers the chance each had.

Called by `annotations`. A row's chance has one part that is the same for all, and one for each criterion that says
anything, in proportion to what it says. So rows that teach more come more often, every row can come, and what is known
of quality from labels weighted by 1 / chance is unbiased.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.annotation import REASONS, Reason
from interlock.domain.model import ModelVersion
from interlock.predictions.unlabelled import CHOSEN
from interlock.review import criteria
from interlock.stats import unequal_sampling

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Draw:
    """Rows that were drawn.

    Args:
        rows: Their numbers, ascending.
        chances: That each was drawn, shape (rows,), over 0, at most 1.
        reasons: What made the largest part of each chance.
        evidence: By reason, rows among all for which it spoke.
    """

    rows: NDArray[np.int64]
    chances: Floats
    reasons: tuple[Reason, ...]
    evidence: dict[Reason, int]


def judge(rows: pa.Table, versions: Mapping[str, ModelVersion]) -> dict[Reason, Floats]:
    """What each criterion says of each row. Rows of versions that are not known are wanted by none.

    Where a person has chosen, nothing else is wanted.

    Args:
        rows: As of `Unlabelled.rows`.
        versions: Those that answered, `name:version`.
    """
    if CHOSEN in rows.column_names:
        return {"chosen": rows[CHOSEN].to_numpy().astype(np.float64)}
    found: dict[Reason, Floats] = {
        each: np.zeros(rows.num_rows) for each in REASONS if each not in ("random", "chosen")
    }
    for ref, version in versions.items():
        mine = pc.equal(rows["version"], ref)
        where, some = np.flatnonzero(mine.to_numpy()), rows.filter(mine)
        found["uncertain"][where] = criteria.uncertainty(version.contract, some)
        found["disagreement"][where] = criteria.disagreement(version.contract, some)
        found["drift"][where] = criteria.drift(version, some)
    return found


def draw(judged: Mapping[Reason, Floats], budget: int, random_share: float, rng: np.random.Generator) -> Draw:
    """Draw so many rows.

    Args:
        judged: As of `judge`; at least one row.
        budget: How many are wanted; of fewer rows all are drawn.
        random_share: The part of every chance that is the same for all, over 0, at most 1.
        rng: Where the chance comes from.
    """
    rows = len(next(iter(judged.values())))
    speaking = {reason: says for reason, says in judged.items() if says.any()}
    share = (1 - random_share) / len(speaking) if speaking else 0.0
    parts: dict[Reason, Floats] = {reason: share * says / says.sum() for reason, says in speaking.items()}
    parts["random"] = np.full(rows, (random_share if speaking else 1.0) / rows)
    chances = unequal_sampling.probabilities(np.sum(list(parts.values()), axis=0), min(budget, rows))
    drawn = unequal_sampling.draw(chances, rng)
    names, largest = list(parts), np.argmax([each[drawn] for each in parts.values()], axis=0)
    evidence = {reason: int((says > 0).sum()) for reason, says in speaking.items()}
    return Draw(drawn, chances[drawn], tuple(names[number] for number in largest), evidence)
