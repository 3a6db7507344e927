"""The ready-made trainer on scikit-learn's own data, in this process."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.domain.retraining import Mode
from interlock.learning import workspace
from interlock.learning.context import Parent, Task, TrainingContext
from interlock.learning.dataset import TRAINING
from interlock.learning.estimators import train

CANCER = load_breast_cancer()
HALF = 280


def _contract(names: list[str], task: Any, classes: tuple[int, ...] = ()) -> Contract:
    inputs = tuple(Field(name=name, datatype="FP64") for name in names)
    return Contract(inputs=inputs, outputs=(), task=task, classes=classes)


def _context(
    folder: Path, parent: Any, rows: Any, labels: Any, *, mode: Mode = "scratch", weights: Any = None, **parameters: Any
) -> TrainingContext:
    """A run's folder with these rows, whose champion is `parent`."""
    workspace.prepare(folder)
    skops.io.dump(parent, folder / "parent.skops")
    names = [f"x{at}" for at in range(rows.shape[1])]
    columns = {f"input.{name}": rows[:, at] for at, name in enumerate(names)}
    columns |= {"label": labels, "weight": np.ones(len(labels)) if weights is None else weights}
    times = [datetime(2026, 1, 1, tzinfo=UTC)] * len(labels)
    pq.write_table(
        pa.table({**columns, "event_at": times, "observed_at": times, "unit": ["u"] * len(labels)}), folder / TRAINING
    )
    is_numbers = labels.dtype.kind == "f"
    task = Task(
        endpoint="e",
        folder=str(folder),
        trainer="sklearn",
        mode=mode,
        seed=3,
        label="label",
        contract=_contract(names, "regression" if is_numbers else "binary", () if is_numbers else (0, 1)),
        parent=Parent(ref="m:1", model_format="skops", path=str(folder / "parent.skops")),
        log=str(folder / "log"),
        parameters=parameters,
    )
    return TrainingContext(task)


def _halves() -> tuple[Any, Any, Any, Any]:
    rows, labels = CANCER.data, CANCER.target.astype(np.int64)
    return rows[:HALF], labels[:HALF], rows[HALF:], labels[HALF:]


def test_from_scratch_is_the_same_recipe_on_other_rows(tmp_path: Path) -> None:
    old_rows, old_labels, rows, labels = _halves()
    parent = make_pipeline(StandardScaler(), LogisticRegression(C=0.3)).fit(old_rows, old_labels)
    made = train(_context(tmp_path, parent, rows, labels))
    expected = make_pipeline(StandardScaler(), LogisticRegression(C=0.3)).fit(rows, labels)
    np.testing.assert_allclose(made.predict_proba(rows), expected.predict_proba(rows))


def test_parameters_and_seed_are_set(tmp_path: Path) -> None:
    old_rows, old_labels, rows, labels = _halves()
    parent = RandomForestClassifier(5, random_state=0).fit(old_rows, old_labels)
    made = train(_context(tmp_path, parent, rows, labels, n_estimators=7))
    assert (len(made.estimators_), made.random_state) == (7, 3)
    with pytest.raises(InvalidInputError, match="parameters"):
        train(_context(tmp_path, parent, rows, labels, trees=7))


def test_a_regressor_too(tmp_path: Path) -> None:
    rows, target = load_diabetes(return_X_y=True)
    parent = LinearRegression().fit(rows[:200], target[:200])
    made = train(_context(tmp_path, parent, rows[200:], target[200:]))
    np.testing.assert_allclose(made.coef_, LinearRegression().fit(rows[200:], target[200:]).coef_)


def test_weights_are_handed_to_the_last_step(tmp_path: Path) -> None:
    old_rows, old_labels, rows, labels = _halves()
    weights = np.linspace(0.1, 1, len(labels))
    parent = make_pipeline(StandardScaler(), LogisticRegression()).fit(old_rows, old_labels)
    made = train(_context(tmp_path, parent, rows, labels, weights=weights))
    expected = make_pipeline(StandardScaler(), LogisticRegression()).fit(
        rows, labels, logisticregression__sample_weight=weights
    )
    np.testing.assert_allclose(made.predict_proba(rows), expected.predict_proba(rows))


def test_an_estimator_without_weights_is_refused_where_rows_are_weighted(tmp_path: Path) -> None:
    old_rows, old_labels, rows, labels = _halves()
    parent = KNeighborsClassifier().fit(old_rows, old_labels)
    with pytest.raises(InvalidInputError, match="KNeighborsClassifier takes no weights"):
        train(_context(tmp_path, parent, rows, labels, weights=np.linspace(0.1, 1, len(labels))))


def test_fine_tuning_by_partial_fit_is_what_partial_fit_does(tmp_path: Path) -> None:
    old_rows, old_labels, rows, labels = _halves()
    parent = GaussianNB().fit(old_rows, old_labels)
    made = train(_context(tmp_path, parent, rows, labels, mode="fine_tune"))
    both = GaussianNB().fit(np.vstack([old_rows, rows]), np.concatenate([old_labels, labels]))
    np.testing.assert_allclose(made.theta_, both.theta_, rtol=1e-6)


def test_fine_tuning_a_pipeline_leaves_its_first_steps_alone(tmp_path: Path) -> None:
    old_rows, old_labels, rows, labels = _halves()
    parent = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)).fit(old_rows, old_labels)
    made = train(_context(tmp_path, parent, rows, labels, mode="fine_tune", epochs=2))
    np.testing.assert_array_equal(made[0].mean_, parent[0].mean_)
    assert not np.allclose(made[-1].coef_, parent[-1].coef_)
    assert made.score(rows, labels) > 0.9


@pytest.mark.parametrize(
    ("parent", "size"),
    [
        (RandomForestClassifier(20, random_state=0), lambda model: len(model.estimators_)),
        (HistGradientBoostingClassifier(max_iter=20, random_state=0), lambda model: model.n_iter_),
    ],
)
def test_fine_tuning_an_ensemble_adds_members(tmp_path: Path, parent: Any, size: Any) -> None:
    old_rows, old_labels, rows, labels = _halves()
    parent.fit(old_rows, old_labels)
    assert size(train(_context(tmp_path, parent, rows, labels, mode="fine_tune"))) == 22
    assert size(train(_context(tmp_path, parent, rows, labels, mode="fine_tune", more=5))) == 25


def test_what_cannot_be_taught_further_says_so(tmp_path: Path) -> None:
    old_rows, old_labels, rows, labels = _halves()
    parent = KNeighborsClassifier().fit(old_rows, old_labels)
    with pytest.raises(InvalidInputError, match="cannot be taught further; say mode: scratch"):
        train(_context(tmp_path, parent, rows, labels, mode="fine_tune"))


def test_a_champion_that_is_no_object_here_is_named(tmp_path: Path) -> None:
    old_rows, old_labels, rows, labels = _halves()
    context = _context(tmp_path, GaussianNB().fit(old_rows, old_labels), rows, labels)
    context.parent = Parent(ref="m:1", model_format="onnx", path="x")
    with pytest.raises(UnloadableModelError, match=r"m:1 is stored as onnx.*write a trainer"):
        train(context)
