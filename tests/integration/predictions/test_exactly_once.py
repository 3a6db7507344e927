"""Kills collectors and writers at random moments, and audits what is left. The auditor is put to the test as well."""

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from tests.integration.predictions.audit import audit
from tests.integration.predictions.conftest import prediction, write

from interlock.predictions import segments

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
IN_RELEASE = {"release_id": "r1", "step": 0}


class Victim:
    """A process that is killed at the end, whatever it is doing."""

    def __init__(self, script: str, *args: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, HERE / script, *map(str, args)],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
        )

    def wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        """Kill it, which must find it alive."""
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait() == -signal.SIGKILL
        assert self._process.stdout is not None
        self._process.stdout.close()


def storm(home: "Home", side_file: Path, kills: int, rng: random.Random) -> None:
    """Let writer and collector run, killing one or both again and again; collect what they left."""
    side_file.touch()
    folder, first = home.settings.spools / "gw0", 0
    victims: dict[str, Victim] = {}
    start: dict[str, Callable[[], Victim]] = {
        "writer": lambda: Victim("spool_writer.py", folder, side_file, first),
        "collector": lambda: Victim("collector_process.py", home.settings.home),
    }
    try:
        for _ in range(kills):
            # Numbers of a life are its own, so that nothing is taken for a duplicate that is none.
            first += 1_000_000
            fresh = {name: begin() for name, begin in start.items() if name not in victims}
            victims.update(fresh)
            for victim in fresh.values():
                victim.wait_until_ready()
            sleep(rng.uniform(0.02, 0.5))
            for name in rng.choice((["writer"], ["collector"], ["collector"], ["writer", "collector"])):
                victims.pop(name).kill()
    finally:
        for victim in victims.values():
            victim.kill()
    home.collector().step(commit_all=True)


@pytest.mark.parametrize("kills", [4, pytest.param(15, marks=pytest.mark.slow)])
def test_nothing_acknowledged_is_lost_or_doubled_by_kills(home: "Home", tmp_path: Path, kills: int) -> None:
    side_file = tmp_path / "acknowledged"
    storm(home, side_file, kills, random.Random(kills))
    found = audit(home, side_file)
    assert found.is_clean, found
    assert found.log_rows > 100
    # Of each killed writer at most one record with its label had no time to be confirmed.
    assert len(found.unconfirmed) <= 4 * (kills + 1)
    assert segments.listing(home.settings.spools / "gw0") == []


def collected(home: "Home", side_file: Path) -> None:
    records = [prediction(number, assigned=IN_RELEASE) for number in range(20)]
    with home.spool() as spool:
        write(spool, *records[:10])
        spool.seal(force=True)
        write(spool, *records[10:])
    side_file.write_text("".join(f"{name}\n" for record in records for name in record.prediction_ids))


def test_the_auditor_passes_what_is_right(home: "Home", tmp_path: Path) -> None:
    collected(home, tmp_path / "side")
    home.collector().step(commit_all=True)
    assert audit(home, tmp_path / "side").is_clean


def test_the_auditor_finds_a_planted_loss(home: "Home", tmp_path: Path) -> None:
    collected(home, tmp_path / "side")
    segments.sealed_path(home.settings.spools / "gw0", 1).unlink()
    home.collector().step(commit_all=True)
    found = audit(home, tmp_path / "side")
    assert found.lost == {f"p{number}-0" for number in range(10)}
    assert not found.sums_hold
    assert not found.is_clean


def test_the_auditor_finds_a_planted_duplicate(home: "Home", tmp_path: Path) -> None:
    collected(home, tmp_path / "side")
    home.collector().step(commit_all=True)
    table = home.log.table("predictions", "wine")
    assert table is not None
    again = pa.table(table.to_pyarrow_table()).slice(0, 3)
    home.log.append("predictions", "wine", again, {"somebody else": 1})
    found = audit(home, tmp_path / "side")
    assert found.doubled == set(again["prediction_id"].to_pylist())
    assert not found.is_clean


def test_the_auditor_finds_a_segment_that_was_counted_twice(home: "Home", tmp_path: Path) -> None:
    collected(home, tmp_path / "side")
    home.collector().step(commit_all=True)
    with home.store.read() as tx:
        (counts,) = tx.gate_counts.list("r1")
    assert counts.units == 20
    with home.spool() as spool:
        write(spool, prediction(0, assigned=IN_RELEASE))
    home.collector().step(commit_all=True)
    found = audit(home, tmp_path / "side")
    assert (found.doubled, found.counted_units - found.log_requests) == ({"p0-0"}, 1)
