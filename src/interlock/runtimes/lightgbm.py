"""LightGBM's own files, `.txt`: trees as data, no code.

Called by `predictors` inside runner processes, and at registration, which compiles them.
"""

import json
from dataclasses import dataclass
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

_CATEGORIES = "pandas_categorical:"

# What LightGBM calls the columns of an array.
_NO_NAME = "Column_"


@dataclass(frozen=True)
class LightgbmModel:
    """A booster and what the head of its file says: it keeps that to itself."""

    booster: Any
    objective: str
    num_class: int
    categories: dict[str, list[Any]]

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns; none if it was trained on an array."""
        names = tuple(self.booster.feature_name())
        return () if names == tuple(f"{_NO_NAME}{at}" for at in range(len(names))) else names


def load(path: Path, version: ModelVersion) -> "LightgbmPredictor":
    """Load a stored booster."""
    return LightgbmPredictor(open_model(path), version.contract)


def describe(path: Path, version: ModelVersion) -> Facts:  # noqa: ARG001 (every runtime is called so)
    """Open a stored booster, and say what it is."""
    return facts_of(open_model(path))


def open_model(path: Path, name: str = "the file") -> LightgbmModel:
    """Read a booster. `name` is what messages call it.

    Raises:
        UnloadableModelError: It is none, or LightGBM is not installed.
    """
    lightgbm = framework("lightgbm", "lightgbm")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        text = ""
    # LightGBM ends the process for a file that is cut off, so it is looked at first.
    if not text.startswith("tree\n") or "\nend of trees" not in text:
        raise UnloadableModelError(
            f"{name} is not a loadable LightGBM model: it is empty, cut off or none at all; "
            "save the model with booster_.save_model('model.txt')"
        )
    try:
        booster = lightgbm.Booster(model_str=text)
    except Exception as error:
        raise UnloadableModelError(f"{name} is not a loadable LightGBM model: {str(error)[:200]}") from error
    head = dict(line.partition("=")[::2] for line in text.partition("\nTree=")[0].splitlines())
    objective = head.get("objective", "").split(" ")[0]
    return LightgbmModel(booster, objective, int(head.get("num_class", "1")), _categories(text, head))


def facts_of(model: LightgbmModel) -> Facts:
    """What a booster says about itself: never the values of its classes."""
    names = model.names
    facts = Facts(
        kind=f"LightGBM booster, {model.objective or 'objective unknown'}",
        names=names,
        width=None if names else model.booster.num_feature(),
        task="regression",
        shape=(model.num_class,) if model.num_class > 1 else (),
        frameworks=installed(("lightgbm", "numpy")),
    )
    if model.objective == "binary":
        return replace(facts, task="classifier", class_count=2)
    if model.objective.startswith("multiclass"):
        # One against all gives a probability for each class that does not sum to 1 with the others.
        sums_to_one = model.objective == "multiclass"
        return replace(facts, task="classifier", class_count=model.num_class, with_probabilities=sums_to_one)
    return facts


class LightgbmPredictor:
    """A booster fed with a matrix.

    Args:
        model: From `open_model`.
        contract: In the order of the matrix, where the booster knows no names.

    Raises:
        UnloadableModelError: The contract does not fit it.
    """

    def __init__(self, model: LightgbmModel, contract: Contract) -> None:
        self._booster, self._contract = model.booster, contract
        self._input = BoosterInput(model.names, model.categories, contract, unseen_is_missing=True)
        self._labels_only = contract.is_classifier and len(contract.outputs) == 1

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        answer = self._booster.predict(self._input(columns), num_threads=1)
        if self._labels_only:
            classes = np.array(self._contract.classes, dtype=object)
            answer = classes[np.asarray(answer).argmax(axis=1)]
        return outputs_of(answer, self._contract)

    def close(self) -> None:
        """The booster is freed with this object."""


def _categories(text: str, head: dict[str, str]) -> dict[str, list[Any]]:
    """Categories by column, of a booster trained on a data frame.

    The file lists them without names, in the order of the columns whose values it writes as `0:1:2`.
    """
    _, found, listed = text.rpartition(f"\n{_CATEGORIES}")
    lists = json.loads(listed.splitlines()[0]) if found else None
    if not lists:
        return {}
    names, values = head.get("feature_names", "").split(" "), head.get("feature_infos", "").split(" ")
    columns = [name for name, seen in zip(names, values, strict=True) if ":" in seen and not seen.startswith("[")]
    if len(columns) != len(lists):
        raise UnloadableModelError(
            f"the file lists categories of {len(lists)} column(s), and {len(columns)} are categorical "
            f"({', '.join(columns)}); train without columns of one category only"
        )
    return dict(zip(columns, lists, strict=True))
