"""From measured growth to an interval: faster worlds want shorter ones, and what is not shown wants none."""

import msgspec
import pytest

from interlock.domain.advice import Measured
from interlock.learning.advising import propose

TOLERATED = 0.01


def measured(per_day: float, sure: float = 0.0, **changes: float) -> Measured:
    """A loss of 0.2 that grows, give or take."""
    found = Measured(
        rows=10_000, loss="brier", fresh_loss=0.2, per_day=per_day, lower=per_day - sure, upper=per_day + sure,
        models=6, stretches=8, span_days=90.0, run_seconds=30.0, runs_known=3, label_delay_days=0.2,
    )  # fmt: skip
    return msgspec.structs.replace(found, **changes)


def test_the_longest_interval_that_keeps_to_what_is_tolerated_is_proposed() -> None:
    # A day's growth of 0.0005: half of it, times 7 days, is 0.00175 of the 0.002 tolerated; 14 days are too many.
    found = propose(measured(0.0005), TOLERATED)
    assert found.proposal is not None
    assert found.proposal.every_hours == 7 * 24
    assert "every 7 days a model loses 0.9% on average" in found.reason


def test_the_faster_the_growth_the_shorter_the_interval() -> None:
    hours = [
        proposal.every_hours
        for growth in (0.0001, 0.0005, 0.001, 0.005, 0.01)
        if (proposal := propose(measured(growth), TOLERATED).proposal)
    ]
    assert hours == [30 * 24, 7 * 24, 3 * 24, 0.5 * 24, 0.25 * 24]


def test_how_sure_it_is_widens_what_it_could_be() -> None:
    proposal = propose(measured(0.0005, sure=0.0004), TOLERATED).proposal
    assert proposal is not None
    assert (proposal.shortest_hours, proposal.every_hours, proposal.longest_hours) == (3 * 24, 7 * 24, 30 * 24)


def test_growth_that_could_be_none_wants_nothing_and_says_what_the_worst_is() -> None:
    found = propose(measured(0.0001, sure=0.0002), TOLERATED)
    assert found.proposal is None
    assert found.reason.startswith("no need seen")
    assert "6.8%" in found.reason  # 0.0003 * 90 / 2 / 0.2


def test_growth_too_slow_to_matter_within_the_log_wants_nothing() -> None:
    found = propose(measured(0.00001), TOLERATED)
    assert found.proposal is None
    assert "no need seen: the loss grows, but one model for all of 90 days loses 0.2%" in found.reason


def test_without_bounds_nothing_is_proposed() -> None:
    found = propose(measured(0.01, lower=None, upper=None), TOLERATED)  # type: ignore[arg-type]  # as where models are few
    assert found.proposal is None
    assert "too few models" in found.reason


def test_sooner_than_labels_come_is_not_proposed() -> None:
    found = propose(measured(0.01, label_delay_days=2.5), TOLERATED)
    assert found.proposal is not None
    assert found.proposal.every_hours == 3 * 24
    assert "more than the 1.0% tolerated" in found.reason
    assert [each.days for each in found.intervals if "labels take" in each.why_not] == [0.25, 0.5, 1.0, 2.0]


def test_a_run_that_takes_more_than_a_tenth_of_the_time_is_not_proposed() -> None:
    found = propose(measured(0.01, run_seconds=4 * 3600.0), TOLERATED)
    assert found.proposal is not None
    assert found.proposal.every_hours == 2 * 24
    assert found.intervals[0].why_not == "runs would take 67% of the time"


def test_each_interval_says_its_cost_and_its_gain() -> None:
    week = next(each for each in propose(measured(0.0005), TOLERATED).intervals if each.days == 7)
    assert week.excess == pytest.approx(0.00175)
    assert week.gain == pytest.approx(0.0005 * (90 - 7) / 2)
    assert week.machine_share == pytest.approx(30 / (7 * 86_400))


def test_intervals_beyond_the_oldest_age_that_was_seen_are_not_spoken_of() -> None:
    assert max(each.days for each in propose(measured(0.0005, span_days=20.0), TOLERATED).intervals) == 14
