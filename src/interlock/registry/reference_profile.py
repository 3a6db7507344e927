"""What the reference data look like to monitoring: a profile of inputs and outputs, and the quality on its labels.

Called by the examining process with the predictor that will serve, so that the output's profile is of the same answers.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.ports import Columns, Predictor, take
from interlock.domain.ragged import is_ragged
from interlock.domain.times import seconds
from interlock.registry.answered import ask
from interlock.registry.reference_quality import truth
from interlock.stats.reference_profile import profile_reference

# Deciles of more rows than this do not change any more.
MOST_ROWS = 100_000
_SECONDS = 30.0


def reference_profile(
    predictor: Predictor,
    contract: Contract,
    columns: Columns,
    label: Sequence[Any] | None,
    described: Mapping[str, NDArray[Any]] | None = None,
) -> dict[str, Any]:
    """Learn the profile that is stored with a version.

    Args:
        predictor: What will serve.
        columns: Reference rows.
        label: Their truth, None where it is not known.
        described: Further features of the rows: descriptors of images.

    What a contract's rule drops from the log is not profiled either.

    Returns:
        `spec`, `counts` (base64), `rows`, and with a label `label_share` (of each class) and `quality`.
    """
    # A model that refuses some rows is profiled on the others: on those it will be asked, and watched.
    answered = ask(predictor, columns, seconds=_SECONDS)
    index, outputs = answered.index, answered.outputs
    rows = take({**columns, **(described or {})}, index)
    features = {**rows, **output_features(contract, outputs)}
    dropped = {field.name for field in contract.inputs if field.privacy == "drop"}
    kinds = {
        name: _kind(values)
        for name, values in features.items()
        if values.ndim == 1 and not is_ragged(values) and name not in dropped
    }
    # Times are watched for what is missing; that they move on is no drift.
    features |= {name: seconds(values) for name, values in features.items() if values.dtype.kind == "M"}
    profile = profile_reference(features, kinds)
    counts = base64.b64encode(profile.to_bytes()).decode()
    found: dict[str, Any] = {"spec": profile.spec.to_dict(), "counts": counts, "rows": profile.rows}
    if label is not None:
        found |= truth(contract, outputs, [label[at] for at in index])
    return found


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
    return "moving" if values.dtype.kind == "M" else "categorical" if values.dtype.kind in "Ob" else "numeric"
