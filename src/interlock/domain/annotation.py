"""Annotation: rows that were drawn for people to label, with the chance each had, and what people said of them."""

from datetime import datetime
from typing import Any, Literal

import msgspec

Reason = Literal["uncertain", "disagreement", "drift", "chosen", "random"]
REASONS: tuple[Reason, ...] = ("uncertain", "disagreement", "drift", "chosen", "random")
"""Why a row was wanted, the most of all; `random`: no reason at all, so that every row can come."""

Rule = Literal["majority", "unanimous"]
RULES: tuple[Rule, ...] = ("majority", "unanimous")
"""How several answers become one label. Of numbers it is the median, by either."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One row that is to be labelled.

    Args:
        prediction_id: Which.
        export: The draw it belongs to.
        chance: That it was drawn, over 0, at most 1.
        reason: What made the largest part of that chance.
    """

    prediction_id: str
    export: int
    chance: float
    reason: Reason

    @property
    def weight(self) -> float:
        """How many rows it stands for."""
        return 1 / self.chance


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """One draw.

    Args:
        id: 1, 2, 3, ... of all endpoints; 0 before it is stored.
        since, until: Range of `event_at` that was drawn from, the end excluded; None from the first row.
        rows: How many rows without a label there were to draw from.
        drawn: How many were drawn.
        random_share: Part of every row's chance that is the same for all.
        seed: Of the draw: the same log and seed give the same rows.
        evidence: By reason, rows for which it spoke at all.
        chosen: What a person wanted most, in words; empty for a draw by the usual criteria.
    """

    endpoint: str
    since: datetime | None
    until: datetime
    created_at: datetime
    created_by: str
    rows: int
    drawn: int
    random_share: float
    seed: int
    evidence: dict[Reason, int] = {}
    chosen: str = ""
    id: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one annotator said of one row: a class of the contract, or a number. Saying it again replaces it."""

    prediction_id: str
    annotator: str
    label: Any
    at: datetime
