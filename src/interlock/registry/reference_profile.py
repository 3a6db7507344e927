"""What the reference data look like to monitoring: a profile of inputs and outputs, and the quality on its labels.

Called by the examining process with the predictor that will serve, so that the output's profile is of the same answers.
"""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Scalar
from interlock.domain.ports import Columns, Predictor, take
from interlock.registry.answered import ask
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import learn

# Deciles of more rows than this do not change any more.
MOST_ROWS = 100_000
_SECONDS = 30.0


def reference_profile(
    predictor: Predictor, contract: Contract, columns: Columns, label: Sequence[Any] | None
) -> dict[str, Any]:
    """Learn the profile that is stored with a version.

    Args:
        predictor: What will serve.
        columns: Reference rows.
        label: Their truth, None where it is not known.

    Returns:
        `spec`, `counts` (base64), `rows`, and with a label `label_share` (of each class) and `quality`.
    """
    # A model that refuses some rows is profiled on the others: on those it will be asked, and watched.
    answered = ask(predictor, columns, seconds=_SECONDS)
    index, outputs = answered.index, answered.outputs
    features = {**take(columns, index), **output_features(contract, outputs)}
    kinds = {name: _kind(values) for name, values in features.items() if values.ndim == 1}
    spec = learn(features, kinds)
    profile = Profile(spec)
    profile.update(features)
    counts = base64.b64encode(profile.to_bytes()).decode()
    described: dict[str, Any] = {"spec": spec.to_dict(), "counts": counts, "rows": profile.rows}
    if label is not None:
        described |= _truth(contract, outputs, [label[at] for at in index])
    return described


def output_features(contract: Contract, outputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The columns by which outputs are profiled, as `output.label`, `output.score` or `output.prediction`.

    The score is the probability of the last class for two classes, else the largest probability.
    """
    features: dict[str, NDArray[Any]] = {}
    if "label" in outputs:
        # Spelt as profiles spell categories: true and false, 0 and 1.
        names = [str(value).lower() if isinstance(value, bool) else str(value) for value in outputs["label"].tolist()]
        features["output.label"] = np.array(names, dtype=object)
    if "probabilities" in outputs:
        probabilities = outputs["probabilities"]
        features["output.score"] = probabilities[:, -1] if contract.task == "binary" else probabilities.max(axis=1)
    if "prediction" in outputs:
        features["output.prediction"] = outputs["prediction"]
    return features


def _kind(values: NDArray[Any]) -> str:
    return "categorical" if values.dtype.kind in "Ob" else "numeric"


def _truth(contract: Contract, outputs: Mapping[str, NDArray[Any]], label: list[Any]) -> dict[str, Any]:
    if contract.is_classifier:
        classes = [class_of(contract, value) for value in label]
        known = [at for at, value in enumerate(classes) if value is not None]
        counts = Counter(str(classes[at]) for at in known)
        share = {str(one): counts[str(one)] / max(1, len(known)) for one in contract.classes}
        return {"label_share": share, "quality": _classifier_quality(contract, outputs, classes, known)}
    numbers = np.array([np.nan if value is None else float(value) for value in label])
    known_rows = np.isfinite(numbers)
    if not known_rows.any() or "prediction" not in outputs or outputs["prediction"].ndim != 1:
        return {}
    errors = outputs["prediction"][known_rows] - numbers[known_rows]
    quality = {"rmse": float(np.sqrt(np.mean(errors**2))), "mae": float(np.mean(np.abs(errors)))}
    return {"quality": {"rows": int(known_rows.sum()), **quality}}


def class_of(contract: Contract, value: Any) -> Scalar | None:
    """The class that a label means: itself, or the one spelt or counted the same; None if there is none."""
    if value is None:
        return None
    for one in contract.classes:
        if one == value or str(one).lower() == str(value).lower():
            return one
    return None


def _classifier_quality(
    contract: Contract, outputs: Mapping[str, NDArray[Any]], classes: list[Scalar | None], known: list[int]
) -> dict[str, float]:
    if not known or "label" not in outputs:
        return {}
    given = outputs["label"].tolist()
    quality = {"rows": float(len(known)), "accuracy": sum(given[at] == classes[at] for at in known) / len(known)}
    if "probabilities" in outputs:
        place = {one: at for at, one in enumerate(contract.classes)}
        probabilities = outputs["probabilities"][known]
        truth = np.eye(len(place))[[place[classes[at]] for at in known]]  # type: ignore[index]  # `known` has no None
        squares = (probabilities - truth) ** 2
        # For two classes the field means the last class alone, half of the sum over both.
        quality["brier"] = float(squares[:, -1].mean() if len(place) == 2 else squares.sum(axis=1).mean())
    return quality
