from collections.abc import Callable

import msgspec
import numpy as np

from interlock.domain.evidence import StepCounts
from interlock.domain.release import ReleasePlan
from interlock.releases import errors
from interlock.releases.evidence import Evidence

Counts = Callable[..., StepCounts]
Make = Callable[..., Evidence]


def test_more_failures_than_the_share_explains_are_a_breach(counts: Counts, evidence: Make) -> None:
    gate = errors.gate(evidence([counts(0, False, 3000, 27), counts(0, True, 340, 14)]))
    assert gate.outcome == "breach"
    assert not gate.non_inferior
    assert gate.lower is not None
    assert gate.lower > 1.1
    assert gate.reason.startswith("errors 4.1 % against 0.9 %, at least ")
    assert gate.counts == {"champion": 3000, "challenger": 340}


def test_harm_is_said_before_the_minimum_is_there(counts: Counts, evidence: Make) -> None:
    assert errors.gate(evidence([counts(0, False, 200, 0), counts(0, True, 20, 9)])).outcome == "breach"


def test_too_few_units_in_this_step_are_not_enough_whatever_came_before(counts: Counts, evidence: Make) -> None:
    found = [counts(0, False, 9000, 9), counts(0, True, 1000, 1), counts(1, False, 50), counts(1, True, 40)]
    gate = errors.gate(evidence(found, step=1))
    assert (gate.outcome, gate.non_inferior) == ("not_enough_data", False)
    assert "40 of 100 challenger requests in this step" in gate.reason


def test_nothing_is_not_enough_data(evidence: Make) -> None:
    gate = errors.gate(evidence())
    assert (gate.outcome, gate.non_inferior, gate.estimate) == ("not_enough_data", False, None)


def test_no_failures_are_ok_and_surely_rare_only_after_enough_units(counts: Counts, evidence: Make) -> None:
    few = errors.gate(evidence([counts(0, False, 900), counts(0, True, 300)]))
    assert (few.outcome, few.non_inferior) == ("ok", False)
    many = errors.gate(evidence([counts(0, False, 900), counts(0, True, 1500)]))
    assert (many.outcome, many.non_inferior) == ("ok", True)
    assert "surely below 1 %" in many.reason


def test_common_failures_are_compared_by_their_ratio(counts: Counts, evidence: Make) -> None:
    found = [counts(1, False, 10_000, 1000), counts(1, True, 10_000, 1000)]
    gate = errors.gate(evidence(found, step=1))
    assert (gate.outcome, gate.non_inferior) == ("ok", True)
    assert "surely at most 1." in gate.reason


def test_a_rising_base_rate_during_the_ramp_is_no_harm(counts: Counts, evidence: Make) -> None:
    # Pooled, 55 of 1100 against 145 of 9900 would look three times as bad.
    found = [counts(0, False, 9000, 90), counts(0, True, 1000, 10), counts(1, False, 900, 55), counts(1, True, 900, 55)]
    assert errors.gate(evidence(found, step=1)).outcome == "ok"


def test_equal_versions_are_rarely_called_harmful(counts: Counts, evidence: Make) -> None:
    rng = np.random.default_rng(5)
    alarms, plan = 0, ReleasePlan(steps=(0.1, 0.5, 1.0), alpha=0.2)
    for _ in range(100):
        totals, alarmed = {(step, side): [0, 0] for step in (0, 1) for side in (False, True)}, False
        for look in range(30):
            step, share = (0, 0.1) if look < 15 else (1, 0.5)
            for side, expected in ((True, share), (False, 1 - share)):
                units = rng.binomial(200, expected)
                totals[step, side][0] += units
                totals[step, side][1] += rng.binomial(units, 0.05)
            found = [
                StepCounts(release_id="wine-1", step=step, is_challenger=side, units=units, failed_units=failed)
                for (step, side), (units, failed) in totals.items()
            ]
            alarmed |= errors.gate(evidence(found, step=step, plan=plan)).outcome == "breach"
        alarms += alarmed
    # The gate's alpha is 0.05; three standard errors of 100 runs.
    assert alarms / 100 <= 0.05 + 3 * 0.022


def test_units_that_failed_in_an_earlier_step_are_no_news(counts: Counts, evidence: Make) -> None:
    found = [counts(step, side, 400, 14 if side else 3) for step in (0, 1) for side in (False, True)]
    again = [msgspec.structs.replace(each, first_failed_units=0) if each.step else each for each in found]
    twice, once = (errors.gate(evidence(each, step=1)).details["p_value"] for each in (found, again))
    alone = errors.gate(evidence(found[:2], step=1)).details["p_value"]
    assert twice < once == alone
