from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from interlock.domain.evidence import StepCounts
from interlock.domain.release import ReleasePlan
from interlock.releases import scoring_errors
from interlock.releases.evidence import Evidence

Paired = Callable[..., pa.Table]
Make = Callable[..., Evidence]
Counts = Callable[..., StepCounts]

P = [0.5, 0.5]


def rows(paired: Paired, number: int, challenger_fails: int, champion_fails: int = 0, **more: object) -> pa.Table:
    """The last rows fail: on the challenger's side, and before them on the champion's."""
    ok = number - challenger_fails - champion_fails
    champion = ["ok"] * ok + ["model_error"] * champion_fails + ["ok"] * challenger_fails
    challenger = ["ok"] * (ok + champion_fails) + ["model_error"] * challenger_fails
    table: pa.Table = paired(
        [0] * number, [P] * number, [P] * number, champion_status=champion, challenger_status=challenger, **more
    )
    return table


def test_a_candidate_that_fails_where_the_champion_answers_is_a_breach(paired: Paired, evidence: Make) -> None:
    # One flight in nine has no pressure.
    gate = scoring_errors.gate(evidence(paired=rows(paired, 180, 20)))
    assert gate.outcome == "breach"
    assert gate.details["challenger_failures"] == 20
    assert gate.reason.startswith("failures on the same rows 11 % against 0 %")


def test_rows_on_which_both_fail_say_nothing(paired: Paired, evidence: Make) -> None:
    table = rows(paired, 200, 30)
    both = table.set_column(
        table.schema.get_field_index("champion_status"), "champion_status", table["challenger_status"]
    )
    gate = scoring_errors.gate(evidence(paired=both))
    assert gate.outcome == "ok"


def test_a_unit_whose_rows_fail_whole_is_one_failure(paired: Paired, evidence: Make) -> None:
    gate = scoring_errors.gate(
        evidence(paired=rows(paired, 200, 20, units=[f"u{number // 20}" for number in range(200)]))
    )
    assert gate.details["challenger_failures"] == 1
    assert gate.counts == {"champion": 10, "challenger": 10}
    assert gate.outcome == "not_enough_data"


def test_no_failures_in_many_rows_are_not_worse(paired: Paired, evidence: Make) -> None:
    gate = scoring_errors.gate(evidence(paired=rows(paired, 1500, 0)))
    assert (gate.outcome, gate.non_inferior) == ("ok", True)


def test_without_rows_there_is_not_enough_data(evidence: Make) -> None:
    assert scoring_errors.gate(evidence()).outcome == "not_enough_data"


def _answered(
    rng: np.random.Generator, requests: int, share: float, rates: tuple[float, float]
) -> tuple[list[str], list[str], int]:
    """Requests of a release whose versions fail independently of each other: the statuses of both where there was an
    answer, which is what the log has, and how many the champion failed."""
    champion, challenger = (rng.random(requests) < rate for rate in rates)
    mine = rng.random(requests) < share
    logged = ~np.where(mine, challenger & champion, champion)
    statuses = [np.where(side[logged], "model_error", "ok").tolist() for side in (champion, challenger)]
    return statuses[0], statuses[1], int((champion & ~mine).sum())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_a_candidate_that_fails_as_often_on_other_requests_is_rarely_called_harmful(
    paired: Paired, counts: Counts, evidence: Make, share: float
) -> None:
    # Of what the champion failed, the log has nothing.
    rng, alarms, runs = np.random.default_rng(7), 0, 100
    for _ in range(runs):
        champion, challenger, unanswered = _answered(rng, 1500, share, (0.05, 0.05))
        nothing = [0] * len(champion), [P] * len(champion), [P] * len(champion)
        table = paired(*nothing, champion_status=champion, challenger_status=challenger)
        found = [counts(0, False, 1500, unanswered)]
        alarms += scoring_errors.gate(evidence(found, table, plan=ReleasePlan(alpha=0.2))).outcome == "breach"
    # The gate's alpha is 0.05; three standard errors.
    assert alarms / runs <= 0.05 + 3 * 0.022


def test_a_candidate_that_fails_more_often_than_the_champion_is_a_breach_although_that_fails_too(
    paired: Paired, counts: Counts, evidence: Make
) -> None:
    gate = scoring_errors.gate(evidence([counts(0, False, 1000, 10)], rows(paired, 990, 60)))
    assert gate.outcome == "breach"
    assert gate.counts == {"champion": 1000, "challenger": 990}
    assert gate.reason.startswith("failures on the same rows 6.1 % against 1 %, at least ")


def test_what_the_champion_failed_is_no_proof_that_the_candidate_would_not(
    paired: Paired, counts: Counts, evidence: Make
) -> None:
    # Both may fail on the same requests, of which the log has nothing.
    gate = scoring_errors.gate(evidence([counts(0, False, 4000, 400)], rows(paired, 3600, 100)))
    assert (gate.outcome, gate.non_inferior) == ("ok", False)
