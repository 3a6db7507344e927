"""What may be declared of online learning."""

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.domain.online import OnlineLearning, parse


def test_nothing_said_is_a_shadow_learner_that_begins_now() -> None:
    assert parse({}) == OnlineLearning()
    assert (parse({}).serve, parse({}).begin) == (False, "now")


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"every_labels": 0}, "every_labels == 0, must be a number of at least 1"),
        ({"every_seconds": 0.5}, "every_seconds == 0.5, must be a number of at least 1"),
        ({"margin": 0}, "margin == 0, must be above 0 and at most 1"),
        ({"model": "wine"}, "model: "),
        ({"bounds": {"sources": []}}, "bounds.sources is empty"),
        ({"bounds": {"lowest": 2, "highest": 1}}, "bounds.lowest == 2, must not be above"),
        ({"bounds": {"most_per_minute": 0}}, "bounds.most_per_minute == 0"),
        ({"serv": True}, "online_learning: Object contains unknown field `serv`"),
    ],
)
def test_every_rule_is_said(document: dict[str, object], fault: str) -> None:
    with pytest.raises(InvalidInputError, match="online_learning") as refused:
        parse(document)
    assert fault in str(refused.value)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse({"every_labels": 0, "margin": 2})
    assert len(refused.value.faults) == 2
