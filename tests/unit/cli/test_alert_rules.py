import pytest

from interlock.cli import alert_rules


def test_what_a_rule_does_to_the_traffic_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    rule = {
        "name": "low", "check": "accuracy", "endpoint": "", "below": 0.6, "above": None, "severity": "critical",
        "days": 1, "over_after_days": 1, "fewest_rows": 1, "action": "roll_back", "off": False,
    }  # fmt: skip
    alert_rules._print([rule], as_json=False)
    assert "roll_back" in capsys.readouterr().out
