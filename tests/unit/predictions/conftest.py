"""Records as a gateway makes them."""

from collections.abc import Callable

import pytest
from tests.prediction_records import prediction

from interlock.predictions.records import PredictionRecord


@pytest.fixture
def record() -> Callable[..., PredictionRecord]:
    """Makes a record: `record(3, rows=2, unit="ann", assigned={"step": 1}, latency_us=5)`."""
    return prediction
