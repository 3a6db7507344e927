"""CBPE against what NannyML computed on the same rows (`scripts/make_golden.py`)."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.golden.rows import CBPE_CHUNK, cbpe_rows

from interlock.comparison.estimate import estimate

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "nannyml.json").read_text())["cbpe"]
COLUMNS: dict[str, Any] = {"label": "label", "score": "score", "prediction": "prediction"}


@pytest.mark.parametrize("metric", GOLDEN)
def test_estimates_and_thresholds_are_those_of_nannyml(metric: str) -> None:
    result = estimate(*cbpe_rows(), metric=metric, chunk_rows=CBPE_CHUNK, **COLUMNS)
    expected = GOLDEN[metric]
    assert [chunk.estimate for chunk in result.chunks] == pytest.approx(expected["value"], rel=1e-6)
    assert result.threshold["lower"] == pytest.approx(expected["lower_threshold"][0], rel=1e-6)
    assert result.threshold["upper"] == pytest.approx(expected["upper_threshold"][0], rel=1e-6)


@pytest.mark.parametrize("metric", GOLDEN)
def test_intervals_are_not_wider_than_one_and_a_half_of_nannymls(metric: str) -> None:
    result = estimate(*cbpe_rows(), metric=metric, chunk_rows=CBPE_CHUNK, **COLUMNS)
    widths = sorted((chunk.upper or 0) - (chunk.lower or 0) for chunk in result.chunks)
    theirs = sorted(6 * error for error in GOLDEN[metric]["sampling_error"])
    assert 0 < widths[len(widths) // 2] <= 1.5 * theirs[len(theirs) // 2]
