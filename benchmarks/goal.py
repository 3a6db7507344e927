"""A bound that a figure must keep, beside what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.tables import Table


@dataclass(frozen=True)
class Goal:
    """One bound.

    Args:
        what: In words.
        measured: None where it was not measured.
        bound: To reach.
        most: Whether the bound is the most that is allowed; otherwise the least.
        aim: Better still.
    """

    what: str
    measured: float | None
    bound: float
    most: bool = False
    aim: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the bound is kept; None where nothing was measured.

        Examples:
            >>> Goal("a", 5.0, 6.0).reached, Goal("a", 5.0, 6.0, most=True).reached, Goal("a", None, 6.0).reached
            (False, True, None)
        """
        if self.measured is None:
            return None
        return self.measured <= self.bound if self.most else self.measured >= self.bound

    def row(self) -> dict[str, object]:
        """For the table.

        Examples:
            >>> Goal("ratio", 0.25, 0.22, aim=0.3).row()
            {'what': 'ratio', 'measured': 0.25, 'must reach': 'at least 0.22 (aim 0.3)', 'reached': True}
        """
        sign = "at most" if self.most else "at least"
        return {
            "what": self.what,
            "measured": self.measured,
            "must reach": f"{sign} {self.bound:,g}" + (f" (aim {self.aim:g})" if self.aim else ""),
            "reached": "not measured" if self.reached is None else self.reached,
        }


def table(goals: Sequence[Goal]) -> Table:
    """All goals as a table."""
    return Table("goals", "What must be reached", [goal.row() for goal in goals])
