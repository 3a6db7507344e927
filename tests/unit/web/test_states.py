from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from interlock.domain.release import ReleaseState
from interlock.domain.verdict import Check, CheckOutcome, Signal, Verdict
from interlock.web import states

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def verdict(signal: Signal, outcome: CheckOutcome, name: str = "drift.a", **more: Any) -> Verdict:
    check = Check(name=name, signal=signal, version="m:1", outcome=outcome, value=None, expected="", **more)
    return Verdict(endpoint="e", window_start=NOW, window_end=NOW, check=check, at=NOW)


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ([], ("unknown", "not judged yet")),
        ([verdict("input", "no_data")], ("unknown", "not enough data")),
        ([verdict("input", "ok"), verdict("quality", "no_data")], ("ok", "fine")),
        ([verdict("input", "ok"), verdict("output", "error")], ("watch", "outputs: a check broke")),
        ([verdict("input", "breach")], ("watch", "a changed")),
        ([verdict("input", "breach"), verdict("input", "breach", "drift.b")], ("watch", "2 inputs changed")),
        ([verdict("input", "breach"), verdict("quality", "breach", "roc_auc")], ("breach", "quality low")),
        ([verdict("service", "breach", "latency_p95_ms")], ("breach", "slow")),
        ([verdict("service", "breach", "failures")], ("breach", "failing")),
        ([verdict("rejected", "breach", "rejected")], ("breach", "requests refused")),
    ],
)
def test_an_endpoint_is_as_well_as_its_worst_signal(given: list[Verdict], state: tuple[str, str]) -> None:
    assert states.endpoint(given) == state


def test_no_data_never_looks_like_good_news() -> None:
    assert states.check(verdict("input", "no_data").check).kind == "unknown"
    assert states.signal("quality", []).kind == "unknown"


def test_every_state_of_a_release_has_a_word() -> None:
    assert all(states.release(each).word for each in get_args(ReleaseState))


@pytest.mark.parametrize(
    ("kinds", "line"),
    [
        ([], "Nothing has been judged yet"),
        (["unknown"], "Nothing has been judged yet"),
        (["ok", "unknown"], "Nothing needs you"),
        (["watch", "ok"], "e0 is worth a look"),
        (["breach", "watch"], "e0 needs you"),
        (["breach", "breach"], "2 endpoints need you"),
    ],
)
def test_the_first_line_says_what_matters(kinds: list[states.Kind], line: str) -> None:
    found = [(f"e{number}", states.State(kind, "")) for number, kind in enumerate(kinds)]
    assert states.headline(found, is_served=True) == line
    assert states.headline(found, is_served=False) == "No gateway answers"
