"""Which labels teach: of each prediction the first one within the bounds, and no more in a minute than are allowed.

Called by online learners with what `online_feed` has read. A label that does not teach is counted by its reason, never
learnt from later, and stays in the ledger as it is. It looks at labels alone, so whoever reads again decides the same.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa

from interlock.domain.contract import Contract, Scalar
from interlock.domain.online import LabelBounds
from interlock.learning import truth
from interlock.learning.online_feed import Batch, SaidLabel

# Clocks of machines differ. What is observed later than it was accepted comes from the future.
_CLOCKS = timedelta(minutes=1)

MOST_HELD = 10_000
"""Labels that wait for their prediction; beyond, the oldest are given up as unmatched."""


class MinuteCount(msgspec.Struct, frozen=True):
    """Labels that taught, of the newest minutes of the clock by their number since 1970."""

    minutes: dict[int, int] = {}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a batch teaches.

    Args:
        rows: Of the batch's rows those that teach, in order, by their place.
        labels: The label of each.
        held: Labels that wait for their prediction.
        skipped: How many labels do not teach, by reason.
        minutes: For the next batch.
    """

    rows: list[int]
    labels: list[Scalar]
    held: list[SaidLabel]
    skipped: Counter[str]
    minutes: MinuteCount


def choose(contract: Contract, bounds: LabelBounds, batch: Batch, minutes: MinuteCount) -> Chosen:
    """Decide for every label of a batch.

    Args:
        contract: Of the model that learns.
        bounds: As declared.
        batch: As read.
        minutes: What taught lately.
    """
    return _Choice(contract, bounds, batch, minutes).made()


def inadmissible(bounds: LabelBounds, said: SaidLabel, value: Scalar | None) -> str:
    """Why a label may never teach, or nothing. It depends on the label alone."""
    if said.source not in bounds.sources:
        return "source"
    if value is None:
        return "unusable"
    if said.observed_at > said.at + _CLOCKS:
        return "future"
    number = said.label_number
    if number is not None and not (
        (bounds.lowest is None or number >= bounds.lowest) and (bounds.highest is None or number <= bounds.highest)
    ):
        return "range"
    return ""


def values_of(contract: Contract, said: Sequence[SaidLabel]) -> list[Scalar | None]:
    """Labels as the model learns them; None for what is none."""
    text = pa.array([each.label_text for each in said], pa.string())
    number = pa.array([each.label_number for each in said], pa.float64())
    found: list[Scalar | None] = truth.values(contract, text, number).to_pylist()
    return found


@dataclass(slots=True)
class _Choice:
    contract: Contract
    bounds: LabelBounds
    batch: Batch
    before: MinuteCount
    skipped: Counter[str] = field(default_factory=Counter)
    taught: dict[str, SaidLabel] = field(default_factory=dict)
    minutes: dict[int, int] = field(default_factory=dict)

    def made(self) -> Chosen:
        batch, self.minutes = self.batch, dict(self.before.minutes)
        values = values_of(self.contract, batch.said)
        places: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for place, (n, id) in enumerate(
            zip(batch.rows["n"].to_pylist(), batch.rows["prediction_id"].to_pylist(), strict=True)
        ):
            places[n].append((place, id))
        rows: list[int] = []
        labels: list[Scalar] = []
        held: list[SaidLabel] = []
        for n, (said, value) in enumerate(zip(batch.said, values, strict=True)):
            if reason := inadmissible(self.bounds, said, value):
                self.skipped[reason] += 1
            elif not places[n]:
                self._hold(n, said, held)
            else:
                assert value is not None
                for place, id in places[n]:
                    if self._teaches(n, said, id):
                        rows.append(place)
                        labels.append(value)
        self._give_up(held)
        newest = max(self.minutes, default=0)
        recent = {minute: count for minute, count in self.minutes.items() if minute > newest - 10}
        return Chosen(rows, labels, held, self.skipped, MinuteCount(recent))

    def _hold(self, n: int, said: SaidLabel, held: list[SaidLabel]) -> None:
        """Let a label wait for its prediction, unless another one does or did."""
        named = str(said.prediction_id)
        is_new = n >= self.batch.held
        if is_new and said.prediction_id is not None and (first := self._first(named, self.batch.earlier)) is not None:
            self._repeated(first, said)
        else:
            held.append(said)

    def _teaches(self, n: int, said: SaidLabel, id: str) -> bool:
        first = self.taught.get(id)
        if first is None and n >= self.batch.held:
            first = self._first(id, self.batch.earlier)
        if first is not None:
            self._repeated(first, said)
            return False
        self.taught[id] = said
        return self._is_within_rate(said.at)

    def _first(self, id: str, earlier: Any) -> SaidLabel | None:
        """What was said first of a prediction, of what may teach."""
        found = earlier.get(id, [])
        if not found:
            return None
        values = values_of(self.contract, found)
        return next(
            (each for each, value in zip(found, values, strict=True) if not inadmissible(self.bounds, each, value)),
            None,
        )

    def _repeated(self, first: SaidLabel, said: SaidLabel) -> None:
        self.skipped["duplicate" if first.label_text == said.label_text else "contradictory"] += 1

    def _is_within_rate(self, at: datetime) -> bool:
        most = self.bounds.most_per_minute
        minute = int(at.timestamp() // 60)
        if most is not None and self.minutes.get(minute, 0) >= most:
            self.skipped["rate"] += 1
            return False
        if most is not None:
            self.minutes[minute] = self.minutes.get(minute, 0) + 1
        return True

    def _give_up(self, held: list[SaidLabel]) -> None:
        if (beyond := len(held) - MOST_HELD) > 0:
            del held[:beyond]
            self.skipped["unmatched"] += beyond
