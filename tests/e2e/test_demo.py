"""The demo as a newcomer starts it: the year ends by itself, and the loop has closed without hands."""

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "interlock", "demo", "--once", "--json", "--seed", "3"],
        check=False, capture_output=True, text=True, timeout=1500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_no_caller_was_left_without_an_answer_and_nothing_is_lost(summary: dict[str, Any]) -> None:
    assert summary["requests"] >= 20_000
    assert summary["caller_failures"] == 0
    log = summary["log"]
    assert log["acknowledged"] == log["logged"] + log["waiting"] + log["quarantined"] + log["unrecorded"]


def test_a_good_version_is_promoted_a_bad_one_stopped_and_the_retrained_one_promoted(summary: dict[str, Any]) -> None:
    found = [(release["candidate"], release["state"]) for release in summary["releases"]]
    assert found == [("flights:2", "promoted"), ("flights:3", "rolled_back"), ("flights:4", "promoted")]


def test_the_loop_closes_and_nobody_touched_anything(summary: dict[str, Any]) -> None:
    loop = summary["loop"]
    assert (loop["closed"], loop["missed"], loop["acts_by_people"]) == (True, "", 0)
    assert loop["alert"]["rule"] == "accuracy-low"
    assert loop["run"]["version"] == "flights:4"
    assert loop["run"]["candidate_loss"] < loop["run"]["champion_loss"]
    days = loop["days_after_change"]
    assert 7 <= days["alert"] <= days["retrained"] < days["promoted"]
    assert days["recovered"] is not None


def test_quality_falls_and_comes_back(summary: dict[str, Any]) -> None:
    quality = summary["loop"]["quality"]
    assert quality["before"] > 0.8
    assert quality["lowest"] < 0.62
    assert quality["after"] > 0.78


def test_every_part_says_how_long_it_took(summary: dict[str, Any]) -> None:
    assert list(summary["parts"]) == ["first_versions", "until_autumn", "loop", "rest_of_the_year", "log"]
    assert sum(summary["parts"].values()) <= summary["seconds"]
