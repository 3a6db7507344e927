"""Measures named after other tools, against what those tools computed (`scripts/make_golden.py`)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.golden.rows import drift_rows

from interlock.comparison.drift import drift

GOLDEN = Path(__file__).parents[2] / "golden"
FIGURES: dict[str, dict[str, dict[str, float]]] = {
    peer: json.loads((GOLDEN / f"{peer}.json").read_text())["drift"] for peer in ("evidently", "nannyml")
}
ROWS = drift_rows()


def measured(case: str, **options: Any) -> dict[str, float | None]:
    before, now = (np.asarray(side) for side in ROWS[case])
    return dict(drift({case: before}, {case: now}, measures="all", **options).columns[case].measures)


@pytest.mark.parametrize("case", ROWS)
@pytest.mark.parametrize("peer", FIGURES)
def test_measures_named_after_a_tool_are_what_that_tool_computes(case: str, peer: str) -> None:
    expected = FIGURES[peer][case]
    found = measured(case)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("case", ["shifted", "skewed", "beyond", "counts"])
def test_approximate_measures_are_near_the_exact_ones(case: str) -> None:
    exact, near = measured(case), measured(case, approximate=True)
    for name in ("ks", "wasserstein", "wasserstein_sigma", "jensen_shannon_nannyml", "jensen_shannon_evidently"):
        assert near[name] == pytest.approx(exact[name], abs=0.01), name
