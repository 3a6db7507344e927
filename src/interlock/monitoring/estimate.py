"""Quality of a classifier before its labels come: what its scores say of themselves, and whether that can be believed.

Called by the report and by the monitoring loop, for a sample of a window's rows. What a score means was learnt from the
labelled reference that came with the version. An estimate that nothing supports is shown, is no verdict, and is never
called fine: its inputs may have left the reference, or labels that have come may speak against it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri

from interlock.domain.contract import Contract
from interlock.domain.model import ModelVersion
from interlock.domain.verdict import Check, CheckOutcome
from interlock.monitoring.labelled import classified, scored
from interlock.monitoring.quality import SHOWN, TOLERATED_FALL
from interlock.monitoring.windows import Reference
from interlock.predictions.profiling import features
from interlock.stats import cbpe
from interlock.stats.calibration import Calibration, learn
from interlock.stats.calibration_uncertainty import resampled_curves
from interlock.stats.cbpe import Interval, Metric
from interlock.stats.estimate_trust import ScoreSupport, contradiction, too_many
from interlock.stats.labelled_scores import LabelledScores

METRICS: Mapping[str, tuple[Metric, ...]] = {"binary": ("roc_auc", "accuracy"), "multiclass": ("accuracy",)}
"""What is estimated by the task of the model. Of more than two classes, the scores are those of the class answered."""

FEWEST_ROWS = 200
"""Of fewer rows chance decides."""

MOST_ROWS = 10_000
"""Rows of a window that are looked at."""

LABELS_OF = timedelta(days=7)
"""Labels of so long before a window speak for or against its estimate."""

SEED = 20260101
"""Of the sample of rows, and of what is simulated."""

_CURVES, _COVERAGE = 100, 0.95


@dataclass(frozen=True)
class Scores:
    """Rows of one version: the chance of an event, and whether the version decided for it."""

    scores: NDArray[np.float64]
    decided: NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """What is known of one version's window.

    Args:
        rows: A sample of what it answered, columns of the log.
        labelled: Rows of the last weeks with labels, as of the log's reader.
        alpha: Probability of a false alarm that each metric may spend.
    """

    rows: pa.Table
    labelled: pa.Table
    alpha: float


def metrics(version: ModelVersion) -> tuple[Metric, ...]:
    """What can be estimated of a version: nothing where it came without labels, or gives no probabilities."""
    if "scores" not in (version.profile or {}):
        return ()
    return METRICS.get(version.contract.task, ())


def checks(version: ModelVersion, window: Window) -> Iterator[Check]:
    """Estimate the quality of one version in a window.

    Raises:
        ValueError, KeyError, TypeError: What came with the version is damaged.
    """
    wanted = metrics(version)
    if not wanted:
        return
    assert version.profile is not None
    known = version.profile["scores"]
    found = _scores(version.contract, window.rows)
    if len(found.scores) < FEWEST_ROWS:
        reason = f"{len(found.scores)} rows with a score, at least {FEWEST_ROWS} are needed"
        yield from (_check(version, metric, len(found.scores), "no_data", {"reason": reason}) for metric in wanted)
        return
    estimator = _estimator(known["rows"], known["scores"], known["happened"])
    doubt = estimator.doubt(version, window, found)
    for metric in wanted:
        yield _judged(version, metric, estimator.estimate(metric, found), doubt, window.alpha)


@dataclass(frozen=True)
class _Estimated:
    value: float
    interval: Interval
    rows: int


@dataclass(frozen=True)
class _Estimator:
    known: LabelledScores
    calibration: Calibration
    curves: list[Calibration]

    def estimate(self, metric: Metric, found: Scores) -> _Estimated:
        rng, scores, decided = np.random.default_rng(SEED), found.scores, found.decided
        value = cbpe.estimate(metric, self.calibration.apply(scores), scores, decided)
        interval = cbpe.interval(metric, self.curves, scores, decided, around=value, coverage=_COVERAGE, rng=rng)
        return _Estimated(value, interval, len(scores))

    def doubt(self, version: ModelVersion, window: Window, found: Scores) -> str:
        """Why the estimate cannot be believed; empty if nothing speaks against it."""
        return (
            ScoreSupport.learn(self.known.scores).doubt(found.scores)
            or _inputs_outside(version, window.rows)
            or self._contradicted(version.contract, window.labelled)
        )

    def _contradicted(self, contract: Contract, labelled: pa.Table) -> str:
        rows = classified(contract, labelled)
        if rows.probabilities is None:
            return ""
        if contract.task == "binary":
            scores, happened = rows.probabilities[:, 1], rows.actual == 1
        else:
            scores = rows.probabilities[np.arange(len(rows.predicted)), rows.predicted]
            happened = rows.actual == rows.predicted
        chances = self.calibration.apply(scores)
        return contradiction(happened.astype(np.float64), chances, len(self.known.scores))


@lru_cache(maxsize=16)
def _estimator(rows: int, scores: str, happened: str) -> _Estimator:
    """What a version's scores mean: learnt once, and asked every day."""
    known = LabelledScores.from_dict({"rows": rows, "scores": scores, "happened": happened})
    truth, rng = known.happened.astype(np.float64), np.random.default_rng(SEED)
    calibration = learn(known.scores, truth)
    curves = resampled_curves(calibration, known.scores, truth, curves=_CURVES, rng=rng)
    return _Estimator(known, calibration, curves)


def _scores(contract: Contract, rows: pa.Table) -> Scores:
    predicted, probabilities = scored(contract, rows)
    if probabilities is None:
        return Scores(np.empty(0), np.empty(0))
    if contract.task == "binary":
        return Scores(probabilities[:, 1], (predicted == 1).astype(np.float64))
    return Scores(probabilities[np.arange(len(predicted)), predicted], np.ones(len(predicted)))


def _inputs_outside(version: ModelVersion, rows: pa.Table) -> str:
    """Which input's values the reference does not reach; empty if none."""
    reference = Reference.of(version)
    if reference is None:
        return ""
    columns = features(rows, reference.spec)
    for bins in reference.spec.features:
        if bins.name.startswith("output."):
            continue
        values = columns[bins.name]
        if bins.kind == "categorical":
            beyond = _unseen(values, bins.categories)
        else:
            summary = reference.profile.summary(bins.name)
            beyond = _beyond(values, summary.minimum, summary.maximum) if bins.edges else 0
        if too_many(beyond, len(values)):
            return f"{beyond / len(values):.1%} of {bins.name} lie outside the reference"
    return ""


def _beyond(values: NDArray[Any], lowest: float | None, highest: float | None) -> int:
    if lowest is None or highest is None:
        return 0
    return int(((values < lowest) | (values > highest)).sum())


def _unseen(values: NDArray[Any], categories: tuple[str, ...]) -> int:
    known = set(categories)
    spelt = [
        str(value).lower() if isinstance(value, bool) else str(value) for value in values.tolist() if value is not None
    ]
    return sum(value not in known for value in spelt)


def _judged(version: ModelVersion, metric: Metric, found: _Estimated, doubt: str, alpha: float) -> Check:
    expected = ((version.profile or {}).get("quality") or {}).get(metric)
    details = {
        "trusted": not doubt,
        "lower": found.interval.lower,
        "upper": found.interval.upper,
        "reference": expected,
        "reason": f"cannot be trusted: {doubt}" if doubt else "",
    }
    outcome: CheckOutcome = "no_data"
    if not doubt and np.isfinite(found.value) and expected is not None:
        deviation = (found.interval.upper - found.interval.lower) / (2 * SHOWN)
        highest = found.value + float(ndtri(1 - alpha)) * deviation
        outcome = "breach" if highest < expected - TOLERATED_FALL else "ok"
        if outcome == "breach":
            details["reason"] = (
                f"{metric} is estimated at {found.value:.4g} before labels have come; {expected:.4g} on the reference"
            )
    return _check(version, metric, found.rows, outcome, details, found.value)


def _check(
    version: ModelVersion,
    metric: Metric,
    rows: int,
    outcome: CheckOutcome,
    details: Mapping[str, Any],
    value: float = float("nan"),
) -> Check:
    expected = ((version.profile or {}).get("quality") or {}).get(metric)
    bound = "data" if expected is None else f"at least {cast(float, expected) - TOLERATED_FALL:.4g}"
    return Check(
        name=f"estimate.{metric}",
        signal="estimate",
        version=version.ref,
        outcome=outcome,
        value=float(value) if np.isfinite(value) else None,
        expected=bound,
        rows=rows,
        details=dict(details),
    )
