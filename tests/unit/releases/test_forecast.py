"""What is told before a release must be what the gates then do."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import numpy as np
import pytest

from interlock.domain.evidence import StepCounts
from interlock.domain.release import ReleasePlan
from interlock.releases import errors, planning
from interlock.releases.evidence import Evidence
from interlock.releases.forecast import Forecast, Traffic, forecast, measure, sentence
from interlock.releases.planning import Baseline
from interlock.stats.log_histogram import SIZE
from interlock.store import Store
from interlock.store.service_hours import ServiceDelta

PLAN = ReleasePlan(steps=(0.1, 0.5, 1.0))
BUSY = Traffic(requests_per_hour=10_000, failure_rate=0.02, labels_per_hour=0, hours=168)


def of(traffic: Traffic = BUSY, plan: ReleasePlan = PLAN) -> Forecast:
    return forecast("wine", "canary", plan, traffic)


def test_the_last_step_ends_when_the_gate_on_errors_says_not_worse(
    evidence: Callable[..., Evidence], counts: Callable[..., StepCounts]
) -> None:
    last = of().steps[-1]

    def non_inferior(units: int) -> bool:
        sides = [counts(1, side, units, failed=round(0.02 * units)) for side in (True, False)]
        return errors.gate(evidence(sides, step=1)).non_inferior

    assert non_inferior(round(last.challenger_requests * 1.01))
    assert not non_inferior(round(last.challenger_requests * 0.97))


def test_the_smallest_harm_is_what_the_gate_sees(
    evidence: Callable[..., Evidence], counts: Callable[..., StepCounts]
) -> None:
    first, last = of().steps
    assert first.smallest_harm is not None
    assert last.smallest_harm is not None
    assert last.smallest_harm < first.smallest_harm
    units = first.challenger_requests

    def outcome(harm: float) -> str:
        failed = round(units * 0.02 * harm)
        sides = [counts(0, True, units, failed=failed), counts(0, False, units * 9, failed=round(units * 0.18))]
        return errors.gate(evidence(sides, step=0)).outcome

    assert (outcome(first.smallest_harm * 1.3), outcome(first.smallest_harm * 0.6)) == ("breach", "ok")


def test_time_goes_with_traffic_and_share() -> None:
    first, last = of().steps
    assert first.hours == pytest.approx(100 / (10_000 * 0.1))
    assert last.hours == pytest.approx(last.challenger_requests / 5000, rel=0.01)
    slow = of(msgspec.structs.replace(BUSY, requests_per_hour=1000))
    assert slow.hours == pytest.approx(10 * (of().hours or 0))


def test_labels_are_waited_for_where_they_come() -> None:
    found = of(msgspec.structs.replace(BUSY, labels_per_hour=100))
    assert found.steps[0].hours == pytest.approx(PLAN.min_labels / 100)
    unasked = of(msgspec.structs.replace(BUSY, labels_per_hour=100), ReleasePlan(require_labels="no"))
    assert unasked.steps[0].hours == pytest.approx(1.0)
    never = of(BUSY, msgspec.structs.replace(PLAN, require_labels="yes"))
    assert "no end in sight" in sentence(never)


def test_too_little_traffic_is_told_with_what_to_do_instead() -> None:
    found = of(Traffic(requests_per_hour=20, failure_rate=0.02, labels_per_hour=10, hours=168))
    assert (found.hours or 0) > 14 * 24
    assert found.advice == "over two weeks at this traffic; --strategy shadow scores the same rows in 4.2 days"
    none = of(Traffic(requests_per_hour=0, failure_rate=0, labels_per_hour=0, hours=0))
    assert none.hours is None
    assert "no traffic" in none.advice


def test_blue_green_takes_its_time_whatever_the_traffic() -> None:
    found = forecast("wine", "blue_green", ReleasePlan(steps=(0.5, 1.0), hold_seconds=1800), BUSY)
    assert (found.hours, found.advice) == (1.0, "")


def test_traffic_is_measured_over_the_last_week(store: Store, now: datetime) -> None:
    with store.transaction() as tx:
        for hours, requests in ((300, 99_999), (10, 500), (1, 500)):
            hour = now - timedelta(hours=hours)
            latency = np.zeros(SIZE, dtype=np.int64)
            tx.service_hours.add(ServiceDelta("wine", "wine:1", hour, requests, requests // 50, 2 * requests, latency))
    with store.read() as tx:
        found = measure(tx, "wine", now, labelled=0.25)
    assert found == Traffic(requests_per_hour=100, failure_rate=0.02, labels_per_hour=50, hours=10)


def test_a_test_of_several_candidates_is_sized_over_all_arms() -> None:
    plan = ReleasePlan(steps=(), reward="sold", mde=0.2)
    known = Baseline(100_000, 0.1, 0.09)
    found = [forecast("wine", "ab_test", plan, BUSY, known, candidates=number) for number in (1, 2, 3)]
    units = [each.planned_units or 0 for each in found]
    assert units == [planning.units_needed(plan, known, number) for number in (1, 2, 3)]
    # Every arm needs what one needs, and a little more as the level is split.
    assert 1.5 < units[1] / units[0] < 1.8
    assert units[2] / 4 > units[1] / 3 > units[0] / 2
    assert [each.steps[-1].traffic_share for each in found] == pytest.approx([1 / 2, 2 / 3, 3 / 4])
    assert "0.333 of them each candidate's" in found[1].advice
    assert found[1].hours is not None
    assert found[1].hours == pytest.approx(units[1] / (100_000 / 168))


def test_early_stages_of_a_test_last_until_every_candidate_has_its_units() -> None:
    plan = ReleasePlan(steps=(0.1, 0.6), reward="sold", min_units=200)
    early = forecast("wine", "ab_test", plan, BUSY, Baseline(1000, 0.1, 0.09), candidates=2).steps[0]
    assert early.challenger_requests == 400
