from datetime import UTC, datetime, timedelta
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field
from interlock.domain.endpoint import Detector
from interlock.monitoring import detectors
from interlock.monitoring.concept_drift import ErrorStream, alarms, stream_of

START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = pa.timestamp("us", tz="UTC")
BINARY = Contract(inputs=(), outputs=(Field(name="label", datatype="BOOL"),), task="binary", classes=(False, True))
REGRESSION = Contract(inputs=(), outputs=(Field(name="prediction", datatype="FP64"),), task="regression")
LOOKING = [name for name in get_args(Detector) if name != "dummy"]


def errors(*parts: tuple[float, int], seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.concatenate([(rng.random(count) < rate).astype(np.float64) for rate, count in parts])


@pytest.mark.parametrize("name", LOOKING)
def test_every_detector_sees_errors_that_rise_a_lot(name: Detector) -> None:
    found = alarms(name, errors((0.1, 600), (0.7, 300)))
    assert any(at >= 600 for at in found)
    # The first minutes after the rise, and not a day later.
    assert min(at for at in found if at >= 600) < 750


@pytest.mark.parametrize("name", LOOKING)
def test_errors_that_fall_are_no_alarm(name: Detector) -> None:
    found = alarms(name, errors((0.7, 600), (0.1, 300)))
    assert [at for at in found if at >= 640] == []


@pytest.mark.parametrize("name", get_args(Detector))
def test_the_same_errors_give_the_same_alarms(name: Detector) -> None:
    stream = errors((0.2, 500), (0.4, 500), seed=3)
    assert alarms(name, stream) == alarms(name, stream)


def test_the_dummy_does_not_look_at_errors() -> None:
    assert alarms("dummy", np.zeros(6000)) == alarms("dummy", errors((0.5, 6000))) != []


def test_a_stream_is_thinned_evenly_and_keeps_the_newest() -> None:
    stream = ErrorStream(np.arange(10.0), np.arange(10))
    assert stream.thinned(10).errors.tolist() == list(range(10))
    assert stream.thinned(4).errors.tolist() == [0, 3, 6, 9]
    assert stream.thinned(3).at_us.tolist() == [1, 5, 9]
    assert ErrorStream(np.zeros(0), np.zeros(0, dtype=np.int64)).thinned(5).errors.tolist() == []


def rows(hours: list[int], ids: list[str], **columns: object) -> pa.Table:
    at = pa.array([START + timedelta(hours=hour) for hour in hours], TIME)
    return pa.table({"event_at": at, "prediction_id": ids, **columns})


def test_errors_come_in_the_order_of_their_events_and_ids_without_what_cannot_be_read() -> None:
    table = rows(
        [2, 1, 1, 0, 3, 4], ["a", "c", "b", "d", "e", "f"],
        label=["true", "true", "false", None, "no class", "true"], label_number=pa.nulls(6, pa.float64()),
        weight=[1.0, 1.0, 1.0, 1.0, 1.0, 0.0], **{"output.label": [True, False, False, True, True, False]},
    )  # fmt: skip
    stream = stream_of(BINARY, table)
    assert stream.errors.tolist() == [0.0, 1.0, 0.0]
    hour = 3_600_000_000
    assert (stream.at_us - int(START.timestamp() * 1e6)).tolist() == [hour, hour, 2 * hour]


def test_how_far_off_a_regression_is_does_not_depend_on_its_unit() -> None:
    actual, predicted = np.arange(100.0), np.zeros(100)
    tables = [
        rows(list(range(100)), [f"{n:03}" for n in range(100)], label=["x"] * 100, label_number=actual * unit,
             **{"output.prediction": predicted})
        for unit in (1.0, 1000.0)
    ]  # fmt: skip
    first, second = (stream_of(REGRESSION, table).errors for table in tables)
    assert np.allclose(first, second)
    assert first[:50].mean() == pytest.approx(1.0)


def test_who_needs_mistakes_is_known_to_be_there() -> None:
    assert detectors.NEEDS_MISTAKES <= set(get_args(Detector)) == set(detectors.MOST_ERRORS)
