from typing import Any

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.domain.retraining import Retraining, parse


def faults(**said: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as refused:
        parse(said)
    return list(refused.value.faults)


def test_one_line_is_enough() -> None:
    assert parse({"trainer": "sklearn"}) == parse({}) == Retraining()


def test_a_trainer_of_ones_own_says_where_its_code_is() -> None:
    declared = parse({"trainer": "python:learn.train", "code": "/srv/code"})
    assert declared.entry == "learn.train"
    assert declared.names_code
    assert faults(trainer="python:learn.train") == [
        "retraining: code is missing: the folder that holds the trainer's module"
    ]


@pytest.mark.parametrize("trainer", ["torch", "python:train", "python:../x.y", "python:a.b c"])
def test_what_is_no_trainer_is_refused_by_name(trainer: str) -> None:
    assert repr(trainer) in faults(trainer=trainer, code="/srv/code")[0]


def test_only_a_ready_made_trainer_without_files_needs_no_administrator() -> None:
    assert not parse({"trainer": "sklearn", "parameters": {"C": 1}}).names_code
    assert parse({"trust_pickle": True}).names_code
    assert parse({"references": {"holidays": "/srv/holidays.csv"}}).names_code


def test_new_code_needs_a_folder_to_watch() -> None:
    assert faults(triggers={"new_code": True}) == [
        "retraining: triggers.new_code == true, and there is no folder of code to watch; say code, or leave it out"
    ]
    assert parse({"code": "/srv/code", "triggers": {"new_code": True}}).triggers.new_code


def test_all_faults_are_told_at_once() -> None:
    assert faults(holdout=1.0, margin=-1, fewest_heldout=5, limit_minutes=0, window={"days": 0, "rows": 0}) == [
        "retraining: holdout == 1, must be between 0 and 1, both excluded",
        "retraining: fewest_heldout == 5, must be at least 100",
        "retraining: margin == -1, must be at least 0",
        "retraining: window.rows == 0, must be at least 1",
        "retraining: limit_minutes == 0, must be above 0",
        "retraining: window.days == 0, must be above 0",
    ]


def test_an_unknown_field_is_named() -> None:
    assert "`windw`" in faults(windw={"days": 3})[0]
