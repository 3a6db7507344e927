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
