from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING

from deltalake import DeltaTable
from tests.integration.predictions.tables import content, data_files, labels, predictions

from interlock.domain.endpoint import Endpoint
from interlock.predictions import log_lock
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.upkeep import Upkeep, UpkeepResult

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

NOW = datetime(2026, 1, 10, tzinfo=UTC)


def upkeep(home: "Home", **options: int) -> Upkeep:
    return Upkeep(DeltaLog(home.settings.log), home.store, lambda: NOW, **options)


def endpoint(home: "Home", retention_days: int = 0) -> None:
    with home.store.transaction() as tx:
        tx.endpoints.add(Endpoint(name="wine", created_at=NOW, created_by="test", retention_days=retention_days))


def fill(log: DeltaLog, days: tuple[date, ...] = (date(2026, 1, 1),), commits: int = 20) -> None:
    for number in range(commits):
        log.append("predictions", "wine", predictions([number], days[number % len(days)]), {"spool": number + 1})


def test_a_pass_drops_compacts_and_cleans(home: "Home") -> None:
    endpoint(home, retention_days=5)
    fill(home.log, (date(2026, 1, 2), date(2026, 1, 9)), commits=40)
    home.log.append("labels", "wine", labels([0, 1]), {"spool": 1})
    assert upkeep(home).step() == {
        ("predictions", "wine"): UpkeepResult(dropped_rows=20, compacted_files=20),
        ("labels", "wine"): UpkeepResult(dropped_rows=2),
    }
    assert upkeep(home).step() == {}
    done = upkeep(home, keep_hours=0, keep_commits=1).step()
    assert done["predictions", "wine"].deleted_files == 40
    assert content(home.log)["prediction_id"].to_pylist() == sorted(f"p{number}" for number in range(1, 40, 2))
    assert home.log.transaction_version("predictions", "wine", "spool") == 40


def test_rows_stay_for_ever_unless_told_otherwise(home: "Home") -> None:
    endpoint(home)
    fill(home.log, (date(1990, 1, 1),), commits=1)
    assert upkeep(home).step() == {}
    assert content(home.log).num_rows == 1


def test_the_log_of_a_deleted_endpoint_is_kept_no_longer_than_it_was_to_be(home: "Home") -> None:
    endpoint(home, retention_days=5)
    fill(home.log)
    with home.store.transaction() as tx:
        tx.endpoints.delete("wine")
    assert upkeep(home).step()["predictions", "wine"].dropped_rows == 20


def test_a_table_that_is_broken_does_not_keep_upkeep_from_the_others(home: "Home") -> None:
    fill(home.log)
    broken = home.log.path("labels", "beer") / "_delta_log"
    broken.mkdir(parents=True)
    (broken / f"{0:020d}.json").write_text("no commit")
    assert upkeep(home).step() == {("predictions", "wine"): UpkeepResult(compacted_files=20)}


def test_of_several_machines_one_is_at_it(home: "Home") -> None:
    fill(home.log)
    with log_lock.exclusive(home.settings.log):
        assert upkeep(home).step() == {}
    assert upkeep(home).step() != {}


def test_upkeep_changes_nothing_while_everything_goes_on(home: "Home") -> None:
    """Two machines append, upkeep passes again and again: each row is there once, and no writer is forgotten."""
    endpoint(home)
    stop, failures = Event(), list[BaseException]()
    day = date(2026, 1, 1)

    def guarded(step: Callable[[], object]) -> None:
        try:
            step()
        except BaseException as error:
            failures.append(error)

    def write(first: int, writer: str) -> None:
        log = DeltaLog(home.settings.log)
        for number in range(1, 81):
            rows = predictions(range(first + 2 * number, first + 2 * number + 2), day + timedelta(days=number % 2))
            assert log.append("predictions", "wine", rows, {writer: number})

    def tidy() -> None:
        while not stop.is_set():
            upkeep(home, keep_commits=10).step()
            # So that there are commits to delete as well.
            DeltaTable(home.log.path("predictions", "wine")).create_checkpoint()

    fill(home.log, commits=1)
    writers = [
        Thread(target=guarded, args=(lambda given=given: write(*given),)) for given in ((1000, "a"), (2000, "b"))
    ]
    tidying = Thread(target=guarded, args=(tidy,))
    for thread in (*writers, tidying):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    tidying.join()
    assert failures == []
    expected = {f"p{first + 2 * n + m}" for first in (1000, 2000) for n in range(1, 81) for m in range(2)} | {"p0"}
    found = content(DeltaLog(home.settings.log))["prediction_id"].to_pylist()
    assert sorted(found) == sorted(expected)
    assert {home.log.transaction_version("predictions", "wine", writer) for writer in "ab"} == {80}
    upkeep(home, keep_hours=0, keep_commits=10).step()
    assert len(data_files(home.log)) < 40
    assert not any(home.log.append("predictions", "wine", predictions([1]), {writer: 80}) for writer in "ab")
