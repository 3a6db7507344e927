"""Rows of a binary model with a reference, as the log's reader gives them."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import learn

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"), Field(name="plan", datatype="BYTES")),
    outputs=(Field(name="label", datatype="BOOL"), Field(name="probabilities", datatype="FP64", shape=(2,))),
    task="binary",
    classes=(False, True),
)

Table = Callable[..., pa.Table]


@pytest.fixture
def version() -> ModelVersion:
    """`m:1`, whose reference has x around 0 and the plans free and pro."""
    rng = np.random.default_rng(0)
    columns = {"x": rng.standard_normal(5000), "plan": rng.choice(["free", "pro"], 5000)}
    spec = learn(columns, {"x": "numeric", "plan": "categorical"})
    profile = Profile(spec)
    profile.update(columns)
    return ModelVersion(
        name="m",
        version=1,
        digest="0" * 64,
        model_format="onnx",
        serving_digest="0" * 64,
        serving_format="onnx",
        placement="inline",
        contract=CONTRACT,
        created_at=NOON,
        created_by="test",
        profile={"spec": spec.to_dict(), "counts": b64encode(profile.to_bytes()).decode()},
    )


@pytest.fixture
def table() -> Table:
    """Make rows of given x, plan and score; `other` is what another version named."""

    def make(
        x: NDArray[np.float64],
        plan: NDArray[np.str_],
        score: NDArray[np.float64],
        other: NDArray[np.bool_] | None = None,
    ) -> pa.Table:
        columns = {
            "prediction_id": [f"p{number}" for number in range(len(x))],
            "version": ["m:1"] * len(x),
            "event_at": pa.array([NOON + timedelta(minutes=each) for each in range(len(x))], pa.timestamp("us", "UTC")),
            "input.x": x,
            "input.plan": plan.tolist(),
            "output.label": score >= 0.5,
            "output.probabilities": np.stack((1 - score, score), axis=1).tolist(),
        }
        return pa.table(columns | ({"other.label": other} if other is not None else {}))

    return make
