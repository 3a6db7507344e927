from collections.abc import Callable

import pyarrow as pa

from interlock.releases import scoring_errors
from interlock.releases.evidence import Evidence

Paired = Callable[..., pa.Table]
Make = Callable[..., Evidence]

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
