"""Whether a candidate is worth a release: not worse than the champion, nor than what one would say without a model.

Called by the run's process. Champion and candidate answer the same held-out rows, the newest labelled ones, as they
would in production; the difference of their losses is judged as a release's quality gate judges it. It is a filter and
not the decision: what passes still has to earn its traffic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.run import Judgement
from interlock.learning.kept_images import rows_at_once
from interlock.learning.rows import Labelled
from interlock.scoring.asking import Answers
from interlock.scoring.feeding import ReadImage, UnfeedableError, feed
from interlock.stats import losses, naive_forecast, paired_loss, time_blocks
from interlock.stats.paired_loss import PairedLosses, PairedLossResult

ALPHA = 0.05

# A rounding error of a mean is no difference.
_EPSILON = 1e-9

_NAMES = {"brier": "Brier score", "zero_one": "share of wrong answers", "absolute_error": "mean absolute error"}


@dataclass(frozen=True, slots=True)
class Answered:
    """What one version said to the held-out rows: a loss where `usable`, and whether it failed."""

    losses: NDArray[np.float64]
    usable: NDArray[np.bool_]
    wrong: NDArray[np.bool_] | None

    @property
    def failures(self) -> int:
        return int((~self.usable).sum())


def loss_of(contract: Contract) -> str:
    """Which loss compares versions of a contract: as the quality gate of a release does."""
    if contract.is_classifier:
        return "brier" if any(field.name == "probabilities" for field in contract.outputs) else "zero_one"
    return "absolute_error"


def answered(contract: Contract, rows: Labelled, answers: Answers) -> Answered:
    """Losses of one version's answers."""
    usable = np.asarray(answers.status == "ok", dtype=np.bool_)
    found = np.zeros(len(rows))
    actual = rows.labels[usable]
    if not contract.is_classifier:
        predicted = np.asarray(answers.outputs.get("prediction", []), dtype=np.float64)
        found[usable] = losses.absolute_error(actual, predicted)
        return Answered(found, usable, None)
    number = {value: at for at, value in enumerate(contract.classes)}
    said = np.array([number.get(value, -1) for value in answers.outputs.get("label", [])], dtype=np.int64)
    wrong = np.zeros(len(rows), dtype=np.bool_)
    wrong[usable] = said != actual
    if loss_of(contract) == "brier":
        if usable.any():
            found[usable] = losses.brier(actual, np.array(answers.outputs["probabilities"], dtype=np.float64))
    else:
        found[usable] = wrong[usable]
    return Answered(found, usable, wrong)


Ask = Callable[[dict[str, NDArray[np.generic]]], Answers]
"""Answers rows, by field of the contract."""


def ask(asked: Ask, contract: Contract, rows: pa.Table, read_image: ReadImage | None = None) -> Answers:
    """Feed held-out rows to a version. Rows that cannot be fed count as failed."""
    found = Answers(np.empty(0, dtype=np.object_), {})
    step = rows_at_once(contract)
    for start in range(0, rows.num_rows, step):
        some = _ask(asked, contract, rows.slice(start, step), read_image)
        found.status = np.concatenate([found.status, some.status])
        found.reasons += some.reasons
        for name, values in some.outputs.items():
            found.outputs.setdefault(name, []).extend(values)
    return found


def _ask(asked: Ask, contract: Contract, rows: pa.Table, read_image: ReadImage | None) -> Answers:
    answers = Answers(np.full(rows.num_rows, "model_error", dtype=np.object_), {})
    try:
        fed = feed(contract, rows, read_image)
    except UnfeedableError as error:
        answers.reasons[str(error)] = rows.num_rows
        return answers
    found = asked(fed.columns)
    answers.status[fed.index] = found.status
    answers.outputs, answers.reasons = found.outputs, found.reasons
    return answers


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged.

    Args:
        contract: Of both versions.
        champion, candidate: Their names, for people.
        training: What the candidate learnt from.
        held_out: What both have answered.
        margin: The candidate may lose this share of the champion's loss.
    """

    contract: Contract
    champion: str
    candidate: str
    training: Labelled
    held_out: Labelled
    margin: float


def judge(case: Case, champion: Answered, candidate: Answered) -> Judgement:
    """Compare on the rows that both have answered."""
    loss, both = loss_of(case.contract), champion.usable & candidate.usable
    result = _paired(case, champion.losses[both], candidate.losses[both], both)
    naive = _baselines(case, loss, both) if both.any() else {}
    faults = [
        *_failure_faults(champion, candidate),
        *_champion_faults(case, loss, result),
        *_baseline_faults(loss, result, naive),
    ]
    return Judgement(
        passed=not faults,
        reason="; ".join(faults) if faults else _sentence(case, loss, result),
        loss=loss,
        rows=result.rows,
        units=result.units,
        champion_loss=result.champion_loss if result.rows else 0.0,
        candidate_loss=result.challenger_loss if result.rows else 0.0,
        lower=result.lower if isfinite(result.lower) else None,
        upper=result.upper if isfinite(result.upper) else None,
        baselines=naive,
        champion_failures=champion.failures,
        candidate_failures=candidate.failures,
        metrics=_metrics(champion, candidate, both),
    )


def _paired(
    case: Case, champion: NDArray[np.float64], candidate: NDArray[np.float64], both: NDArray[np.bool_]
) -> PairedLossResult:
    units = np.unique(case.held_out.units[both], return_inverse=True)[1]
    blocks = time_blocks.numbers(case.held_out.events[both] / 1e6)
    sums = [
        PairedLosses.from_units(
            np.bincount(groups, weights=candidate - champion),
            np.bincount(groups, weights=champion),
            np.bincount(groups),
        )
        for groups in (units, blocks)
    ]
    return paired_loss.analyze(
        sums[0],
        alpha=ALPHA,
        harm_ratio=case.margin,
        margin_ratio=case.margin,
        planned_units=max(sums[0].units, 1),
        blocks=sums[1],
    )


def _failure_faults(champion: Answered, candidate: Answered) -> list[str]:
    if candidate.failures <= champion.failures:
        return []
    return [f"it could not answer {candidate.failures} held-out rows, and the champion {champion.failures}"]


def _champion_faults(case: Case, loss: str, result: PairedLossResult) -> list[str]:
    if not result.rows:
        return ["there are no held-out rows that both versions answered"]
    if result.estimate <= case.margin * result.champion_loss + _EPSILON:
        return []
    allowed = f", and may lose {case.margin:.1%}" if case.margin else ""
    return [f"worse than {case.champion}: {_beside(loss, result)}{allowed}"]


def _baseline_faults(loss: str, result: PairedLossResult, naive: dict[str, float]) -> list[str]:
    return [
        f"no better than saying the {_SPELT[name]}: {_NAMES[loss]} {result.challenger_loss:.4g} against {value:.4g}"
        for name, value in naive.items()
        if result.challenger_loss >= value - _EPSILON and value > _EPSILON
    ]


_SPELT = {
    "class_shares": "usual share of each class",
    "majority": "most frequent class",
    "last_label": "last known label",
    "mean": "mean",
    "last_value": "last known value",
}


def _beside(loss: str, result: PairedLossResult) -> str:
    return (
        f"{_NAMES[loss]} {result.challenger_loss:.4g} against {result.champion_loss:.4g} on the same {result.rows:,} "
        "newest labelled rows"
    )


def _sentence(case: Case, loss: str, result: PairedLossResult) -> str:
    how = "better than" if result.upper < 0 else "not worse than"
    return f"{how} {case.champion}: {_beside(loss, result)}"


def _baselines(case: Case, loss: str, both: NDArray[np.bool_]) -> dict[str, float]:
    """Loss of each naive forecast on the rows that are compared."""
    training, held_out = case.training, case.held_out
    events = np.concatenate([training.events, held_out.events])
    observed = np.concatenate([training.observed, held_out.observed])
    labels = np.concatenate([training.labels, held_out.labels])
    last = naive_forecast.last_known(events, observed, events)
    if loss == "absolute_error":
        return _of_numbers(case, labels, last[len(training) :], both)
    return _of_classes(case, loss, labels, last, both)


def _of_numbers(
    case: Case, labels: NDArray[np.float64], last: NDArray[np.int64], both: NDArray[np.bool_]
) -> dict[str, float]:
    actual, mean = case.held_out.labels[both], float(case.training.labels.mean())
    found = {"mean": float(losses.absolute_error(actual, np.full(len(actual), mean)).mean())}
    if (last[both] >= 0).any():
        said = np.where(last[both] >= 0, labels[last[both]], mean)
        found["last_value"] = float(losses.absolute_error(actual, said).mean())
    return found


def _of_classes(
    case: Case, loss: str, labels: NDArray[np.int64], last: NDArray[np.int64], both: NDArray[np.bool_]
) -> dict[str, float]:
    classes, learnt, actual = len(case.contract.classes), case.training.labels, case.held_out.labels[both]
    shares = naive_forecast.class_shares(learnt, classes)
    before = np.where(last >= 0, labels[np.maximum(last, 0)], -1)
    asked = before[len(learnt) :][both]
    if loss == "zero_one":
        usual = int(shares.argmax())
        found = {"majority": float((actual != usual).mean())}
        return found | (
            {"last_label": float((actual != np.where(asked >= 0, asked, usual)).mean())} if (asked >= 0).any() else {}
        )
    found = {"class_shares": float(losses.brier(actual, np.tile(shares, (len(actual), 1))).mean())}
    if (asked >= 0).any():
        table = np.vstack([naive_forecast.after_each_class(before[: len(learnt)], learnt, classes), shares])
        found["last_label"] = float(losses.brier(actual, table[asked]).mean())
    return found


def _metrics(champion: Answered, candidate: Answered, both: NDArray[np.bool_]) -> dict[str, float]:
    if champion.wrong is None or candidate.wrong is None or not both.any():
        return {}
    return {
        "accuracy": float(1 - candidate.wrong[both].mean()),
        "champion.accuracy": float(1 - champion.wrong[both].mean()),
    }
