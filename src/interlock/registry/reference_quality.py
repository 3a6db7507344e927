"""How good a version is on the labelled rows it was registered with: what its quality in production is compared with.

The same figures by the same functions as monitoring's, so that a difference between them is one of the world.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Scalar
from interlock.stats import binary_quality, multiclass_quality, regression_quality
from interlock.stats.calibration import FEWEST_ROWS
from interlock.stats.labelled_scores import LabelledScores


def truth(contract: Contract, outputs: Mapping[str, NDArray[Any]], label: Sequence[Any]) -> dict[str, Any]:
    """Compare answers with what happened.

    Args:
        outputs: The answers, one a row.
        label: What happened, None where it is not known.

    Returns:
        `quality` (rows, and each metric that is defined), for classifiers `label_share` of each class, and where they
        give probabilities `scores`: those of the positive class, of more than two classes those of the class answered,
        with whether it happened (`LabelledScores`).
    """
    if contract.is_classifier:
        return _classifier(contract, outputs, label)
    numbers = np.array([np.nan if value is None else float(value) for value in label])
    known = np.isfinite(numbers)
    if not known.any() or "prediction" not in outputs or outputs["prediction"].ndim != 1:
        return {}
    return {"quality": _defined(regression_quality.analyze(numbers[known], outputs["prediction"][known]))}


def class_of(contract: Contract, value: Any) -> Scalar | None:
    """The class that a label means: itself, or the one spelt or counted the same; None if there is none."""
    if value is None:
        return None
    for one in contract.classes:
        if one == value or str(one).lower() == str(value).lower():
            return one
    return None


def _classifier(contract: Contract, outputs: Mapping[str, NDArray[Any]], label: Sequence[Any]) -> dict[str, Any]:
    place = {one: at for at, one in enumerate(contract.classes)}
    meant = [class_of(contract, value) for value in label]
    known = np.array([one is not None for one in meant], dtype=bool)
    actual = np.array([place[one] for one in meant if one is not None], dtype=np.int64)
    counts = Counter(actual.tolist())
    share = {str(one): counts[at] / max(1, len(actual)) for one, at in place.items()}
    if not len(actual) or "label" not in outputs:
        return {"label_share": share, "quality": {}}
    given = np.array([place[one] for one in outputs["label"][known].tolist()], dtype=np.int64)
    probabilities = outputs["probabilities"][known] if "probabilities" in outputs else None
    if contract.task == "binary" and probabilities is not None:
        scores = np.clip(probabilities[:, 1], 0.0, 1.0)
        quality = _defined(binary_quality.analyze(actual == 1, scores, given == 1))
        return {"label_share": share, "quality": quality} | _kept(scores, actual == 1)
    quality = _defined(multiclass_quality.analyze(actual, given, probabilities))
    if probabilities is None:
        return {"label_share": share, "quality": quality}
    scores = np.clip(probabilities[np.arange(len(given)), given], 0.0, 1.0)
    return {"label_share": share, "quality": quality} | _kept(scores, actual == given)


def _kept(scores: NDArray[np.float64], happened: NDArray[np.bool_]) -> dict[str, Any]:
    """What later scores are understood by; nothing where these few say nothing."""
    if len(scores) < FEWEST_ROWS or happened.all() or not happened.any():
        return {}
    return {"scores": LabelledScores(scores, happened).spread().to_dict()}


def _defined(quality: Any) -> dict[str, float]:
    return {name: value for name, value in asdict(quality).items() if value is not None}
