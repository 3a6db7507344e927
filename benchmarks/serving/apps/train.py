"""Trains both models with the scikit-learn of the interpreter that runs it: `train.py FOLDER FORMAT SEED`."""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main(folder: Path, kind: str, seed: int) -> None:
    found = load_breast_cancer()
    chosen = np.random.default_rng(seed).permutation(400)[:380]
    for name, model in (
        ("lr", make_pipeline(StandardScaler(), LogisticRegression())),
        ("rf", RandomForestClassifier(100, random_state=seed)),
    ):
        model.fit(found.data[chosen], found.target[chosen])
        store(model, folder / name, kind)


def store(model: object, path: Path, kind: str) -> None:
    if kind == "joblib":
        import joblib

        joblib.dump(model, path.with_suffix(".joblib"))
    elif kind == "skops":
        import skops.io

        skops.io.dump(model, path.with_suffix(".skops"))
    else:
        import mlflow.sklearn

        mlflow.sklearn.save_model(model, str(path), serialization_format="cloudpickle")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
