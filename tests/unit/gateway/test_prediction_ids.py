import time
import uuid

from interlock.gateway.prediction_ids import PredictionIds


def test_ids_are_version_7_unique_and_rise() -> None:
    source = PredictionIds()
    ids = [id for _ in range(2000) for id in source.take(3)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert {uuid.UUID(id).version for id in ids} == {7}
    assert {uuid.UUID(id).variant for id in ids} == {uuid.RFC_4122}
    assert {str(uuid.UUID(id)) for id in ids} == set(ids)


def test_ids_carry_the_time() -> None:
    before = time.time_ns() // 1_000_000
    (id,) = PredictionIds().take(1)
    assert before <= uuid.UUID(id).int >> 80 <= time.time_ns() // 1_000_000
