from collections.abc import Callable

from interlock.predictions.records import FailureRecord, PredictionRecord
from interlock.predictions.service_counting import HOUR_US, count, hour_at

Make = Callable[..., PredictionRecord]


def test_requests_count_in_the_hour_of_their_event_for_the_version_assigned(record: Make) -> None:
    fallback = {"assigned_version": "m:2", "attempt_status": "timeout", "is_challenger": True}
    requests: list[PredictionRecord | FailureRecord] = [
        record(1, rows=3, event_at_us=[5 * HOUR_US + 1] * 3),
        record(2, event_at_us=[5 * HOUR_US]),
        record(3, event_at_us=[5 * HOUR_US], assigned=fallback),
        FailureRecord("wine", 6 * HOUR_US, "q", record().assignment, None, 2, 900),
    ]
    found = {(delta.version, delta.hour): delta for delta in count(requests)}
    assert set(found) == {("m:1", hour_at(5)), ("m:2", hour_at(5)), ("m:1", hour_at(6))}
    answered, fell_back, failed = (
        found["m:1", hour_at(5)],
        found["m:2", hour_at(5)],
        found["m:1", hour_at(6)],
    )
    assert (answered.requests, answered.failures, answered.rows, answered.latency.sum()) == (2, 0, 4, 2)
    assert (fell_back.requests, fell_back.failures, fell_back.rows) == (1, 1, 1)
    assert (failed.requests, failed.failures, failed.rows) == (1, 1, 0)


def test_an_impossible_event_time_falls_back_to_the_time_of_the_answer(record: Make) -> None:
    (found,) = count([record(0, at_us=7 * HOUR_US, event_at_us=[10**18])])
    assert found.hour == hour_at(7)
