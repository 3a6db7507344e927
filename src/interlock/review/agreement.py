"""How far annotators agree: overall, and each pair of them.

Called by `annotations` on all answers to an endpoint's tasks. Krippendorff's alpha is there whenever two people
answered a case; Cohen's kappa for each pair; Fleiss' kappa where every case has equally many answers. Numbers have
alpha alone.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.domain.annotation import Answer
from interlock.predictions.feedback_rows import text_of
from interlock.stats import cohen_kappa, fleiss_kappa, krippendorff_alpha


class PairAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Two annotators on the cases that both answered."""

    annotators: tuple[str, str]
    cases: int
    agreement: float
    kappa: float | None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Of all.

    Args:
        annotators: Answers by annotator.
        cases: Cases with an answer.
        several: Cases with at least two.
        level: `nominal` for classes, `interval` for numbers.
        krippendorff_alpha: None where fewer than two people answered any case, or all always say the same.
        fleiss_kappa: None also where cases have different numbers of answers.
        pairs: Cohen's kappa of each two with a case in common; empty for numbers.
    """

    annotators: dict[str, int]
    cases: int
    several: int
    level: krippendorff_alpha.Level
    krippendorff_alpha: float | None
    fleiss_kappa: float | None = None
    pairs: tuple[PairAgreement, ...] = ()


def measure(answers: Sequence[Answer], *, is_classes: bool) -> Agreement:
    """Measure it."""
    names = sorted({each.annotator for each in answers})
    table, counts = _table(answers, names, is_classes=is_classes), {name: 0 for name in names}
    for each in answers:
        counts[each.annotator] += 1
    level: krippendorff_alpha.Level = "nominal" if is_classes else "interval"
    each_case = np.isfinite(table).sum(axis=1)
    return Agreement(
        annotators=counts,
        cases=len(table),
        several=int((each_case >= 2).sum()),
        level=level,
        krippendorff_alpha=krippendorff_alpha.analyze(table, level=level).alpha if len(names) > 1 else None,
        fleiss_kappa=_fleiss(table) if is_classes else None,
        pairs=tuple(_pairs(table, names)) if is_classes else (),
    )


def _table(answers: Sequence[Answer], names: Sequence[str], *, is_classes: bool) -> NDArray[np.float64]:
    """Answers by case and annotator, classes as codes; nan where there is none."""
    cases = {id: number for number, id in enumerate(sorted({each.prediction_id for each in answers}))}
    columns = {name: number for number, name in enumerate(names)}
    codes: Mapping[str, int] = {
        text: code for code, text in enumerate(sorted({text_of(each.label) for each in answers}))
    }
    table = np.full((len(cases), len(names)), np.nan)
    for each in answers:
        value: Any = codes[text_of(each.label)] if is_classes else each.label
        table[cases[each.prediction_id], columns[each.annotator]] = float(value)
    return table


def _fleiss(table: NDArray[np.float64]) -> float | None:
    said = np.isfinite(table)
    each = said.sum(axis=1)
    if not len(each) or each.min() != each.max() or each[0] < 2:
        return None
    codes = np.where(said, table, -1).astype(np.int64)
    counts = np.array([(codes == code).sum(axis=1) for code in range(int(codes.max()) + 1)]).T
    return fleiss_kappa.analyze(counts).kappa


def _pairs(table: NDArray[np.float64], names: Sequence[str]) -> list[PairAgreement]:
    found = []
    for (first, one), (second, other) in combinations(zip(names, table.T, strict=True), 2):
        both = np.isfinite(one) & np.isfinite(other)
        if both.any():
            kappa = cohen_kappa.analyze(one[both], other[both])
            pair = PairAgreement(
                annotators=(first, second), cases=kappa.cases, agreement=kappa.agreement, kappa=kappa.kappa
            )
            found.append(pair)
    return found
