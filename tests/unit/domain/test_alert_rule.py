from typing import Any

import pytest

from interlock.domain.alert_rule import WrittenRule, parse
from interlock.domain.errors import InvalidInputError

DEFAULTS = ["drift", "quality"]


def faults(*entries: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as refused:
        parse({"rules": list(entries)}, DEFAULTS)
    return list(refused.value.faults)


def test_a_threshold_and_a_default_rule_that_is_off() -> None:
    low = {"name": "low", "check": "accuracy", "below": 0.6}
    assert parse({"rules": [low, {"name": "drift", "off": True}]}, DEFAULTS) == [
        WrittenRule(name="low", check="accuracy", below=0.6),
        WrittenRule(name="drift", off=True),
    ]
    assert parse({"rules": []}, DEFAULTS) == []


def test_a_value_on_the_bound_is_not_bad() -> None:
    below, above = WrittenRule(name="a", below=0.6), WrittenRule(name="b", above=3)
    assert [below.is_bad(value) for value in (0.59, 0.6)] == [True, False]
    assert [above.is_bad(value) for value in (3.0, 3.1)] == [False, True]
    assert (below.bound, above.bound) == ("below 0.6", "above 3")


def test_all_faults_are_told_at_once() -> None:
    low = {"name": "low", "check": "accuracy", "below": 0.6}
    assert faults({**low, "above": 1}, {**low, "name": "High"}, {**low, "colour": "red"}, {"name": "low"}) == [
        "rule 1 (low): give one of below, above and unusual: true, and not two",
        "rule 2 (High): rule name == 'High', must be 1 to 128 of a-z 0-9 . _ - and start with a letter or digit",
        "rule 3: Object contains unknown field `colour`",
        "rule 4 (low): check is missing; `interlock monitor` names them",
        "rule 4 (low): give one of below, above and unusual: true, and not two",
        "rule low is there 2 times",
    ]
    assert faults({**low, "days": 0}) == ["rule 1 (low): days == 0, must be 1 to 366"]
    for nothing in (float("nan"), float("inf")):  # JSON would keep neither
        assert faults({**low, "below": nothing}) == [
            "rule 1 (low): below and above must be numbers, and not infinite ones"
        ]
    # Of more than a billion days there is no length of time.
    assert faults({**low, "over_after_days": 10**9}) == [
        "rule 1 (low): over_after_days == 1000000000, must be 1 to 366"
    ]


def test_default_rules_can_only_be_switched_off() -> None:
    assert "default rule" in faults({"name": "drift", "check": "accuracy", "below": 1})[0]
    assert "off: true is for default rules" in faults({"name": "mine", "off": True})[0]
    assert "off: true is for default rules" in faults({"name": "drift", "off": True, "below": 1})[0]


@pytest.mark.parametrize("document", [{}, {"rules": {}}, {"rules": [], "more": 1}])
def test_what_is_no_rules_file_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="a mapping with `rules`"):
        parse(document, DEFAULTS)


def test_a_rule_may_ask_for_what_past_weeks_do_not_explain() -> None:
    odd = {"name": "odd", "check": "volume", "unusual": True}
    (rule,) = parse({"rules": [odd]}, DEFAULTS)
    assert (rule.weeks, rule.chance) == (8, 0.001)
    assert faults({**odd, "below": 3}) == ["rule 1 (odd): give one of below, above and unusual: true, and not two"]
    assert faults({**odd, "weeks": 2}, {**odd, "name": "b", "chance": 0.5}) == [
        "rule 1 (odd): weeks == 2, must be 3 to 52",
        "rule 2 (b): chance == 0.5, must be over 0 and at most 0.1",
    ]
    assert "check: volume" in faults({"name": "odd", "check": "volume", "below": 3})[0]
