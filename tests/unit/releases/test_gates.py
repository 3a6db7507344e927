import logging
from collections.abc import Callable

import pyarrow as pa
import pytest

from interlock.domain.evidence import StepCounts
from interlock.releases import gates
from interlock.releases.evidence import GATES, Evidence


def test_a_broken_gate_is_an_error_and_does_not_stop_the_others(
    evidence: Callable[..., Evidence], counts: Callable[..., StepCounts], caplog: pytest.LogCaptureFixture
) -> None:
    rows = pa.table({"unit": ["a"], "champion_status": ["ok"], "challenger_status": ["ok"]})
    with caplog.at_level(logging.ERROR):
        found = gates.judge(evidence([counts(0, False, 900), counts(0, True, 300)], rows))
    assert tuple(found) == GATES
    assert found["quality"].outcome == "error"
    assert not found["quality"].non_inferior
    assert "KeyError" in found["quality"].reason
    assert (found["errors"].outcome, found["latency"].outcome) == ("ok", "ok")
    assert "gate quality of release wine-1 broke" in caplog.text


def test_rows_that_the_log_does_not_have_are_not_compared(evidence: Callable[..., Evidence]) -> None:
    found = gates.judge(evidence(unscorable="a privacy rule keeps the values of input.x out of the log"))
    for kind in ("scoring_errors", "quality"):
        assert found[kind].outcome == "not_comparable"
        assert found[kind].reason.endswith(
            "cannot be compared: a privacy rule keeps the values of input.x out of the log"
        )
    assert found["errors"].outcome != "not_comparable"


def test_answers_that_the_log_does_not_have_have_no_quality(evidence: Callable[..., Evidence]) -> None:
    found = gates.judge(evidence(unlogged="no answers"))
    assert (found["quality"].outcome, found["scoring_errors"].outcome) == ("not_comparable", "not_enough_data")
