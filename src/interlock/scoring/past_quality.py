"""Quality of two versions on the same labelled rows of the past, paired, with an interval. Called by replays.

Losses are summed up by unit at the end, out of a file: units may be as many as rows, and memory is not. Rows of one
time share causes, so sums by blocks of time widen the interval where they vary more than units would.
"""

from math import isfinite
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.replay import Quality
from interlock.predictions.answer_losses import LOSS_NAMES, RowLosses, class_indices, loss_of
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import text
from interlock.scoring.answered import Answered
from interlock.scoring.past_rows import Extent
from interlock.stats import losses, paired_loss, time_blocks
from interlock.stats.paired_loss import PairedLosses, PairedLossResult

ALPHA = 0.05
_SCHEMA = pa.schema([("unit", pa.uint64()), ("champion", pa.float64()), ("challenger", pa.float64())])

# Labels of so much fewer of the newest rows say that many are still to come.
_LATE = 0.8
_PARTS = 10

_SUMS = """
    SELECT count(*) AS units, sum(n)::BIGINT AS rows, count(*) FILTER (d <> 0) AS differing, sum(d) AS difference,
        sum(c) AS champion, sum(d * d) AS dd, sum(d * c) AS dc, sum(d * n) AS dn, sum(c * c) AS cc, sum(c * n) AS cn,
        sum(n * n)::DOUBLE AS nn
    FROM (
        SELECT sum(challenger - champion) AS d, sum(champion) AS c, count(*) AS n
        FROM read_parquet({file}) GROUP BY unit)"""

RowPair = tuple[NDArray[np.float64], NDArray[np.float64]]
Verdict = Literal["better", "worse", "not_sure", "not_enough_data"]


class QualityTally:
    """Losses of rows that both versions answered.

    Args:
        contract: The champion's.
        extent: Of all rows.
        scratch: A folder for the losses.
    """

    def __init__(self, contract: Contract, extent: Extent, scratch: Path) -> None:
        self._contract, self._loss, self._extent = contract, loss_of(contract), extent
        self._file = scratch / "losses.parquet"
        self._writer: pq.ParquetWriter | None = None
        blocks = time_blocks.count(extent.span_us / 1e6)
        self._blocks = np.zeros((3, blocks))
        self._seen = 0
        self._compared, self._labelled = np.zeros(_PARTS, dtype=np.int64), np.zeros(_PARTS, dtype=np.int64)

    def add(self, rows: pa.Table, champion: Answered, candidate: Answered) -> RowPair:
        """Add rows that both answered, with `unit`, `event_us`, `label` and `label_number`.

        Returns:
            The loss of each row for champion and candidate; nan without a label.
        """
        found = np.full(rows.num_rows, np.nan), np.full(rows.num_rows, np.nan)
        times = rows["event_us"].to_numpy()
        parts = self._part(times, _PARTS)
        self._compared += np.bincount(parts, minlength=_PARTS)
        lost = _row_losses(self._loss, self._contract, rows, champion, candidate)
        if (usable := lost.usable).any():
            found[0][usable], found[1][usable] = lost.champion, lost.challenger
            self._labelled += np.bincount(parts[usable], minlength=_PARTS)
            self._keep(rows.filter(pa.array(usable)), lost, self._block(times)[usable])
        self._seen += rows.num_rows
        return found

    def result(self, tables: LogTables) -> Quality | None:
        """What it comes to; None where no row has a label."""
        if self._writer is None or self._loss is None:
            return None
        self._writer.close()
        sums = tables.query(_SUMS.format(file=text(str(self._file)))).to_pylist()[0]
        used = self._blocks[:, self._blocks[2] > 0]
        blocks = PairedLosses.from_units(used[0], used[1], used[2])
        # Identical answers of so few units are no proof of the same model unless they are probabilities.
        result = paired_loss.analyze(
            PairedLosses(**sums), alpha=ALPHA, harm_ratio=0.0, margin_ratio=0.0,
            trust_identical=self._loss != "zero_one", blocks=blocks,
        )  # fmt: skip
        return self._spelt(result)

    @property
    def is_late(self) -> bool:
        """Whether labels of the newest rows are still to come."""
        return bool(self._labelled.any()) and self._newest_coverage < _LATE * self._coverage

    @property
    def _coverage(self) -> float:
        return float(self._labelled.sum() / max(1, self._compared.sum()))

    @property
    def _newest_coverage(self) -> float:
        newest = np.flatnonzero(self._compared)[-1]
        return float(self._labelled[newest] / self._compared[newest])

    def _keep(self, rows: pa.Table, lost: RowLosses, blocks: NDArray[np.int64]) -> None:
        size = self._blocks.shape[1]
        weights = (lost.challenger - lost.champion, lost.champion, np.ones(rows.num_rows))
        self._blocks += [np.bincount(blocks, weights=weight, minlength=size) for weight in weights]
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, _SCHEMA, compression="NONE", use_dictionary=False)
        columns = [rows["unit"].combine_chunks(), pa.array(lost.champion), pa.array(lost.challenger)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA))

    def _part(self, times: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
        """Which of equal parts of the time each row lies in."""
        share = (times - self._extent.first_us) * parts // max(1, self._extent.span_us)
        return np.clip(share, 0, parts - 1)

    def _block(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """As `time_blocks.numbers`: within an hour rows are cut by their number, as a burst is how callers send."""
        blocks = self._blocks.shape[1]
        if self._extent.span_us / 1e6 >= time_blocks.BURST_SECONDS:
            return self._part(times, blocks)
        number = np.arange(self._seen, self._seen + len(times))
        return np.minimum(number * blocks // max(1, self._extent.rows), blocks - 1)

    def _spelt(self, result: PairedLossResult) -> Quality:
        assert self._loss is not None
        sure = isfinite(result.lower) and isfinite(result.upper)
        verdict: Verdict = _verdict(result) if sure else "not_enough_data"
        return Quality(
            loss=self._loss,
            rows=result.rows,
            units=result.units,
            champion_loss=_finite(result.champion_loss),
            candidate_loss=_finite(result.challenger_loss),
            difference=_finite(result.estimate),
            lower=_finite(result.lower),
            upper=_finite(result.upper),
            alpha=ALPHA,
            coverage=self._coverage,
            newest_coverage=self._newest_coverage,
            verdict=verdict,
            reason=self._sentence(result, verdict),
        )

    def _sentence(self, result: PairedLossResult, verdict: Verdict) -> str:
        name = LOSS_NAMES.get(self._loss or "", "")
        sides = f"{result.challenger_loss:.4g} against {result.champion_loss:.4g}"
        return f"{name} {sides} on the same {result.rows:,} labelled rows: {_WORDS[verdict]}"


_WORDS = {
    "better": "the candidate is surely better",
    "worse": "the candidate is surely worse",
    "not_sure": "neither is surely better",
    "not_enough_data": "too few units to say which is better",
}


def _verdict(result: PairedLossResult) -> Verdict:
    return "worse" if result.lower > 0 else "better" if result.upper < 0 else "not_sure"


def _row_losses(
    loss: str | None, contract: Contract, rows: pa.Table, champion: Answered, candidate: Answered
) -> RowLosses:
    none = np.zeros(0)
    if loss == "absolute_error":
        target = np.asarray(rows["label_number"].to_numpy(), dtype=np.float64)
        usable = np.isfinite(target)
        ours, theirs = (
            losses.absolute_error(target[usable], _given(each.numbers)[usable]) for each in (champion, candidate)
        )
        return RowLosses(ours, theirs, usable)
    if loss is None or rows["label"].null_count == rows.num_rows:
        return RowLosses(none, none, np.zeros(rows.num_rows, dtype=np.bool_))
    happened = class_indices(contract, rows["label"])
    usable = happened >= 0
    if loss == "brier" and champion.probabilities is not None and candidate.probabilities is not None:
        ours, theirs = (
            losses.brier(happened[usable], _given(each.probabilities)[usable]) for each in (champion, candidate)
        )
    else:
        ours, theirs = (
            losses.zero_one(happened[usable], _given(each.classes)[usable]) for each in (champion, candidate)
        )
    return RowLosses(ours, theirs, usable)


def _given(values: NDArray[Any] | None) -> NDArray[Any]:
    if values is None:
        raise ValueError("an answer lacks what its contract has")
    return values


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
