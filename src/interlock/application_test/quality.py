"""How good the answers are, with intervals; and beside what a champion, or nobody who knows anything, would answer.

The figures are those of monitoring (`registry.reference_quality`), so that a test and a day in production can be set
side by side. Intervals take rows as independent: where rows belong together, they are narrower than they should be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from interlock.application_test.asking import AskedRows
from interlock.domain.application_tests import Comparison, Estimate
from interlock.domain.contract import Contract
from interlock.registry.reference_quality import class_of, truth
from interlock.stats.losses import absolute_error, brier, zero_one

_LEVEL = 0.95
Losses = dict[str, NDArray[np.float64]]
"""By metric, the one that decides first: one value a row, NaN where the row has no answer or no label."""


@dataclass(frozen=True)
class Truth:
    """What happened, as the contract counts it.

    Args:
        classes: Index of the class of each row, -1 where it is not known; None for numbers.
        numbers: Target of each row, NaN where it is not known; None for classes.
    """

    classes: NDArray[np.int64] | None = None
    numbers: NDArray[np.float64] | None = None


def truth_of(contract: Contract, labels: list[Any]) -> Truth:
    """Read labels as a contract means them."""
    if contract.is_classifier:
        place = {one: at for at, one in enumerate(contract.classes)}
        meant = [class_of(contract, value) for value in labels]
        return Truth(classes=np.array([-1 if one is None else place[one] for one in meant], dtype=np.int64))
    return Truth(numbers=np.array([_number(value) for value in labels], dtype=np.float64))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def figures_of(contract: Contract, asked: AskedRows) -> dict[str, Estimate]:
    """Every metric that is defined, with an interval where its error is known."""
    index = asked.index
    happened = truth_of(contract, asked.rows.labels)
    labels = asked.rows.labels if contract.is_classifier else _numbers(happened)
    found = truth(contract, asked.outputs, [labels[at] for at in index]).get("quality", {}) if index else {}
    figures = {name: _with_error(value, found.get(f"{name}_se")) for name, value in found.items() if _is_figure(name)}
    if "accuracy" in figures:
        figures["accuracy"] = _share(found["accuracy"], int(found["rows"]))
    for name, losses in losses_of(contract, asked, happened).items():
        figures[name] = _mean(losses[np.isfinite(losses)])
    return figures


def _numbers(happened: Truth) -> list[float | None]:
    """Targets, None where one is not known."""
    assert happened.numbers is not None
    return [value if np.isfinite(value) else None for value in happened.numbers.tolist()]


def _is_figure(name: str) -> bool:
    return not name.endswith("_se") and name not in ("rows", "positives")


def _with_error(value: float, error: float | None) -> Estimate:
    reach = float(stats.norm.ppf((1 + _LEVEL) / 2)) * error if error is not None else None
    return Estimate(value=value) if reach is None else Estimate(value=value, lower=value - reach, upper=value + reach)


def _share(value: float, rows: int) -> Estimate:
    """By Wilson, which is never empty at 0 or 1."""
    found = stats.binomtest(round(value * rows), rows).proportion_ci(_LEVEL, method="wilson")
    return Estimate(value=value, lower=float(found.low), upper=float(found.high))


def _mean(values: NDArray[np.float64]) -> Estimate:
    mean, error = float(values.mean()), _standard_error(values)
    if error is None:
        return Estimate(value=mean)
    reach = float(stats.t.ppf((1 + _LEVEL) / 2, len(values) - 1)) * error
    return Estimate(value=mean, lower=mean - reach, upper=mean + reach)


def _standard_error(values: NDArray[np.float64]) -> float | None:
    return float(values.std(ddof=1)) / float(np.sqrt(len(values))) if len(values) > 1 else None


def losses_of(contract: Contract, asked: AskedRows, happened: Truth) -> Losses:
    """The loss of every row, by metric; empty where the task has no loss, or nothing is known."""
    if not asked.answers:
        return {}
    if happened.classes is not None:
        return _of_classes(contract, asked, happened.classes)
    outputs = asked.outputs
    if happened.numbers is None or "prediction" not in outputs or outputs["prediction"].ndim != 1:
        return {}
    return _placed(asked, {"mae": absolute_error(happened.numbers[asked.index], outputs["prediction"])})


def _of_classes(contract: Contract, asked: AskedRows, classes: NDArray[np.int64]) -> Losses:
    outputs, actual = asked.outputs, classes[asked.index]
    found: Losses = {}
    if "probabilities" in outputs:
        found["brier"] = brier(np.maximum(actual, 0), np.asarray(outputs["probabilities"], dtype=np.float64))
    if "label" in outputs:
        place = {one: at for at, one in enumerate(contract.classes)}
        given = np.array([place.get(one, -2) for one in outputs["label"].tolist()], dtype=np.int64)
        found["error_rate"] = zero_one(actual, given)
    for losses in found.values():
        losses[actual < 0] = np.nan
    return _placed(asked, found)


def _placed(asked: AskedRows, of_answered: Mapping[str, NDArray[np.float64]]) -> Losses:
    placed: Losses = {}
    for name, losses in of_answered.items():
        if np.isfinite(losses).any():
            placed[name] = np.full(asked.rows.rows, np.nan)
            placed[name][asked.index] = losses
    return placed


def baselines_of(contract: Contract, own: Losses, happened: Truth) -> tuple[Comparison, ...]:
    """Beside the best answer of somebody who knows only how often each thing happens in this very file."""
    found: list[Comparison] = []
    for metric, losses in own.items():
        other, theirs = _naive(metric, happened, len(contract.classes))
        if (compared := compare(metric, losses, other, theirs)) is not None:
            found.append(compared)
    return tuple(found)


def _naive(metric: str, happened: Truth, classes: int) -> tuple[str, NDArray[np.float64]]:
    if happened.classes is None:
        assert happened.numbers is not None
        mean = np.full(len(happened.numbers), np.nanmean(happened.numbers))
        return "the mean", absolute_error(happened.numbers, mean)
    known = happened.classes >= 0
    shares = np.bincount(happened.classes[known], minlength=classes) / max(1, known.sum())
    actual = np.maximum(happened.classes, 0)
    if metric == "brier":
        return "the shares of the classes", brier(actual, np.tile(shares, (len(actual), 1)))
    return "the most frequent class", zero_one(actual, np.full(len(actual), int(shares.argmax())))


def compare(metric: str, own: NDArray[np.float64], other: str, theirs: NDArray[np.float64]) -> Comparison | None:
    """Two losses on the rows that both have. None where there is no such row.

    The gain is `1 - own / theirs`, its error that of a ratio of means, linearised (the delta method).
    """
    both = np.isfinite(own) & np.isfinite(theirs)
    if not both.any():
        return None
    mine, yours = own[both], theirs[both]
    ratio = float(mine.mean() / yours.mean()) if yours.mean() > 0 else (1.0 if mine.mean() == 0 else 2.0)
    gain = Estimate(value=1 - ratio)
    if yours.mean() > 0 and len(mine) > 1:
        error = _standard_error((mine - ratio * yours) / yours.mean()) or 0.0
        reach = float(stats.t.ppf((1 + _LEVEL) / 2, len(mine) - 1)) * error
        gain = Estimate(value=1 - ratio, lower=1 - ratio - reach, upper=1 - ratio + reach)
    return Comparison(
        other=other, metric=metric, own=float(mine.mean()), theirs=float(yours.mean()), gain=gain, rows=len(mine)
    )
