"""Rows that both the real peers (`scripts/make_golden.py`, in their own environments) and our tests compute from.

Legacy `RandomState`, whose stream NumPy has promised never to change; NumPy only, so that any environment can run it.
"""

from typing import Any

import numpy as np

CBPE_ROWS = 6_000
CBPE_CHUNK = 1_000


def drift_rows() -> dict[str, tuple[Any, Any]]:
    """Reference and current values of each case, NaN or None where missing."""
    draw = np.random.RandomState(20240229)
    levels = np.array(["air", "rail", "road", "sea", "pipe"], dtype=object)
    gaps = draw.randn(2_500)
    gaps[::9] = np.nan
    return {
        "shifted": (draw.randn(3_000), draw.randn(1_200) + 0.3),
        "small": (draw.randn(400), 1.4 * draw.randn(250)),
        "skewed": (np.exp(draw.randn(2_000)), np.exp(draw.randn(2_000) * 1.2)),
        "beyond": (draw.rand(5_000), draw.rand(5_000) * 1.5 - 0.2),
        "with_gaps": (gaps, draw.randn(1_500) * 1.1),
        "few_numbers": (draw.randint(0, 6, 2_000).astype(float), draw.randint(1, 8, 900).astype(float)),
        "counts": (draw.poisson(30, 4_000).astype(float), draw.poisson(33, 4_000).astype(float)),
        "whole_numbers": (draw.randint(0, 1_000, 3_000), draw.randint(100, 1_200, 2_000)),
        "levels": (levels[draw.randint(0, 4, 2_000)], levels[draw.randint(1, 5, 1_500)]),
        "same_levels": (levels[draw.randint(0, 5, 2_000)], levels[draw.randint(0, 5, 700)]),
    }


def cbpe_rows() -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, np.ndarray[Any, Any]]]:
    """Scores of an overconfident model, predictions and labels; the current rows are harder."""
    draw = np.random.RandomState(7)

    def side(spread: float) -> dict[str, np.ndarray[Any, Any]]:
        truth = draw.randn(CBPE_ROWS) * spread - 0.4
        label = (draw.rand(CBPE_ROWS) < 1 / (1 + np.exp(-truth))).astype(np.int64)
        score = 1 / (1 + np.exp(-1.7 * (truth + 0.2 * draw.randn(CBPE_ROWS))))
        return {"label": label, "score": score, "prediction": (score >= 0.45).astype(np.int64)}

    return side(1.6), side(1.1)


def cbpe_multiclass_rows() -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, np.ndarray[Any, Any]]]:
    """The same for three classes: a score per class, columns `score_a`, `score_b`, `score_c`."""
    draw = np.random.RandomState(11)
    names = np.array(["a", "b", "c"], dtype=object)

    def side(spread: float) -> dict[str, np.ndarray[Any, Any]]:
        logits = draw.randn(CBPE_ROWS, 3) * spread
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        label = (draw.rand(CBPE_ROWS, 1) > np.cumsum(chances, axis=1)).sum(axis=1).clip(0, 2)
        sharper = np.exp(1.5 * logits) / np.exp(1.5 * logits).sum(axis=1, keepdims=True)
        scores = {f"score_{name}": sharper[:, number] for number, name in enumerate(names)}
        return {"label": names[label], "prediction": names[sharper.argmax(axis=1)], **scores}

    return side(1.5), side(1.1)
