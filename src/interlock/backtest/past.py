"""A release in the past, request by request: who would have been assigned, and what the gates would have seen by when.

Units are assigned by the product's own hash, evidence has the columns that the log's reader gives, and it is as late as
it is in a running product: what was answered stands in the log some seconds later, a label when it came.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.backtest.candidate import Answers
from interlock.domain.evidence import StepCounts
from interlock.domain.release import Release
from interlock.domain.traffic import position
from interlock.predictions.log_schema import field_name
from interlock.stats import log_histogram

# From an answer to its scores by the other version: two commits and a look.
_LATE_US = 30_000_000
_LABEL = ("label", "label_number", "observed_at")


@dataclass(slots=True)
class _Side:
    """Units of one side in one step."""

    met: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    latency: NDArray[np.int64] = field(default_factory=lambda: np.zeros(log_histogram.SIZE, dtype=np.int64))


class Past:
    """The rows, and a place among them.

    Args:
        answers: Rows in the order of their answers, with what the candidate says to them.
        failure_rate: Of any version, also the champion: requests that failed are not in the log.
        rng: Draws those failures.
        slices: Inputs by which gates ask.
    """

    def __init__(
        self, answers: Answers, failure_rate: float, rng: np.random.Generator, slices: Sequence[str] = ()
    ) -> None:
        rows = answers.rows
        self._answers = answers
        self._units, names = _codes(rows["unit"])
        self._names = names
        self._at = _microseconds(rows["at"])
        self._failing = answers.status != "ok"
        request, known = _codes(rows["request_id"])
        self._fails_anyway = (rng.random(len(known)) < failure_rate)[request]
        self._request = request
        self._latency = log_histogram.indices(rows["latency_us"].fill_null(0).to_numpy())
        self._labelled_at = _microseconds(rows["labelled_at"])
        self._paired = _paired(answers, slices)
        self._sides: dict[tuple[int, bool], _Side] = {}
        self._positions = np.zeros(0)
        self._upto = 0
        self._given = np.zeros(rows.num_rows, dtype=np.bool_)

    def begin(self, salt: str) -> None:
        """Give every unit its place."""
        self._positions = np.array([position(salt, str(name)) for name in self._names])

    def looks(self) -> Iterator[int]:
        """Rows after which to look: as often as a fiftieth more have come."""
        rows, upto = len(self._at), 0
        while upto < rows:
            upto = min(rows, upto + max(20, upto // 50))
            yield upto

    def go(self, upto: int, release: Release) -> None:
        """Let callers send the rows up to a number, under the release as it is."""
        window = slice(self._upto, upto)
        units = self._units[window]
        is_candidate = self._positions[units] < release.traffic_share
        self._given[window] = is_candidate
        for side, own in ((False, ~is_candidate), (True, is_candidate)):
            failed = self._fails_anyway[window] | (self._failing[window] if side else False)
            self._meet(self._side(release.step, side), units[own], failed[own], self._latency[window][own])
        self._upto = upto

    def now(self) -> datetime:
        """When the last row was answered."""
        return datetime.fromtimestamp(self._at[self._upto - 1] / 1e6, UTC)

    def hours(self) -> float:
        return float(self._at[self._upto - 1] - self._at[0]) / 3.6e9

    def counts(self, release: Release) -> tuple[StepCounts, ...]:
        """What the collector would have counted."""
        return tuple(
            StepCounts(
                release_id=release.id,
                step=step,
                is_challenger=side,
                units=int(found.met.sum()),
                failed_units=int(found.failed.sum()),
                latency_counts=tuple(found.latency.tolist()),
            )
            for (step, side), found in sorted(self._sides.items())
        )

    def paired(self) -> pa.Table:
        """Rows that both versions would have scored by now, with the labels that had come."""
        now = self._at[self._upto - 1]
        rows = self._paired.slice(0, int(np.searchsorted(self._at[: self._upto], now - _LATE_US, side="right")))
        known = pa.array(self._labelled_at[: rows.num_rows] <= now)
        for name in _LABEL:
            masked = pc.if_else(known, rows[name], pa.scalar(None, rows.schema.field(name).type))
            rows = rows.set_column(rows.column_names.index(name), name, masked)
        return rows

    def has_labels(self) -> bool:
        """Whether any label had come by now."""
        return bool((self._labelled_at <= self._at[self._upto - 1]).any())

    def requests(self, *, of_candidate: bool = False) -> int:
        """How many came until now."""
        some = self._request[: self._upto]
        return len(np.unique(some[self._given[: self._upto]] if of_candidate else some))

    def harmed(self) -> int:
        """Units that the candidate was given, and failed or answered otherwise than the champion."""
        bad = self._given[: self._upto] & (self._failing | self._answers.differs)[: self._upto]
        return len(np.unique(self._units[: self._upto][bad]))

    def _side(self, step: int, is_challenger: bool) -> _Side:
        size = len(self._names)
        new = _Side(np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_))
        return self._sides.setdefault((step, is_challenger), new)

    def _meet(
        self, side: _Side, units: NDArray[np.int64], failed: NDArray[np.bool_], latency: NDArray[np.int64]
    ) -> None:
        first = np.unique(units, return_index=True)[1]
        fresh = first[~side.met[units[first]]]
        side.met[units] = True
        side.failed[units[failed]] = True
        side.latency += np.bincount(latency[fresh], minlength=log_histogram.SIZE)


def _paired(answers: Answers, slices: Sequence[str]) -> pa.Table:
    """The columns of `LogReader.paired`."""
    rows = answers.rows
    held = {field_name(field): field.name for field in rows.schema}
    columns = {name: rows[name] for name in ("prediction_id", "unit", "event_at")}
    columns["step"] = pa.chunked_array([pa.nulls(rows.num_rows, pa.int32())])
    columns |= {f"champion.{name[7:]}": rows[name] for name in rows.column_names if name.startswith("output.")}
    columns |= {f"challenger.{name[7:]}": answers.outputs[name] for name in answers.outputs.column_names}
    columns |= {f"slice.{name}": rows[held[f"input.{name}"]] for name in slices if f"input.{name}" in held}
    columns["champion_status"] = pa.chunked_array([pa.repeat(pa.scalar("ok"), rows.num_rows)])
    columns["challenger_status"] = pa.chunked_array([pa.array(answers.status.tolist(), pa.string())])
    return pa.table({**columns, **{name: rows[name] for name in _LABEL}})


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[object]]:
    found = column.fill_null("").combine_chunks().dictionary_encode()
    return found.indices.to_numpy().astype(np.int64), found.dictionary.to_pylist()


def _microseconds(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """Since 1970; the end of time where there is none."""
    numbers = pc.cast(pc.cast(times, pa.timestamp("us", tz="UTC")), pa.int64())
    return np.asarray(pc.fill_null(numbers, np.iinfo(np.int64).max).to_numpy(), dtype=np.int64)
