"""What a model that learns row by row gives back: its answers before it learnt, and what became of each row.

Made by the runtimes of such models inside runner processes, read by online learners. A row that cannot be learnt from
costs its neighbours nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from interlock.domain.contract import Scalar
from interlock.domain.ports import Columns

LEARNT = "ok"
"""The model answered, then learnt."""

SILENT = "none"
"""The model had no answer yet, as a tree before its first row; then it learnt."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What became of rows.

    Args:
        outputs: One array an output of the contract: the answer to each row before that row was learnt from. What
            stands where a row is not `LEARNT` means nothing.
        status: `LEARNT`, `SILENT`, or what the model raised: then it has not learnt from the row.
    """

    outputs: dict[str, NDArray[Any]]
    status: list[str]


class LearningPredictor(Protocol):
    """A predictor that can learn."""

    def learn(self, columns: Columns, labels: Sequence[Scalar]) -> Lesson:
        """Answer each row, then learn from it, in order."""

    def save(self, path: Path) -> None:
        """Write it as it is now, as a file or folder that can be loaded again."""
