"""Figures of the real Evidently and NannyML, which our tests must reproduce.

Usage, each in an environment of its own (they need older libraries than Interlock has):

    python -m venv peer && peer/bin/pip install 'evidently==0.7.23' 'pandas<3'
    peer/bin/python scripts/make_golden.py evidently

    python -m venv peer && peer/bin/pip install 'nannyml==0.13.1' statsmodels 'pandas<3'
    peer/bin/python scripts/make_golden.py nannyml

Writes tests/golden/PEER.json, with the versions that computed it.
"""

import json
import platform
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
sys.path.insert(0, str(GOLDEN))

from rows import CBPE_CHUNK, cbpe_multiclass_rows, cbpe_rows, drift_rows  # noqa: E402


def evidently() -> dict[str, Any]:
    from evidently.legacy.calculations.stattests.jensenshannon import _jensenshannon
    from evidently.legacy.calculations.stattests.ks_stattest import _ks_stat_test
    from evidently.legacy.calculations.stattests.psi import _psi
    from evidently.legacy.calculations.stattests.wasserstein_distance_norm import _wasserstein_distance_norm
    from evidently.legacy.core import ColumnType

    found: dict[str, Any] = {}
    for name, sides in drift_rows().items():
        before, now = (pd.Series(side).replace([np.inf, -np.inf], np.nan).dropna() for side in sides)
        kind = ColumnType.Categorical if before.dtype == object else ColumnType.Numerical
        found[name] = {
            "psi_evidently": _psi(before, now, kind, 0.1)[0],
            "jensen_shannon_evidently": _jensenshannon(before, now, kind, 0.1)[0],
        }
        if kind == ColumnType.Numerical:
            found[name]["wasserstein_sigma"] = _wasserstein_distance_norm(before, now, kind, 0.1)[0]
            found[name]["ks_p"] = _ks_stat_test(before, now, kind, 0.05)[0]
    return {"drift": found}


def nannyml() -> dict[str, Any]:
    import nannyml as nml

    found: dict[str, Any] = {}
    for name, sides in drift_rows().items():
        before, now = (pd.DataFrame({name: side}) for side in sides)
        is_text = before[name].dtype == object
        methods = [
            "jensen_shannon",
            "hellinger",
            *(["l_infinity"] if is_text else ["kolmogorov_smirnov", "wasserstein"]),
        ]
        calculator = nml.UnivariateDriftCalculator(
            column_names=[name],
            treat_as_categorical=[name] if is_text else [],
            categorical_methods=methods if is_text else ["jensen_shannon"],
            continuous_methods=["jensen_shannon"] if is_text else methods,
            chunk_number=1,
        ).fit(before)
        table = calculator.calculate(now).filter(period="analysis").to_df()
        ours = {
            "jensen_shannon": "jensen_shannon_nannyml",
            "hellinger": "hellinger_nannyml",
            "l_infinity": "l_infinity",
            "kolmogorov_smirnov": "ks",
            "wasserstein": "wasserstein",
        }
        found[name] = {ours[method]: float(table[name, method, "value"].iloc[0]) for method in methods}
    return {"drift": found, "cbpe": _binary(nml), "cbpe_multiclass": _multiclass(nml)}


def _binary(nml: Any) -> dict[str, Any]:
    before, now = (pd.DataFrame(side) for side in cbpe_rows())
    metrics = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]
    estimator = nml.CBPE(
        problem_type="classification_binary",
        y_pred_proba="score",
        y_pred="prediction",
        y_true="label",
        metrics=metrics,
        chunk_size=CBPE_CHUNK,
    ).fit(before)
    return _estimates(estimator, now, metrics)


def _multiclass(nml: Any) -> dict[str, Any]:
    before, now = (pd.DataFrame(side) for side in cbpe_multiclass_rows())
    metrics = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]
    estimator = nml.CBPE(
        problem_type="classification_multiclass",
        y_pred_proba={name: f"score_{name}" for name in "abc"},
        y_pred="prediction",
        y_true="label",
        metrics=metrics,
        chunk_size=CBPE_CHUNK,
    ).fit(before)
    return _estimates(estimator, now, metrics)


def _estimates(estimator: Any, now: pd.DataFrame, metrics: list[str]) -> dict[str, Any]:
    table = estimator.estimate(now).filter(period="analysis").to_df()
    columns = ("value", "sampling_error", "lower_threshold", "upper_threshold", "lower_confidence_boundary",
               "upper_confidence_boundary")  # fmt: skip
    return {metric: {name: table[metric, name].astype(float).tolist() for name in columns} for metric in metrics}


def main() -> None:
    peer = sys.argv[1]
    warnings.simplefilter("ignore")
    figures = {"evidently": evidently, "nannyml": nannyml}[peer]()
    made_with = {name: version(name) for name in (peer, "numpy", "scipy", "pandas")} | {
        "python": platform.python_version()
    }
    text = json.dumps({"made_with": made_with, **figures}, indent=1)
    (GOLDEN / f"{peer}.json").write_text(text + "\n")
    print(text[:2000])


if __name__ == "__main__":
    main()
