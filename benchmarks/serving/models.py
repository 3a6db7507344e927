"""Data and models that every server gets: scikit-learn's breast cancer rows, a logistic regression and a forest.

Each environment trains them itself, on the same rows with the same seed, and stores them as it will load them: no
server reads a file that another scikit-learn wrote.
"""

import csv
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sklearn.datasets import load_breast_cancer

from benchmarks.serving.environments import Environment

MODELS = ("LR", "RF")
APPS = Path(__file__).parent / "apps"

Format = Literal["joblib", "skops", "mlflow"]


@dataclass(frozen=True)
class Data:
    """One row to ask for, and a file of reference rows with their label."""

    row: list[float]
    reference: Path


def prepare_data(folder: Path) -> Data:
    """Write the reference rows."""
    found = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in found.feature_names]
    path = folder / "reference.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "label"])
        # The models are trained on the first 400 rows; a reference is what they have not seen.
        writer.writerows([*row, label] for row, label in zip(found.data[400:], found.target[400:], strict=True))
    return Data([float(value) for value in found.data[0]], path)


def train(environment: Environment, folder: Path, kind: Format, *, seed: int = 0) -> None:
    """Train both models and store them as `lr` and `rf` with the format's suffix (`mlflow`: folders without one).

    Args:
        seed: Another one gives slightly other models.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = [str(environment.python), str(APPS / "train.py"), str(folder), kind, str(seed)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
