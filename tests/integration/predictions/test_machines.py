"""Three machines with one log and one PostgreSQL: each has its own spools and its own collector."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import sleep

import pytest
from tests.integration.predictions.audit import audit
from tests.integration.predictions.conftest import Home, version
from tests.integration.predictions.test_exactly_once import Victim

from interlock.predictions import segments
from interlock.predictions.upkeep import Upkeep
from interlock.settings import Settings
from interlock.store import Store

KILLS = 8


@pytest.fixture
def machines(tmp_path: Path, postgresql_url: str) -> Iterator[list[Home]]:
    """Homes whose log is a folder that all of them mount."""
    (tmp_path / "shared").mkdir()
    store = Store(postgresql_url)
    with store.transaction() as tx:
        tx.models.add(version(1))
    homes = []
    for number in range(3):
        settings = Settings(home=tmp_path / f"machine{number}", store_url=postgresql_url)
        settings.spools.mkdir(parents=True)
        settings.log.symlink_to(tmp_path / "shared")
        homes.append(Home(settings, store))
    yield homes
    store.close()


def writer(home: Home, first: int) -> Victim:
    return Victim("spool_writer.py", home.settings.spools / "gw0", home.settings.home / "acknowledged", first)


def collector(home: Home) -> Victim:
    return Victim("collector_process.py", home.settings.home, home.settings.store_url)


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_while_one_machine_dies_again_and_again(
    machines: list[Home], tmp_path: Path
) -> None:
    rng = random.Random(3)
    writers = [writer(home, 100_000_000 * number) for number, home in enumerate(machines)]
    collectors = [collector(home) for home in machines]
    try:
        for victim in (*writers, *collectors):
            victim.wait_until_ready()
        for kill in range(1, KILLS + 1):
            sleep(rng.uniform(0.05, 0.6))
            collectors[0].kill()
            if kill % 4 == 0:
                writers[0].kill()
                writers[0] = writer(machines[0], 1_000_000 * kill)
                writers[0].wait_until_ready()
            collectors[0] = collector(machines[0])
            collectors[0].wait_until_ready()
            # Upkeep of one of them; what it does must be no matter to any.
            Upkeep(machines[1].log, machines[1].store, lambda: machines[1].now, keep_commits=20).step()
    finally:
        with ExitStack() as killing:
            # All of them, also if one has died before.
            for victim in (*writers, *collectors):
                killing.callback(victim.kill)
    for home in machines:
        home.collector().step(commit_all=True)
    side_file = tmp_path / "acknowledged"
    # The last line of each may be torn: its writer was killed.
    said = [(home.settings.home / "acknowledged").read_text().rpartition("\n")[0] for home in machines]
    side_file.write_text("".join(f"{each}\n" for each in said))
    found = audit(machines[0], side_file)
    assert found.is_clean, found
    assert len(found.unconfirmed) <= 4 * (3 + KILLS)
    assert [home.sums().holds for home in machines] == [True] * 3
    _, rows = machines[2].reader.new_rows("wine", None)
    by_machine = Counter(int(name[1:].split("-")[0]) // 100_000_000 for name in rows["prediction_id"].to_pylist())
    assert all(by_machine[number] > 100 for number in range(3))
    assert [segments.listing(home.settings.spools / "gw0") for home in machines] == [[], [], []]
