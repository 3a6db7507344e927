"""A registry on a real store, and real models of every kind, trained on small made-up data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io

from interlock.domain.model import ModelVersion
from interlock.registry.examine import examine
from interlock.registry.register import Examiner, examine_apart
from interlock.registry.registration import Registration
from interlock.registry.service import Registry
from interlock.store.database import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """A registry, its store, its artifacts, and a folder for files."""

    registry: Registry
    store: Store
    artifacts: Path
    folder: Path

    def save(self, model: Any, name: str = "model.skops") -> Path:
        path = self.folder / name
        skops.io.dump(model, path)
        return path

    def reference(self, rows: pd.DataFrame, name: str = "reference.parquet") -> Path:
        path = self.folder / name
        rows.to_parquet(path) if path.suffix == ".parquet" else rows.to_csv(path, index=False)
        return path

    def register(self, source: Path, reference: pd.DataFrame | None = None, **options: Any) -> ModelVersion:
        path = self.reference(reference) if reference is not None else None
        return self.registry.register(Registration(name="m", source=source, reference=path, **options))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def desk(tmp_path: Path, store: Store) -> Desk:
    """Examines in this process, which is quicker."""
    return make_desk(tmp_path, store, examine)


@pytest.fixture
def real_desk(tmp_path: Path, store: Store) -> Desk:
    """Examines in processes of their own, as the product does."""
    return make_desk(tmp_path, store, examine_apart)


def make_desk(tmp_path: Path, store: Store, examiner: Examiner) -> Desk:
    files = tmp_path / "files"
    files.mkdir()
    artifacts = tmp_path / "artifacts"
    return Desk(Registry(store, artifacts, lambda: NOW, examiner=examiner), store, artifacts, files)


@pytest.fixture(scope="session")
def make_rows() -> Callable[[int, int], pd.DataFrame]:
    """Rows of numbers, whole numbers, booleans and text, some missing, with a class `late` and a number `price`."""

    def make(count: int, seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        temp = rng.normal(20, 8, count).round(2)
        rows = pd.DataFrame(
            {
                "temp": np.where(rng.random(count) < 0.1, np.nan, temp),
                "hour": rng.integers(0, 24, count),
                "weekend": rng.random(count) < 0.3,
                "carrier": rng.choice(["AA", "B6", "UA"], count),
            }
        )
        signal = (temp - 20) / 8 + (rows["hour"] > 15) + (rows["carrier"] == "UA")
        rows["late"] = rng.random(count) < 1 / (1 + np.exp(-signal))
        rows["price"] = 100 + 10 * signal + rng.normal(0, 1, count)
        return rows

    return make
