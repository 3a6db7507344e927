from typing import Any

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.domain.policy import Range, TargetPolicy, read_policy

BOTH = {"wine:1": 0.25, "wine:2": 0.75}


def test_a_policy_is_read_as_people_write_it() -> None:
    policy = read_policy(
        {
            "shares": BOTH,
            "segments": [
                {"when": {"color": "red", "alcohol": {"at_least": 12}}, "shares": {"wine:3": 1}},
                {"when": {"color": ["rose", "white"]}, "shares": {"wine:1": 1.0, "wine:2": 0}},
            ],
        }
    )
    assert isinstance(policy, TargetPolicy)
    assert policy.columns == ["color", "alcohol"]
    assert policy.versions == ["wine:1", "wine:2", "wine:3"]
    assert policy.segments[0].when["alcohol"] == Range(at_least=12.0)
    assert policy.segments[0].spelled == "color = red and alcohol at least 12"
    assert policy.segments[1].spelled == "color in rose, white"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "missing required field `shares`"),
        ({"shares": {"wine:1": 0.5}}, "shares of all other rows sum to 0.5, must sum to 1"),
        ({"shares": {"wine:1": 1.5, "wine:2": -0.5}}, "share of wine:1 for all other rows == 1.5"),
        ({"shares": {"wine": 1}}, "wine"),
        ({"shares": BOTH, "segment": []}, "unknown field `segment`"),
        ({"shares": BOTH, "segments": [{"when": {}, "shares": BOTH}]}, "without conditions"),
        ({"shares": BOTH, "segments": [{"when": {"x": {"over": 1}}, "shares": BOTH}]}, "unknown field `over`"),
        (
            {"shares": BOTH, "segments": [{"when": {"x": 1}, "shares": {"wine:1": 0.1}}]},
            "shares of rows with x = 1 sum to 0.1",
        ),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_with_what_is_wrong(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        read_policy(given)
