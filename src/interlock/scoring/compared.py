"""Everything that is summed up over rows that both versions answered: agreement, outputs, quality, slices.

Called by `replaying`, batch by batch.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.replay import ReplayReport, RowsWithReason
from interlock.scoring import bins as binning
from interlock.scoring.agreement import AgreementTally, same
from interlock.scoring.answered import Answered, change
from interlock.scoring.champion_answers import ChampionAnswers
from interlock.scoring.output_change import OutputTally
from interlock.scoring.past_quality import QualityTally
from interlock.scoring.past_rows import Extent, PastRows
from interlock.scoring.replay_plan import ReplayPlan
from interlock.scoring.slices import Measured, SliceTally

_LATE = "fewer of the newest rows have a label than of the others: an earlier --until compares settled labels"


class Compared:
    """Sums over such rows.

    Args:
        plan: What is compared.
        extent: Of all rows.
        scratch: A folder for what does not fit into memory.
    """

    def __init__(self, plan: ReplayPlan, extent: Extent, scratch: Path) -> None:
        self._plan = plan
        self._known = binning.reference_bins(plan.champion)
        contract = plan.champion.contract
        self._agreement = AgreementTally(contract)
        self._outputs = OutputTally(contract, self._known)
        self._quality = QualityTally(contract, extent, scratch)
        inputs = {name: bins for name, bins in self._known.items() if not name.startswith("output.")}
        self._slices = SliceTally(inputs) if inputs else None

    def begin(self, columns: dict[str, NDArray[Any]]) -> None:
        """Learn the bins of the inputs from the first rows, where no reference profile has any."""
        if self._slices is None:
            self._slices = SliceTally(binning.learnt_bins(columns))

    def add(self, rows: pa.Table, champions: ChampionAnswers, outputs: dict[str, NDArray[Any]]) -> None:
        """Add rows of the log that the candidate answered, with its outputs."""
        contract = self._plan.champion.contract
        champion = champions.of(rows)
        candidate = Answered.given(contract, self._plan.candidate.contract, outputs)
        both = champion.there & candidate.there
        if not both.all():
            rows, champion, candidate = rows.filter(pa.array(both)), champion.take(both), candidate.take(both)
        if not rows.num_rows or self._slices is None:
            return
        changes = change(champion, candidate)
        self._agreement.add(champion, candidate, changes)
        self._outputs.add(champion, candidate)
        losses = self._quality.add(rows, champion, candidate)
        nothing = np.full(rows.num_rows, np.nan)
        flip = nothing if champion.classes is None else (~same(champion, candidate)).astype(np.float64)
        scores = tuple(nothing if each.score is None else each.score for each in (champion, candidate))
        self._slices.add(rows, Measured(changes, flip, (scores[0], scores[1]), losses))

    def report(self, past: PastRows) -> ReplayReport:
        """The part of the report that these rows are about."""
        nothing = RowsWithReason()
        return ReplayReport(
            rows=0,
            scored=0,
            failed=nothing,
            refused=nothing,
            withheld=nothing,
            agreement=self._agreement.result(),
            not_compared=self._plan.not_compared,
            outputs=self._outputs.result(),
            quality=self._quality.result(past.tables),
            slices=self._slices.result() if self._slices is not None else (),
            notes=(_LATE,) if self._quality.is_late else (),
        )
