"""The demo's models: a first one, a better one, and a third one with a mistake that people really make.

Called by the demo's story and by its retraining. Every model is a scikit-learn pipeline of standard classes over the
columns of `flights.FEATURES`, so that it is saved without pickle and converted to ONNX. It refuses to take the month.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from interlock.demo.flights import FEATURES, LABEL, WEATHER, split

Kind = Literal["schedule", "boosting"]
Bad = Literal["missing", "timezone", "unit", "none"]

_CATEGORIES = ["carrier", "origin", "dest"]
_SCHEDULE = ["hour", "day_of_week", "distance"]
_NUMBERS = [name for name in FEATURES if name not in _CATEGORIES]

_INCHES_PER_MILLIBAR = 0.02953

# Rows kept from training, so that a profile of the model's answers is one of rows it had not seen.
_HELD_OUT = 0.15


# A leaf of 500 is a quarter of a week's rows: nothing could be told apart.
_FEW_ROWS_LEAF = 50


@dataclass(frozen=True, slots=True)
class Trained:
    """A pipeline, and rows held out from its training, prepared alike, mistake included: `FEATURES` and the label."""

    pipeline: Pipeline
    reference: pa.Table


def frame(table: pa.Table) -> pd.DataFrame:
    """The columns of `FEATURES` as a model takes them; missing weather is nan."""
    return table.select(list(FEATURES)).to_pandas()


def train(kind: Kind, table: pa.Table, seed: int) -> Trained:
    """Train version 1 or 2.

    Args:
        kind: `schedule` is what one writes first, logistic regression on the timetable. `boosting` adds the weather.
        table: Flights as `flights.load` gives them. 100,000 of them take about a second.
        seed: Of the boosting's validation split, and of the rows held out.

    Raises:
        ValueError: `kind` is neither.
    """
    if kind == "schedule":
        return _fit(_linear(_SCHEDULE), table, seed)
    if kind == "boosting":
        return _fit(_boosting(seed), table, seed)
    raise ValueError(f"kind == {kind!r}, must be 'schedule' or 'boosting'")


def third(bad: Bad, table: pa.Table, seed: int) -> Trained:
    """Train version 3, with a mistake in how its training data were prepared. It is served the same rows as version 2.

    Args:
        bad: `timezone` learned from hours in UTC. `unit` learned from a pressure in inches of mercury. `missing`
            learned, with an estimator that needs every value, from the rows that had them all. `none` is version 2's
            recipe with other random numbers.
        table: Flights as `flights.load` gives them.
        seed: Of the rows held out.

    Raises:
        ValueError: `bad` is none of these.
    """
    if bad == "missing":
        # Its author dropped incomplete rows before fitting, and described the model by the rows as they come.
        return _fit(_linear(_NUMBERS), table, seed, fit_on=_complete)
    if bad == "timezone":
        return train("boosting", _with_utc_hours(table), seed)
    if bad == "unit":
        return train("boosting", _with_pressure_in_inches(table), seed)
    if bad == "none":
        return train("boosting", table, seed + 1)
    raise ValueError(f"bad == {bad!r}, must be 'missing', 'timezone', 'unit' or 'none'")


def refit(rows: pd.DataFrame, late: NDArray[np.int64], seed: int) -> Pipeline:
    """Train version 2's recipe on few rows, as retraining has them.

    Args:
        rows: Columns of `FEATURES`; some thousands.
        late: 1 where the flight was late, shape (n,).
        seed: Of the boosting.
    """
    pipeline = _boosting(seed).set_params(classifier__min_samples_leaf=_FEW_ROWS_LEAF)
    return pipeline.fit(_exact(rows), late)


def _fit(
    pipeline: Pipeline, table: pa.Table, seed: int, *, fit_on: Callable[[pa.Table], pa.Table] = lambda rows: rows
) -> Trained:
    kept, held_out = split(table, _HELD_OUT, seed)
    kept = fit_on(kept)
    pipeline.fit(_exact(frame(kept)), kept[LABEL].to_numpy().astype(int))
    reference = held_out.select([*FEATURES, LABEL])
    return Trained(pipeline, reference.set_column(len(FEATURES), LABEL, reference[LABEL].cast(pa.int64())))


def _exact(rows: pd.DataFrame) -> pd.DataFrame:
    # ONNX compares in float32. A split halfway between two temperatures can be 52.519999999999996, and 52.52 then goes
    # right here and left there: up to 0.026 apart on a few rows in 100,000. Splits between multiples of 1/64 are exact.
    weather = list(WEATHER)
    return rows.assign(**((rows[weather] * 64).round() / 64))


def _linear(numbers: list[str]) -> Pipeline:
    columns = ColumnTransformer(
        [("categories", OneHotEncoder(handle_unknown="ignore"), _CATEGORIES), ("numbers", StandardScaler(), numbers)]
    )
    return Pipeline([("columns", columns), ("classifier", LogisticRegression(max_iter=300))])


def _boosting(seed: int) -> Pipeline:
    unknown = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("categories", unknown, _CATEGORIES), ("numbers", "passthrough", _NUMBERS)])
    # Few small trees with large leaves: a quarter's weather is soon known by heart, and the next quarter is different.
    classifier = HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.06,
        max_leaf_nodes=6,
        min_samples_leaf=500,
        l2_regularization=50.0,
        random_state=seed,
    )
    return Pipeline([("columns", columns), ("classifier", classifier)])


def _complete(table: pa.Table) -> pa.Table:
    for name in WEATHER:
        table = table.filter(pc.is_valid(table[name]))
    return table


def _with_utc_hours(table: pa.Table) -> pa.Table:
    return _replaced(table, "hour", pc.hour(table["scheduled_at"].cast(pa.timestamp("ms"))))


def _with_pressure_in_inches(table: pa.Table) -> pa.Table:
    return _replaced(table, "pressure", pc.multiply(table["pressure"], _INCHES_PER_MILLIBAR))


def _replaced(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
