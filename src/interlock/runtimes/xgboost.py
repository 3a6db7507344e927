"""XGBoost's own files, `.json` and `.ubj`: trees as data, no code.

Called by `predictors` inside runner processes, and at registration, which compiles them. What early stopping found best
is what predicts, as in XGBoost's scikit-learn interface.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.runtimes.booster_input import BoosterInput
from interlock.runtimes.facts import Facts
from interlock.runtimes.frameworks import framework, installed
from interlock.runtimes.raw_answers import outputs_of


def load(path: Path, version: ModelVersion) -> "XgboostPredictor":
    """Load a stored booster."""
    return XgboostPredictor(open_booster(path), version.contract)


def describe(path: Path, version: ModelVersion) -> Facts:  # noqa: ARG001 (every runtime is called so)
    """Open a stored booster, and say what it is."""
    return facts_of(open_booster(path))


def open_booster(path: Path, name: str = "the file") -> Any:
    """Read a booster, set to one thread and to probabilities. `name` is what messages call it.

    Raises:
        UnloadableModelError: It is none, or XGBoost is not installed.
    """
    xgboost = framework("xgboost", "xgboost")
    content = path.read_bytes()
    if not content.startswith(b"{"):  # neither JSON nor UBJSON; XGBoost aborts the process for an empty one
        raise UnloadableModelError(
            f"{name} is not a loadable XGBoost model: it is empty, cut off or none at all; "
            "save the model with save_model('model.ubj')"
        )
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(content))
    except Exception as error:
        reason = str(error).strip().splitlines()[0].rpartition(": ")[2][:200]
        raise UnloadableModelError(f"{name} is not a loadable XGBoost model: {reason}") from error
    best = booster.attr("best_iteration")
    if best is not None and booster.num_boosted_rounds() > int(best) + 1:
        booster = booster[: int(best) + 1]
    booster.set_param({"nthread": 1})
    if objective_of(booster) == "multi:softmax":
        booster.set_param({"objective": "multi:softprob"})  # the same trees; classes follow from probabilities
    return booster


def objective_of(booster: Any) -> str:
    """What it was trained for, like `binary:logistic`."""
    return str(_learner(booster)["objective"]["name"])


def facts_of(booster: Any) -> Facts:
    """What a booster says about itself: never the values of its classes."""
    objective, parameters = objective_of(booster), _learner(booster)["learner_model_param"]
    names = tuple(booster.feature_names or ())
    targets = int(parameters.get("num_target", "1"))
    facts = Facts(
        kind=f"XGBoost booster, {objective}",
        names=names,
        width=None if names else booster.num_features(),
        task="regression",
        shape=(targets,) if targets > 1 else (),
        frameworks=installed(("xgboost", "numpy")),
    )
    if objective.startswith("multi:"):
        return replace(facts, task="classifier", class_count=int(parameters["num_class"]))
    if objective.startswith("binary:") and objective != "binary:logitraw":
        return replace(facts, task="classifier", class_count=2, with_probabilities=objective != "binary:hinge")
    return facts


def categories_of(booster: Any) -> dict[str, list[Any]]:
    """Categories by column, of a file that tells them: XGBoost writes them since 3.1, from data frames."""
    if "c" not in (booster.feature_types or ()) or not hasattr(booster, "get_categories"):
        return {}
    found = booster.get_categories(export_to_arrow=True).to_arrow() or []
    return {name: values.to_pylist() for name, values in found if values is not None}


class XgboostPredictor:
    """A booster fed with a matrix.

    Args:
        booster: From `open_booster`.
        contract: In the order of the matrix, where the booster knows no names.

    Raises:
        UnloadableModelError: The contract does not fit it.
    """

    def __init__(self, booster: Any, contract: Contract) -> None:
        self._booster, self._contract = booster, contract
        categories = categories_of(booster)
        self._input = BoosterInput(booster.feature_names or (), categories, contract, unseen_is_missing=False)
        # inplace_predict is the quicker one, and exists for trees only.
        self._xgboost = framework("xgboost", "xgboost") if _is_linear(booster) else None
        self._is_hinge = objective_of(booster) == "binary:hinge"

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        matrix = self._input(columns)
        answer = self._answer(matrix)
        if self._contract.is_classifier and self._is_hinge:
            classes = np.array(self._contract.classes, dtype=object)
            answer = classes[(answer > 0.5).astype(np.int64)]
        return outputs_of(answer, self._contract)

    def close(self) -> None:
        """The booster is freed with this object."""

    def _answer(self, matrix: NDArray[np.float64]) -> Any:
        if self._xgboost is None:
            return self._booster.inplace_predict(matrix)
        names = self._booster.feature_names
        return self._booster.predict(self._xgboost.DMatrix(matrix, feature_names=names, nthread=1))


def _is_linear(booster: Any) -> bool:
    return bool(_learner(booster)["gradient_booster"]["name"] == "gblinear")


def _learner(booster: Any) -> dict[str, Any]:
    learner: dict[str, Any] = json.loads(booster.save_config())["learner"]
    return learner
