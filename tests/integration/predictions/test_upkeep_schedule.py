from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from tests.integration.predictions.tables import content, predictions

from interlock.predictions import upkeep_schedule
from interlock.predictions.upkeep_schedule import UpkeepSchedule

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home


def schedule(home: "Home") -> UpkeepSchedule:
    return UpkeepSchedule(home.settings.log, home.settings.database_url)


def fill(home: "Home", first: int, commits: int) -> None:
    log = home.log
    for number in range(first, first + commits):
        log.append("predictions", "wine", predictions([number]), {"spool": number + 1})


def test_upkeep_runs_in_a_process_of_its_own_after_many_commits(home: "Home") -> None:
    fill(home, 0, 10)
    plan = schedule(home)
    assert not plan.is_due()
    fill(home, 10, 10)
    assert plan.is_due()
    plan.start(Event())
    assert not plan.is_due()
    assert len(home.log.files("predictions", "wine")) == 1
    assert content(home.log).num_rows == 20
    fill(home, 20, 16)
    assert plan.is_due()


def test_upkeep_is_due_after_an_hour_also_without_commits(home: "Home", monkeypatch: pytest.MonkeyPatch) -> None:
    plan = schedule(home)
    assert not plan.is_due()
    monkeypatch.setattr(upkeep_schedule, "_LONGEST_SECONDS", 0.0)
    assert plan.is_due()


def test_the_thread_ends_at_once_when_told_to(home: "Home", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep_schedule, "_LOOK_SECONDS", 0.01)
    fill(home, 0, 20)
    stop = Event()
    thread = Thread(target=schedule(home).run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert content(home.log).num_rows == 20
