"""How good a classifier is likely to be on rows without labels, chunk by chunk, and whether that can be believed.

Called by `interlock estimate` and `interlock.estimate`. The estimate is NannyML's CBPE; the interval and the trust flag
are ours. An estimate that nothing supports is shown as untrusted, never as fine.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.comparison.estimate_result import Chunk, EstimateResult
from interlock.comparison.levels import level_name
from interlock.comparison.numbers import as_floats
from interlock.comparison.rows import Rows, open_rows
from interlock.comparison.trust import Support, learn_support
from interlock.domain.errors import InvalidInputError
from interlock.stats import cbpe
from interlock.stats.calibration import UNCHANGED, learn
from interlock.stats.calibration_uncertainty import resampled_curves
from interlock.stats.cbpe import METRICS, Metric
from interlock.stats.estimate_trust import FEWEST_LABELS, contradiction

Floats = NDArray[np.float64]

COVERAGE = 0.95
"""Share of chunks whose realized metric lies in the interval, where the estimate is trusted."""

_CURVES = 200
_SEED = 20260101

# NannyML's: a tenth of the rows each, what is left over as one more.
_DEFAULT_CHUNKS = 10


@dataclass(frozen=True)
class _Side:
    """Scores, predictions and labels (nan where unknown) of the rows that have a score, and the chunk of every row."""

    scores: Floats
    predictions: Floats
    labels: Floats
    chunk_of_row: NDArray[np.int64]
    keys: list[str]
    used: NDArray[np.bool_]

    def rows_of(self, number: int) -> NDArray[np.int64]:
        """Rows of one chunk, among those used."""
        return np.flatnonzero(self.chunk_of_row[self.used] == number)


def estimate(
    reference: Any,
    current: Any,
    *,
    label: str,
    score: str,
    prediction: str | None = None,
    metric: str = "roc_auc",
    chunk_rows: int | None = None,
    chunk_by: str | None = None,
) -> EstimateResult:
    """Estimate the quality of a binary classifier on rows whose labels are not known yet.

    Args:
        reference: Rows with labels, scored by the same model: a path, a frame, a table or a mapping of columns.
            Not the rows that it was trained on.
        current: Rows with scores. Where they have the label, the realized quality is shown too, and speaks for or
            against the estimate.
        label: Column of labels: 0 and 1, booleans, or two names, of which the later in order is positive.
        score: Column of scores or probabilities of the positive class.
        prediction: Column of the model's decisions. Default: whether the score is at least 0.5.
        metric: One of roc_auc, accuracy, f1, precision, recall, specificity.
        chunk_rows: Rows of a chunk. Default: a tenth of each side's rows.
        chunk_by: A column whose values name the chunks, in the order in which they appear.

    Raises:
        InvalidInputError: A side cannot be read, a column is not there or does not hold what it must, or an option is
            wrong.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> scores = rng.random(4000)
        >>> before = {"score": scores, "label": (rng.random(4000) < scores).astype(int)}
        >>> result = estimate(before, {"score": rng.random(1000)}, label="label", score="score", chunk_rows=500)
        >>> [(chunk.key, round(chunk.estimate, 2), chunk.trusted) for chunk in result.chunks]
        [('[0:499]', 0.82, True), ('[500:999]', 0.84, True)]
    """
    _check_options(metric, chunk_rows, chunk_by)
    options = _Columns(label, score, prediction, chunk_by, chunk_rows)
    with open_rows(reference, "reference") as before_rows, open_rows(current, "current") as now_rows:
        _check_columns(before_rows, now_rows, options)
        positive = _positive(before_rows, label)
        before = _read(before_rows, "reference", options, positive)
        now = _read(now_rows, "current", options, positive)
        inputs = [name for name in before_rows.types if name in now_rows.types and name not in options.named]
        support = learn_support(before_rows, now_rows, inputs, before.scores, now.chunk_of_row)
    return _estimate(cast(Metric, metric), before, now, support)


@dataclass(frozen=True)
class _Columns:
    """What the columns are called, and how rows are cut into chunks."""

    label: str
    score: str
    prediction: str | None
    chunk_by: str | None
    chunk_rows: int | None

    @property
    def named(self) -> set[str | None]:
        return {self.label, self.score, self.prediction, self.chunk_by}


def _estimate(metric: Metric, before: _Side, now: _Side, support: Support) -> EstimateResult:
    try:
        calibration = learn(before.scores, before.labels)
    except ValueError as error:
        raise InvalidInputError(f"the reference has {error}") from error
    rng = np.random.default_rng(_SEED)
    curves = resampled_curves(calibration, before.scores, before.labels, curves=_CURVES, rng=rng)
    low, high = _thresholds(metric, before)
    chunks: list[Chunk] = []
    doubt_before = ""
    for number, key in enumerate(now.keys):
        rows = now.rows_of(number)
        scores, predictions, labels = now.scores[rows], now.predictions[rows], now.labels[rows]
        chances = calibration.apply(scores)
        estimated = cbpe.estimate(metric, chances, scores, predictions)
        bounds = cbpe.interval(
            metric, curves, scores, predictions, around=estimated, coverage=COVERAGE, rng=rng
        )  # fmt: skip
        known = np.isfinite(labels)
        against = contradiction(labels[known], chances[known], len(before.scores))
        if np.count_nonzero(known) >= FEWEST_LABELS:
            # What labels said last holds until labels say otherwise.
            doubt_before = f"in {key}, {against}" if against else ""
        reason = "no rows" if len(rows) == 0 else support.doubt(number, scores) or against or doubt_before
        chunks.append(
            Chunk(
                key=key,
                rows=len(rows),
                estimate=_known(estimated),
                lower=bounds.lower,
                upper=bounds.upper,
                trusted=not reason and bool(np.isfinite(estimated)),
                reason=reason,
                alert=bool((low is not None and estimated < low) or (high is not None and estimated > high)),
                realized=_known(cbpe.realized(metric, labels[known], scores[known], predictions[known])),
            )
        )
    return EstimateResult(metric, {"lower": low, "upper": high}, calibration is not UNCHANGED, tuple(chunks))


def _thresholds(metric: Metric, before: _Side) -> tuple[float | None, float | None]:
    """Three standard deviations around what chunks of the reference realized, within [0, 1]."""
    values = []
    for number in range(len(before.keys)):
        rows = before.rows_of(number)
        values.append(cbpe.realized(metric, before.labels[rows], before.scores[rows], before.predictions[rows]))
    found = np.array(values)[np.isfinite(values)]
    if len(found) == 0:
        return None, None
    mean, away = float(found.mean()), 3 * float(found.std())
    return max(0.0, mean - away), min(1.0, mean + away)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _read(rows: Rows, side: str, options: _Columns, positive: Any) -> _Side:
    """Columns of one side. Rows without a score are left out, in the reference also those without a label."""
    scores = _floats(rows, options.score, f"{options.score!r} in {side}")
    labels = _coded(rows, options.label, positive) if options.label in rows.types else np.full(rows.rows, np.nan)
    predictions = (scores >= 0.5).astype(np.float64)
    if options.prediction is not None:
        predictions = _coded(rows, options.prediction, positive)
    used = np.isfinite(scores) & np.isfinite(predictions)
    if side == "reference":
        used &= np.isfinite(labels)
    if not used.any():
        raise InvalidInputError(f"{side} has no row with a score" + (" and a label" if side == "reference" else ""))
    chunk_of_row, keys = _cut(rows, options, used)
    return _Side(scores[used], predictions[used], labels[used], chunk_of_row, keys, used)


def _cut(rows: Rows, options: _Columns, used: NDArray[np.bool_]) -> tuple[NDArray[np.int64], list[str]]:
    """The chunk of every row, and what the chunks are called."""
    if options.chunk_by is not None and options.chunk_by in rows.types:
        return _cut_by(rows, options.chunk_by)
    total = int(used.sum())
    size = options.chunk_rows or max(1, total // _DEFAULT_CHUNKS)
    chunk_of_row = np.full(rows.rows, -1, dtype=np.int64)
    chunk_of_row[used] = np.arange(total) // size
    return chunk_of_row, [f"[{start}:{min(start + size, total) - 1}]" for start in range(0, total, size)]


def _cut_by(rows: Rows, name: str) -> tuple[NDArray[np.int64], list[str]]:
    numbers: dict[str, int] = {}
    places = []
    for chunk in rows.chunks(name):
        encoded = chunk if pa.types.is_dictionary(chunk.type) else pc.dictionary_encode(chunk)
        named = ["missing" if value is None else level_name(value) for value in encoded.dictionary.to_pylist()]
        indices = pc.fill_null(encoded.indices, len(named)).to_numpy(zero_copy_only=False)
        present, first = np.unique(indices, return_index=True)
        table = np.zeros(len(named) + 1, dtype=np.int64)
        for index in present[np.argsort(first)].tolist():
            table[index] = numbers.setdefault([*named, "missing"][index], len(numbers))
        places.append(table[indices])
    return np.concatenate(places), list(numbers)


def _floats(rows: Rows, name: str, what: str) -> Floats:
    kind = rows.types[name]
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise InvalidInputError(f"column {what} has type {kind}, must be numbers")
    return np.concatenate([np.empty(0), *map(as_floats, rows.chunks(name))])


def _positive(rows: Rows, label: str) -> str:
    """The name of the positive class: the later of two."""
    found: set[str] = set()
    for chunk in rows.chunks(label):
        plain = chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk
        found.update(level_name(value) for value in pc.unique(plain).drop_null().to_pylist() if value == value)  # noqa: PLR0124
        if len(found) > 2:
            raise InvalidInputError(
                f"label {label!r} has more than two classes ({', '.join(sorted(found)[:5])}), must be binary; "
                "compare one class against all others"
            )
    if len(found) < 2:
        raise InvalidInputError(f"label {label!r} has {len(found)} classes in the reference, must have two")
    return sorted(found)[1]


def _coded(rows: Rows, name: str, positive: str) -> Floats:
    """1 where a column names the positive class, 0 elsewhere, nan where it is missing."""
    parts = [np.empty(0)]
    for chunk in rows.chunks(name):
        encoded = chunk if pa.types.is_dictionary(chunk.type) else pc.dictionary_encode(chunk)
        values = encoded.dictionary.to_pylist()
        codes = [float("nan") if value != value else float(level_name(value) == positive) for value in values]  # noqa: PLR0124
        indices = pc.fill_null(encoded.indices, len(codes)).to_numpy(zero_copy_only=False)
        parts.append(np.array([*codes, float("nan")])[indices])
    return np.concatenate(parts)


def _check_options(metric: str, chunk_rows: int | None, chunk_by: str | None) -> None:
    faults = []
    if metric not in METRICS:
        faults.append(f"metric == {metric!r}, must be one of {', '.join(METRICS)}")
    if chunk_rows is not None and chunk_by is not None:
        faults.append("chunk_rows and chunk_by cannot both be; rows are cut by one of them")
    if chunk_rows is not None and chunk_rows < 1:
        faults.append(f"chunk_rows == {chunk_rows}, must be at least 1")
    if faults:
        raise InvalidInputError(*faults)


def _check_columns(before: Rows, now: Rows, options: _Columns) -> None:
    both = [name for name in (options.score, options.prediction) if name is not None]
    wanted = [("reference", before, [options.label, *both])]
    wanted.append(("current", now, [*both, *([options.chunk_by] if options.chunk_by else [])]))
    faults = [
        f"column {name!r} is not in {side}; there is: {', '.join(list(rows.types)[:20])}"
        for side, rows, names in wanted
        for name in names
        if name not in rows.types
    ]
    if faults:
        raise InvalidInputError(*faults)
