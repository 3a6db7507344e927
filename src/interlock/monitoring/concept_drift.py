"""Concept drift: online detectors on the stream of a version's errors, as labels tell them. Off unless declared.

Called by the monitoring loop, by its revisions and by the report, beside quality. A detector begins anew for each
window, some weeks before it, and reads the errors in the order of their events: a verdict is a function of the log
alone, the same after a restart, and a late label revises it as it revises quality. An alarm counts for the window in
which it falls, and only where the errors rose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.endpoint import Detector
from interlock.domain.errors import InvalidInputError
from interlock.domain.model import ModelVersion
from interlock.domain.verdict import Check, CheckOutcome
from interlock.monitoring import detectors
from interlock.monitoring.labelled import by_version, classified, counting, measured
from interlock.predictions.reader import LogReader

COLUMNS = ("prediction_id", "version", "event_at", "label", "label_number", "weight")
"""What is read of labelled rows; with ids, the order is one also among events of one instant."""

FEWEST_LABELS = 50
"""Fewer in the window say nothing."""

_DAY = timedelta(days=1)
_DAY_US = 86_400_000_000
_LOOK_BACK_DAYS = 28
_ENOUGH = 20_000
# Of the newest errors: whether they are more or larger than those before.
_NEWEST = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ErrorStream:
    """Errors of one version in the order of their events.

    Args:
        errors: 0 and 1 for a classifier; for a regression how far off, in means of the first ones. Shape (n,).
        at_us: When each happened, microseconds since 1970. Shape (n,).
    """

    errors: NDArray[np.float64]
    at_us: NDArray[np.int64]

    def thinned(self, most: int) -> "ErrorStream":
        """Every second, third, ... error, so that there are no more than `most`; the newest stays."""
        step = -(-len(self.errors) // most) if len(self.errors) else 1
        return ErrorStream(self.errors[::-1][::step][::-1], self.at_us[::-1][::step][::-1])


class ConceptDrift:
    """Judges windows.

    Args:
        reader: The log.
    """

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    def checks(
        self,
        endpoint: str,
        wanted: Sequence[Detector],
        versions: Mapping[str, ModelVersion],
        start: datetime,
        end: datetime,
    ) -> list[Check]:
        """What each detector says of each version.

        Args:
            endpoint: Whose errors.
            wanted: Detectors; none is nothing to do.
            versions: Those that answered in the window.
            start, end: The window, the end excluded.
        """
        if not wanted or not versions:
            return []
        rows = by_version(self._read(endpoint, start, end))
        found = []
        for ref, version in versions.items():
            stream = stream_of(version.contract, rows[ref]) if ref in rows else _NO_ERRORS
            found += [_check(ref, version.contract, name, stream, start, end) for name in wanted]
        return found

    def _read(self, endpoint: str, start: datetime, end: datetime) -> pa.Table:
        """The window, and days before it until there is enough."""
        parts = [self._reader.labelled(endpoint, since=start, until=end, columns=COLUMNS)]
        for ago in range(1, _LOOK_BACK_DAYS + 1):
            before = start - ago * _DAY
            parts.append(self._reader.labelled(endpoint, since=before, until=before + _DAY, columns=COLUMNS))
            if parts[-1].num_rows and sum(part.num_rows for part in parts) >= _ENOUGH:
                break
        return pa.concat_tables(parts[::-1], promote_options="permissive")


def stream_of(contract: Contract, rows: pa.Table) -> ErrorStream:
    """Errors of rows that one version answered, in the order of their events."""
    rows = counting(rows).sort_by([("event_at", "ascending"), ("prediction_id", "ascending")])
    at_us = np.asarray(rows["event_at"].cast(pa.int64()).to_numpy(), dtype=np.int64)
    if contract.task == "regression":
        off = measured(rows)
        errors = np.abs(off.actual - off.predicted)
        return ErrorStream(_scaled(errors), at_us[off.usable])
    if not contract.is_classifier:
        return _NO_ERRORS
    seen = classified(contract, rows)
    return ErrorStream((seen.actual != seen.predicted).astype(np.float64), at_us[seen.usable])


def _scaled(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """In means of the first ones: what detectors take for large must not depend on the unit."""
    first = errors[: max(FEWEST_LABELS, len(errors) // 4)]
    usual = float(first.mean()) if len(first) else 0.0
    return errors / usual if usual > 0 else errors


def alarms(name: Detector, errors: NDArray[np.float64], *, seed: int = 0) -> list[int]:
    """Where a detector alarms because the errors rose.

    Args:
        name: Which.
        errors: In order, shape (n,).
        seed: Of detectors that draw at random.

    Returns:
        Indexes, ascending. `dummy` does not look, so all of its alarms count.

    Raises:
        InvalidInputError: River is not installed.

    Examples:
        >>> errors = np.concatenate([np.tile([0.0, 0.0, 0.0, 0.0, 1.0], 200), np.tile([0.0, 1.0], 200)])
        >>> [1000 < at < 1200 for at in alarms("adwin", errors)[:1]]
        [True]
    """
    detector, found, began = detectors.make(name, seed), [], 0
    for at, error in enumerate(errors.tolist()):
        detector.update(error)
        if not detector.drift_detected:
            continue
        if name == "dummy" or _rose(errors[began : at + 1]):
            found.append(at)
        began = at + 1
    return found


def _rose(errors: NDArray[np.float64]) -> bool:
    newest, before = errors[-_NEWEST:], errors[:-_NEWEST]
    return len(before) == 0 or float(newest.mean()) > float(before.mean())


def _check(ref: str, contract: Contract, name: Detector, stream: ErrorStream, start: datetime, end: datetime) -> Check:
    first, last = _microseconds(start), _microseconds(end)
    labels = int(((stream.at_us >= first) & (stream.at_us < last)).sum())
    told = {"version": ref, "name": name, "rows": labels}
    if contract.task == "regression" and name in detectors.NEEDS_MISTAKES:
        return _said(told, "no_data", None, f"{name} is for classes: it counts mistakes")
    if labels < FEWEST_LABELS:
        return _said(told, "no_data", None, f"{labels} labels in the window; {FEWEST_LABELS} are needed")
    used = stream.thinned(detectors.MOST_ERRORS[name])
    try:
        found = [int(used.at_us[at]) for at in alarms(name, used.errors, seed=first // _DAY_US)]
    except InvalidInputError as error:
        return _said(told, "error", None, str(error))
    inside = [at for at in found if first <= at < last]
    reason = f"{name} saw the errors rise {len(inside)} time(s)" if inside else f"{name} saw no rise of the errors"
    more = {"alarms_at": [_time(at).isoformat() for at in inside], "errors": len(used.errors), "since": _since(used)}
    return _said(told, "breach" if inside else "ok", float(len(inside)), reason, more)


def _said(
    told: Mapping[str, Any], outcome: CheckOutcome, value: float | None, reason: str, more: Mapping[str, Any] = {}
) -> Check:
    return Check(
        name=f"concept.{told['name']}", signal="concept", version=told["version"], outcome=outcome, value=value,
        expected="no alarm", rows=told["rows"], details={"reason": reason, **more},
    )  # fmt: skip


def _since(stream: ErrorStream) -> str:
    return _time(int(stream.at_us[0])).isoformat()


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


_NO_ERRORS = ErrorStream(np.zeros(0), np.zeros(0, dtype=np.int64))
