"""scikit-learn estimators: from skops files, which run no code, and from pickles that a person chose to trust.

Called by `load` inside runner processes, and at registration. A skops file that holds types from outside scikit-learn
is refused by name; nothing ever falls back to pickle.
"""

import contextlib
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.domain import times
from interlock.domain.contract import Contract, Field, Time
from interlock.domain.errors import UnloadableModelError
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.runtimes import river
from interlock.runtimes.facts import Facts, scalars
from interlock.runtimes.frameworks import framework, installed, used_by
from interlock.runtimes.pickles import load_pickle

Convert = Callable[[NDArray[Any]], Any]

# Classes from here hold numbers and build models; none of them runs what a file tells it. Functions are never in this
# list: a transformer may call what it is given.
_TRUSTED_PACKAGES = ("sklearn.", "scipy.sparse.", "scipy.interpolate.", "numpy.random.")

# What imputers and histogram gradient boosting hold. A partial is as safe as its function, which is listed beside it.
_TRUSTED_NAMES = ("numpy.dtype", "functools.partial", "sklearn.utils.validation.check_array")


def load(path: Path, version: ModelVersion) -> "SklearnPredictor":
    """Load a stored estimator."""
    return SklearnPredictor(_open(path, version), version.contract)


def describe(path: Path, version: ModelVersion) -> Facts:
    """Open a stored estimator, and say what it is."""
    with noticing_other_version() as said:
        model = _open(path, version)
    if river.is_river(model):
        return river.facts_of(model)
    return facts_of(fitted(model), tuple(said))


def _open(path: Path, version: ModelVersion) -> Any:
    return load_skops(path) if version.serving_format == "skops" else load_pickle(path)


def fitted(model: Any) -> Any:
    """The same object, if it can predict.

    Raises:
        UnloadableModelError: It is no estimator, or not fitted.
    """
    kind = type(model).__name__
    if not hasattr(model, "predict"):
        raise UnloadableModelError(f"the file holds a {kind}, which cannot predict")
    validation = framework("sklearn.utils.validation", "sklearn")
    exceptions = framework("sklearn.exceptions", "sklearn")
    try:
        validation.check_is_fitted(model)
    except exceptions.NotFittedError:
        raise UnloadableModelError(f"the {kind} is not fitted; call fit() before saving it") from None
    except TypeError:
        pass  # not an estimator of scikit-learn; whether it predicts is tried next
    return model


def facts_of(estimator: Any, warnings: tuple[str, ...] = ()) -> Facts:
    """What a fitted estimator says about itself, with what was noticed when it was read.

    Raises:
        UnloadableModelError: It gives several classes a row.
    """
    base = framework("sklearn.base", "sklearn")
    names = tuple(str(name) for name in getattr(estimator, "feature_names_in_", ()))
    width = getattr(estimator, "n_features_in_", None)
    facts = Facts(
        kind=type(estimator).__name__,
        names=names,
        width=int(width) if width is not None and not names else None,
        task="regression" if base.is_regressor(estimator) else "other",
        frameworks=installed((*used_by(parts_of(estimator)), "numpy")),
        warnings=warnings,
    )
    if not base.is_classifier(estimator):
        return facts
    classes = estimator.classes_
    if isinstance(classes, list) or np.asarray(classes).ndim != 1:
        raise UnloadableModelError("the classifier has several outputs; register one classifier for each")
    return msgspec.structs.replace(
        facts,
        task="classifier",
        classes=scalars(classes),
        with_probabilities=hasattr(estimator, "predict_proba"),
    )


@contextlib.contextmanager
def noticing_other_version() -> Iterator[list[str]]:
    """Collects one sentence if what is loaded inside was saved by another scikit-learn."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
    for made_with, found in (_versions(warning.message) for warning in caught):
        if made_with is not None and not said:
            said.append(
                f"the file was saved by scikit-learn {made_with} and is read by {found}; "
                "if it does not answer as before, give --python with an interpreter that has the older one"
            )


def _versions(warning: Any) -> tuple[str | None, str | None]:
    """Of scikit-learn's InconsistentVersionWarning; None of any other."""
    return getattr(warning, "original_sklearn_version", None), getattr(warning, "current_sklearn_version", None)


def load_skops(path: Path, name: str = "the file") -> Any:
    """Read a skops file. `name` is what messages call it.

    Raises:
        UnloadableModelError: It is none, or holds types that are not trusted, which are named.
    """
    io = framework("skops.io", "sklearn")
    try:
        untrusted = [name for name in io.get_untrusted_types(file=path) if not _is_trusted(name)]
        if untrusted:
            raise UnloadableModelError(
                f"{name} holds {', '.join(sorted(untrusted))}, which is not scikit-learn's own; "
                "build the model from scikit-learn's types, or register a pickle with --trust-pickle"
            )
        return io.load(path, trusted=io.get_untrusted_types(file=path))
    except UnloadableModelError:
        raise
    except Exception as error:  # zip, JSON, type and import errors: whatever a foreign file provokes
        raise UnloadableModelError(f"{name} is not a loadable skops file: {_why_no_skops(error, path)}") from error


def _why_no_skops(error: Exception, path: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if not zipfile.is_zipfile(path):
        return (
            "it is empty, cut off or no skops file at all; save the model once more with "
            "skops.io.dump(model, 'model.skops') and check that the copy is whole"
        )
    return f"{type(error).__name__}: {str(error)[:200]}"


def _is_trusted(name: str) -> bool:
    if name in _TRUSTED_NAMES:
        return True
    if not name.startswith(_TRUSTED_PACKAGES):
        return False
    module, _, attribute = name.rpartition(".")
    try:
        return isinstance(getattr(import_module(module), attribute, None), type)
    except ImportError:
        return False


class SklearnPredictor:
    """An estimator fed as it was trained: with a data frame when it knows column names, else with a matrix.

    Args:
        model: Fitted.
        contract: In the order of the model's columns.
    """

    def __init__(self, model: Any, contract: Contract) -> None:
        self._before, self._model = _split(on_one_thread(model))
        self._input = EstimatorInput(model, contract)
        outputs = {field.name: field for field in contract.outputs}
        self._is_classifier = contract.is_classifier
        self._label_dtype = object if self._is_classifier and outputs["label"].datatype == "BYTES" else None
        self._with_probabilities = "probabilities" in outputs
        self._by_probability = self._with_probabilities and _decides_by_probability(self._model)

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        rows = self._input(columns)
        for step in self._before:
            rows = step.transform(rows)
        if not self._is_classifier:
            return {"prediction": np.asarray(self._model.predict(rows), dtype=np.float64)}
        if self._by_probability:
            probabilities = np.asarray(self._model.predict_proba(rows), dtype=np.float64)
            label = self._model.classes_.take(np.argmax(probabilities, axis=1), axis=0)
            return {"label": np.asarray(label, dtype=self._label_dtype), "probabilities": probabilities}
        # Both are asked: a classifier's own decision is not always its most probable class.
        label = np.asarray(self._model.predict(rows), dtype=self._label_dtype)
        if not self._with_probabilities:
            return {"label": label}
        return {"label": label, "probabilities": np.asarray(self._model.predict_proba(rows), dtype=np.float64)}

    def close(self) -> None:
        """The estimator is freed with this object."""


def _split(model: Any) -> tuple[list[Any], Any]:
    """A pipeline's transformers and its last step: asked for both answers, the whole would transform twice."""
    is_pipeline = _name(type(model)) == "sklearn.pipeline.Pipeline"
    if not is_pipeline or len(model.steps) < 2 or not hasattr(model.steps[-1][1], "predict"):
        return [], model
    before = [step for _, step in model.steps[:-1] if step is not None and step != "passthrough"]
    return before, model.steps[-1][1]


# Where `predict` is nothing but the most probable class of `predict_proba`.
_DECIDES_BY_PROBABILITY = frozenset(
    {
        "sklearn.ensemble._forest.ForestClassifier",
        "sklearn.ensemble._bagging.BaggingClassifier",
        "sklearn.calibration.CalibratedClassifierCV",
    }
)


def _decides_by_probability(model: Any) -> bool:
    """Whether its probabilities alone tell both answers: of a forest, in half the time."""
    decides = next((kind for kind in type(model).__mro__ if "predict" in vars(kind)), object)
    return _name(decides) in _DECIDES_BY_PROBABILITY


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def on_one_thread(model: Any) -> Any:
    """Set every `n_jobs` in a model to 1: the threads of one model would make the latency of all others noise."""
    _carry_nothing_over()
    if hasattr(model, "get_params") and hasattr(model, "set_params"):
        names = [name for name in model.get_params(deep=True) if name == "n_jobs" or name.endswith("__n_jobs")]
        model.set_params(**dict.fromkeys(names, 1))
    return model


def _carry_nothing_over() -> None:
    """Let scikit-learn's jobs run as they are.

    It wraps each, as one for each tree, to have the settings and the filters for warnings of the thread that made it.
    In that very thread they are in force already, and setting them takes most of a small forest's time.
    """
    wrapper = getattr(sys.modules.get("sklearn.utils.parallel"), "_FuncWrapper", None)
    if wrapper is not None:
        wrapper.__call__ = _run_job


def _run_job(wrapper: Any, *args: Any, **kwargs: Any) -> Any:
    return wrapper.function(*args, **kwargs)


class EstimatorInput:
    """Turns columns into what a model was trained on.

    Args:
        model: Fitted; None if its insides are not known.
        contract: In the order of the model's columns.
        as_frame: Whether it wants a data frame. Default: if it knows column names.
    """

    def __init__(self, model: Any, contract: Contract, *, as_frame: bool | None = None) -> None:
        names = [field.name for field in contract.inputs]
        trained = [str(name) for name in getattr(model, "feature_names_in_", ())]
        # A signature may list the columns in another order than the estimator insists on.
        self._names = trained if set(trained) == set(names) else names
        # Encoders tell None and nan apart, and learn whichever stood in the training data.
        as_text = _as_they_are if _learnt_none(model) else _with_nan
        self._columns = {field.name: self._of(field, as_text) for field in contract.inputs}
        self._is_vector = len(contract.inputs) == 1 and bool(contract.inputs[0].shape)
        self._is_plain = all(field.is_numeric or field.datatype == "BOOL" for field in contract.inputs)
        self._flat = _flat_width(model, contract)
        as_frame = hasattr(model, "feature_names_in_") if as_frame is None else as_frame
        self._pandas = framework("pandas", "sklearn") if as_frame else None

    def _of(self, field: Field, as_text: Convert) -> Convert:
        """How a column of the field is given to the model."""
        if field.time is not None:
            return partial(self._times, field.time)
        if field.is_category:
            return partial(self._categories, field.categories or ())
        return as_text if field.is_text and not field.shape else _as_they_are

    def __call__(self, columns: Columns) -> Any:
        if self._pandas is not None:
            values = {name: self._columns[name](columns[name]) for name in self._names}
            # A cell of a frame holds a tensor as a whole.
            values = {name: list(column) if np.ndim(column) > 1 else column for name, column in values.items()}
            return self._pandas.DataFrame(values, copy=False)
        if self._is_vector:
            vectors = columns[self._names[0]]
            return vectors if self._flat is None else vectors.reshape(len(vectors), self._flat)
        dtype = np.float64 if self._is_plain else object
        return np.column_stack([np.asarray(self._columns[name](columns[name]), dtype=dtype) for name in self._names])

    def _times(self, time: Time, values: NDArray[Any]) -> Any:
        if time.model_takes == "text":
            return times.texts(values, time)
        if time.model_takes == "integer":
            return times.integers(values, time)
        values = values.astype(f"datetime64[{time.resolution}]")
        if time.zone is None or self._pandas is None:
            return values
        return self._pandas.Series(values).dt.tz_localize("UTC").dt.tz_convert(time.zone)

    def _categories(self, categories: tuple[str, ...], values: NDArray[Any]) -> Any:
        """As pandas' categories. One that was never seen is missing, as it is for a model that was trained so."""
        if self._pandas is None:
            return values
        number = {category: at for at, category in enumerate(categories)}
        codes = [number.get(value, -1) for value in values.tolist()]
        return self._pandas.Categorical.from_codes(codes, categories=list(categories))


def _as_they_are(values: NDArray[Any]) -> NDArray[Any]:
    return values


def _with_nan(values: NDArray[Any]) -> NDArray[Any]:
    return np.array([np.nan if text is None else text for text in values.tolist()], dtype=object)


def _flat_width(model: Any, contract: Contract) -> int | None:
    """The width of an estimator that takes flat rows, where the contract has images or tensors of as many values."""
    shape = contract.inputs[0].shape if contract.inputs else ()
    width = getattr(model, "n_features_in_", None)
    return width if len(shape) > 1 and -1 not in shape and width == prod(shape) else None


def _learnt_none(model: Any) -> bool:
    for part in parts_of(model):
        for categories in getattr(part, "categories_", None) or ():
            if any(category is None for category in categories):
                return True
    return False


def parts_of(model: Any) -> list[Any]:
    """An estimator and every fitted estimator inside it: steps of pipelines, columns, members of ensembles."""
    found, waiting, seen = [], [model], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if hasattr(part, "get_params") or hasattr(part, "tree_"):
            found.append(part)
            waiting.extend(value for name, value in vars(part).items() if name.endswith("_") or name == "steps")
        elif isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple) or (isinstance(part, np.ndarray) and part.dtype == object):
            waiting.extend(part)
    return found
