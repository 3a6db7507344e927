"""Models of River, which learn row by row: from a pickle that a person chose to trust, the only way River saves them.

Called by `predictors` inside runner processes. Each row is asked for by itself, as River does it. What serves never
learns: an online learner has a process of its own, and its next state is the next version.
"""

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Scalar
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns, rows_of
from interlock.runtimes.checked import first_line
from interlock.runtimes.facts import Facts
from interlock.runtimes.frameworks import framework, installed
from interlock.runtimes.learning import LEARNT, SILENT, Lesson
from interlock.runtimes.pickles import load_pickle


def load(path: Path, version: ModelVersion) -> "RiverPredictor":
    """Load a stored model."""
    return RiverPredictor(load_pickle(path), version.contract)


def is_river(model: Any) -> bool:
    """Whether a loaded object predicts as River's models do: one row at a time."""
    return hasattr(model, "predict_one") and not hasattr(model, "predict")


def facts_of(model: Any) -> Facts:
    """What a model says about itself: neither its columns nor its classes.

    Raises:
        UnloadableModelError: It is neither a classifier nor a regressor.
    """
    base = framework("river.base", "online")
    kind = type(model).__name__
    frameworks = installed(("river", "numpy"))
    if isinstance(model, base.Classifier):
        return Facts(
            kind=kind,
            task="classifier",
            with_probabilities=_has_probabilities(model),
            frameworks=frameworks,
            model_format="river",
        )
    if isinstance(model, base.Regressor):
        return Facts(kind=kind, task="regression", frameworks=frameworks, model_format="river")
    raise UnloadableModelError(
        f"the River model {kind} is neither a classifier nor a regressor, so it cannot be served"
    )


def _has_probabilities(model: Any) -> bool:
    try:
        model.predict_proba_one({})
    except NotImplementedError:
        return False
    except Exception:  # an empty row is not what it is made for; that it tried is what matters
        return True
    return True


class RiverPredictor:
    """A model asked row by row.

    A missing value is None for a model that imputes, which looks for that, and left out of the row for any other.

    Args:
        model: A classifier or regressor of River.
        contract: Names the columns, and the classes in their order.
    """

    def __init__(self, model: Any, contract: Contract) -> None:
        self._model = model
        self._names = [field.name for field in contract.inputs]
        self._classes = contract.classes
        self._with_probabilities = any(field.name == "probabilities" for field in contract.outputs)
        is_text = contract.is_classifier and isinstance(contract.classes[0], str)
        self._label_dtype = object if is_text else None
        self._says_the_likeliest = self._with_probabilities and _says_the_likeliest(model)
        self._keeps_missing = any("Imputer" in type(part).__name__ for part in _parts(model))

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        rows = list(self._rows(columns))
        answers = [self._model.predict_one(row) for row in rows]
        if not self._classes:
            return {"prediction": np.array(answers, dtype=np.float64)}
        label = np.array(answers, dtype=self._label_dtype)
        if not self._with_probabilities:
            return {"label": label}
        found = [self._model.predict_proba_one(row) for row in rows]
        probabilities = [[row.get(known, 0.0) for known in self._classes] for row in found]
        return {"label": label, "probabilities": np.array(probabilities, dtype=np.float64)}

    def learn(self, columns: Columns, labels: Sequence[Scalar]) -> Lesson:
        """Answer each row, then learn from it, in order: progressive validation, as River does it."""
        found = [self._learn_one(row, label) for row, label in zip(self._rows(columns), labels, strict=True)]
        return Lesson(self._answers([said for said, _ in found]), [status for _, status in found])

    def _learn_one(self, row: dict[str, Any], label: Scalar) -> tuple[Any, str]:
        try:
            said = self._say(row)
            self._model.learn_one(row, label)
        except Exception as error:  # whatever a model raises on a row, the next one may be well
            return None, first_line(error)
        return said, SILENT if said is None else LEARNT

    def _say(self, row: dict[str, Any]) -> Any:
        """The answer to a row: a number, or the class with the probabilities if there are any; None for none yet."""
        if self._says_the_likeliest:
            shares = self._model.predict_proba_one(row)
            return (max(shares, key=shares.get), shares) if shares else None
        answer = self._model.predict_one(row)
        if answer is None or not self._with_probabilities:
            return answer
        return answer, self._model.predict_proba_one(row)

    def _answers(self, said: Sequence[Any]) -> dict[str, NDArray[Any]]:
        if not self._classes:
            return {"prediction": np.array([0.0 if one is None else one for one in said], dtype=np.float64)}
        if not self._with_probabilities:
            label = [self._classes[0] if one is None else one for one in said]
            return {"label": np.array(label, dtype=self._label_dtype)}
        pairs = [(self._classes[0], {}) if one is None else one for one in said]
        probabilities = [[row.get(known, 0.0) for known in self._classes] for _, row in pairs]
        return {
            "label": np.array([label for label, _ in pairs], dtype=self._label_dtype),
            "probabilities": np.array(probabilities, dtype=np.float64).reshape(len(pairs), len(self._classes)),
        }

    def save(self, path: Path) -> None:
        """Write the model as a pickle, the only way River has."""
        path.write_bytes(pickle.dumps(self._model, protocol=5))

    def close(self) -> None:
        """The model is freed with this object."""

    def _rows(self, columns: Columns) -> Iterator[dict[str, Any]]:
        values = [columns[name].tolist() for name in self._names]
        for at in range(rows_of(columns)):
            row = {name: _given(column[at]) for name, column in zip(self._names, values, strict=True)}
            yield row if self._keeps_missing else {name: value for name, value in row.items() if value is not None}


def _given(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 (nan)


def _says_the_likeliest(model: Any) -> bool:
    """Whether the label is the class with the highest probability, as River has it where a model says nothing else.

    Then one question gives both, which is a third of the time that learning takes.
    """
    last = model
    while isinstance(steps := getattr(last, "steps", None), dict) and steps:
        last = list(steps.values())[-1]
    base = framework("river.base", "online")
    return getattr(type(last), "predict_one", None) is base.Classifier.predict_one


def _parts(model: Any) -> Iterator[Any]:
    """A model and what its pipelines and unions are made of."""
    yield model
    steps = getattr(model, "steps", None) or getattr(model, "transformers", None)
    for part in steps.values() if isinstance(steps, dict) else ():
        yield from _parts(part)
