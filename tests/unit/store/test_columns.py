from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from sqlalchemy.dialects.sqlite import dialect

from interlock.store.columns import Counts, Json, UtcTime

SQLITE = dialect()


def test_times_are_stored_in_utc_and_sort_as_text() -> None:
    early = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    late = datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC)
    texts = [UtcTime().process_bind_param(time, SQLITE) for time in (early, late)]
    assert texts == ["2025-12-31T23:30:00.000000Z", "2026-01-01T00:00:00.000005Z"]
    back = UtcTime().process_result_value(texts[0], SQLITE)
    assert back == early
    assert back is not None
    assert back.tzinfo is UTC


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="must say its time zone"):
        UtcTime().process_bind_param(datetime(2026, 1, 1), SQLITE)  # noqa: DTZ001


def test_counts_come_back_as_they_were() -> None:
    counts = np.array([0, 1, 2**40], dtype=np.int64)
    stored = Counts().process_bind_param(counts, SQLITE)
    back = Counts().process_result_value(stored, SQLITE)
    assert back is not None
    assert back.tolist() == [0, 1, 2**40]


def test_json_comes_back_as_its_type() -> None:
    column = Json(tuple[int, ...])
    assert column.process_result_value(column.process_bind_param((1, 2), SQLITE), SQLITE) == (1, 2)
