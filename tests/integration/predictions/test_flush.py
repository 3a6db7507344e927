from threading import Event, Thread
from typing import TYPE_CHECKING

from tests.integration.predictions.conftest import prediction, write

from interlock.predictions import flush

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home


def test_everything_acknowledged_before_is_in_the_log_after(home: "Home") -> None:
    stop, done = Event(), Event()
    with home.spool() as spool:

        def seal() -> None:
            while not done.wait(0.05):
                spool.seal()

        threads = [Thread(target=seal), Thread(target=home.collector().run, args=(stop,))]
        for thread in threads:
            thread.start()
        write(spool, prediction(1))
        assert flush.request(home.settings.spools)
        assert home.logged() == ["p1-0"]
        # Nothing new: nothing to wait for.
        assert flush.request(home.settings.spools)
        done.set()
        stop.set()
        for thread in threads:
            thread.join()


def test_without_a_collector_it_says_so_and_leaves_nothing_behind(home: "Home") -> None:
    assert not flush.request(home.settings.spools, timeout_seconds=0.1)
    assert list((home.settings.spools / ".flush").iterdir()) == []
