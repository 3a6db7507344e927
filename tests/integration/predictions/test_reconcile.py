from threading import Event, Thread
from typing import TYPE_CHECKING

from tests.integration.predictions.conftest import prediction, write

from interlock.predictions import segments
from interlock.predictions.reconcile import reconcile
from interlock.predictions.reconciliation import Reconciliation

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home


def test_the_sum_holds_at_every_stage(home: "Home") -> None:
    collector, bad = home.collector(), {"x": ["text"], "kind": ["red"]}
    with home.spool() as spool:
        write(spool, prediction(1, rows=2), prediction(2, inputs=bad), prediction(3, endpoint="beer"))
        stages = [home.sums()]
        spool.seal(force=True)
        write(spool, prediction(4))
        stages.append(home.sums())
        collector.step()
        stages.append(home.sums())
        collector.step(commit_all=True)
        stages.append(home.sums())
    assert [(each.logged, each.waiting, each.quarantined) for each in stages] == [
        (0, 3, 0),
        (0, 4, 0),
        (0, 3, 1),
        (2, 1, 1),
    ]
    assert all(each.holds for each in stages)
    assert home.sums("beer").holds


def test_a_segment_that_vanished_is_noticed(home: "Home") -> None:
    with home.spool() as spool:
        write(spool, prediction(1, rows=2))
        spool.seal(force=True)
        write(spool, prediction(2))
        segments.sealed_path(home.settings.spools / "gw0", 1).unlink()
        assert (home.sums().acknowledged, home.sums().waiting, home.sums().holds) == (3, 1, False)


def test_the_sum_holds_while_everything_goes_on(home: "Home") -> None:
    stop = Event()
    found: list[Reconciliation] = []

    def traffic() -> None:
        with home.spool() as spool:
            number = 0
            while not stop.is_set():
                write(spool, prediction(number := number + 1))
                if number % 50 == 0:
                    spool.seal(force=True)

    def collect() -> None:
        collector = home.collector()
        while not stop.is_set():
            collector.step(commit_all=True)

    threads = [Thread(target=traffic), Thread(target=collect)]
    for thread in threads:
        thread.start()
    try:
        while len(found) < 20:
            found += reconcile(home.settings, home.store).values()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert all(each.holds for each in found)
    assert found[-1].acknowledged > found[0].acknowledged
