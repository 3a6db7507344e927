"""The certified streams are counted as the collector counts, and judged as the gate does at every look."""

import numpy as np
import pytest

from benchmarks.releases import hard_streams
from benchmarks.releases.certify_errors import ALPHA
from benchmarks.releases.certify_streams import counted, is_breach, rolls_back, z_test_rolls_back
from benchmarks.releases.hard_streams import RAMP, SLOW_RAMP, Stream
from interlock.predictions.gate_counting import GateCounting
from interlock.predictions.records import Assignment, FailureRecord
from interlock.store import Store


@pytest.mark.parametrize("name", ["heavy units", "retry storms, by key", "retry storms"])
def test_failures_are_counted_as_the_collector_counts_them(store_url: str, name: str) -> None:
    stream = hard_streams.STREAMS[name](np.random.default_rng(1), RAMP)
    store = Store(store_url)
    failed = np.flatnonzero(stream.failed)[:400]
    records = [_record(stream, number) for number in failed.tolist()]
    with store.transaction() as tx:
        # In two segments, as they would come.
        GateCounting(records[:150]).add_to(tx)
        GateCounting(records[150:]).add_to(tx)
        found = {(each.step, each.is_challenger): each.new_failures for each in tx.gate_counts.list("r")}
    store.close()
    events = [number for number in counted(stream).tolist() if number <= failed[-1]]
    expected: dict[tuple[int, bool], int] = {key: 0 for key in found}
    for number in events:
        expected[int(stream.step[number]), bool(stream.challenger[number])] += 1
    assert found == expected


def _record(stream: Stream, number: int) -> FailureRecord:
    side = bool(stream.challenger[number])
    share = RAMP[int(stream.step[number])]
    assignment = Assignment(
        release_id="r",
        step=int(stream.step[number]),
        assigned_version="m:2" if side else "m:1",
        is_challenger=side,
        attempt_status="model_error",
        propensity=share if side else 1 - share,
    )
    unit = None if stream.unit is None else f"u{stream.unit[number]}"
    return FailureRecord("e", 0, str(number), assignment, unit, 1, 100)


@pytest.mark.parametrize("shares", [(0.05,), RAMP])
def test_the_verdict_is_that_of_the_gate_asked_after_every_failure(shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(3)
    for _ in range(6):
        stream = hard_streams.even(rng, shares)
        worse = stream.challenger & (rng.random(len(stream.failed)) < rng.choice([0.0, 0.02, 0.05]))
        stream = Stream(stream.step, stream.challenger, stream.failed | worse)
        events = counted(stream)
        looks = (is_breach(stream, events[:until], shares) for until in range(1, len(events) + 1))
        assert rolls_back(stream, shares) == any(looks)


def test_the_gate_keeps_its_level_where_a_z_test_does_not() -> None:
    rng, runs = np.random.default_rng(4), 60
    streams = [hard_streams.always_failing(rng, SLOW_RAMP) for _ in range(runs)]
    found = np.mean([rolls_back(stream, SLOW_RAMP) for stream in streams])
    assert found <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / runs) ** 0.5
    many = [hard_streams.many_rows(rng, (0.5,)) for _ in range(runs)]
    assert np.mean([z_test_rolls_back(stream) for stream in many]) > 0.5
