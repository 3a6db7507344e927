"""Directs the demo: what is trained and released when, in the flights' own time.

Called by `interlock demo`. It decides nothing about a release: it starts them, as a person would, and watches. The
year's dates are the only plan; the rest is what the product does with the evidence.
"""

import logging
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import skops.io

from interlock.demo import flights as data
from interlock.demo import loop, models, summary, world
from interlock.demo.loop import Loop
from interlock.demo.narrator import Narrator
from interlock.demo.parts import Parts
from interlock.demo.replay import Replay
from interlock.demo.telling import Chapter, Followed
from interlock.process.launch import Server, launch

ENDPOINT = MODEL = "flights"
# 275 days in about 100 seconds, with the two fifths of the flights that two cores can serve and judge in that time.
DEFAULT_SPEED = 240_000.0
_SHARE = 0.4
_FIRST_DAY = date(2013, 1, 1)
_FIRST_TRAINED_UNTIL, _LATER_TRAINED_UNTIL = date(2013, 3, 31), date(2013, 4, 30)
_REPLAYED = (date(2013, 4, 1), date(2013, 12, 31))
_END = datetime(2014, 1, 1, tzinfo=UTC)
_SECOND_RELEASED_AT = datetime(2013, 5, 1, tzinfo=UTC)
_THIRD_RELEASED_AT = datetime(2013, 7, 1, tzinfo=UTC)
_TICK_SECONDS = 0.25
_DRAIN_SECONDS = 30.0

MISTAKES = {
    "missing": "it cannot take a missing weather value, and one flight in nine has no pressure",
    "timezone": "it was trained on hours of another time zone than it is fed",
    "unit": "it was trained on a pressure in inches of mercury and is fed millibars",
    "none": "nothing is wrong with it",
}


def run(  # noqa: PLR0913 (what a person may say of it)
    *,
    home: Path | None,
    port: int,
    control_port: int,
    speed: float | None,
    seed: int,
    bad: models.Bad,
    retrains: bool,
    once: bool,
    as_json: bool,
) -> dict[str, Any]:
    """Play the year.

    Args:
        home: A folder that does not exist yet or is empty; None for a temporary one that is removed at the end.
        speed: Seconds of flight time a second.
        seed: Chooses the flights that are replayed, and the models' own randomness.
        bad: The third version's mistake, one of `MISTAKES`.
        retrains: Whether it is declared what to do when the world changes.
        once: End with the summary; otherwise, on a terminal, stay up until interrupted.
        as_json: The story goes to stderr.

    Returns:
        The summary.
    """
    began = time.monotonic()
    logging.getLogger("skops").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="interlock-demo-") as folder, Narrator(to_stderr=as_json) as narrator:
        narrator.chapter("Will this flight arrive more than 15 minutes late?")
        narrator.say("Every flight out of New York in 2013 is asked about at its scheduled departure.")
        narrator.say("Whether it was late is known when it lands. Interlock serves, releases and watches the model.")
        server = launch(home or Path(folder) / "home", port=port, control_port=control_port, key_name="demo")
        with server, ThreadPoolExecutor(max_workers=1) as trainer:
            story = _Story(server, narrator, Path(folder), seed=seed, bad=bad, retrains=retrains)
            story.first_version()
            story.prepare(trainer)
            story.play(speed or DEFAULT_SPEED)
            result = story.finish(began)
            if not as_json:
                summary.tell(narrator, result)
            if not once and sys.stdout.isatty():
                _stay(server, narrator)
    return result


class _Story:
    def __init__(
        self, server: Server, narrator: Narrator, folder: Path, *, seed: int, bad: models.Bad, retrains: bool
    ) -> None:
        self._client = server.connect()
        self._parts, self._retrains = Parts(), retrains
        self._narrator, self._folder, self._seed, self._bad = narrator, folder, seed, bad
        flights = data.load()
        self._winter = data.between(flights, _FIRST_DAY, _FIRST_TRAINED_UNTIL)
        self._past = data.between(flights, _FIRST_DAY, _LATER_TRAINED_UNTIL)
        year = data.between(flights, *_REPLAYED)
        # The last evening in New York is next year in UTC, in which the log counts months.
        year = year.filter(pc.less(year["scheduled_at"], pa.scalar(_END)))
        self._replayed = world.changed(data.sample(year, _SHARE, seed), seed)
        self._chapters: list[Chapter] = []
        self._replay: Replay | None = None
        self._loop: Loop | None = None
        self._month = _REPLAYED[0].month

    def first_version(self) -> None:
        self._parts.begin("first_versions")
        self._narrator.chapter("January to March: a first model")
        trained = models.train("schedule", self._winter, self._seed)
        version = self._register(trained, 1)
        self._client.create_endpoint(ENDPOINT, version)
        self._narrator.say(f"{version} knows the schedule only. It is registered, and endpoint {ENDPOINT!r} serves it.")

    def prepare(self, trainer: ThreadPoolExecutor) -> None:
        """Have the second version at hand, and train the third while the year goes on."""
        second = trainer.submit(lambda: self._register(models.train("boosting", self._past, self._seed), 2))
        third = trainer.submit(lambda: self._register(models.third(self._bad, self._past, self._seed), 3))
        self._chapters = [
            Chapter("a better model: gradient boosting, with the weather", _SECOND_RELEASED_AT, second, Followed()),
            Chapter(
                f"the same after its training code was rewritten; {MISTAKES[self._bad]}",
                _THIRD_RELEASED_AT,
                third,
                Followed(),
            ),
        ]
        self._narrator.say(f"{second.result()} is trained too, with the weather. Nobody has been served by it yet.")

    def play(self, speed: float) -> None:
        self._narrator.chapter("April to December: the year is replayed, one request per flight, labels at landing")
        replay = self._replay = Replay(self._client, ENDPOINT, self._replayed, speed=speed)
        replay.start()
        self._parts.begin("until_autumn")
        try:
            while replay.running:
                time.sleep(_TICK_SECONDS)
                self._tick(replay)
                if self._loop is None and replay.now >= loop.BEGINS_AT:
                    self._play_loop(replay)
        finally:
            replay.stop()

    def _play_loop(self, replay: Replay) -> None:
        self._loop = Loop(
            self._client, self._narrator, ENDPOINT, tick=lambda: self._tick(replay), retrains=self._retrains
        )
        self._parts.begin("loop")
        self._loop.play(replay)
        self._parts.begin("rest_of_the_year")

    def _tick(self, replay: Replay) -> None:
        self._follow(replay)
        self._tell_month(replay)
        self._narrator.status(replay.now, replay.progress, self._status(replay))

    def finish(self, began: float) -> dict[str, Any]:
        """Wait for the log, and gather what was measured."""
        assert self._replay is not None
        self._narrator.say("The year is over. Waiting until every record is in the log.", at=self._replay.now)
        self._parts.begin("log")
        self._client.wait_until_logged(_DRAIN_SECONDS)
        releases = [each.followed.release_id for each in self._chapters if each.followed.release_id]
        measured = None
        if self._loop is not None:
            measured = self._loop.measured()
            releases += [self._loop.seen.release_id] if self._loop.seen.release_id else []
        result = summary.gather(self._client, ENDPOINT, self._replay.counts, releases, time.monotonic() - began)
        return result | {"loop": measured, "parts": self._parts.ended()}

    def _register(self, trained: models.Trained, number: int) -> str:
        """Register a model, with rows it was not trained on as its reference."""
        model, reference = self._folder / f"v{number}.skops", self._folder / f"v{number}.parquet"
        skops.io.dump(trained.pipeline, model)
        pq.write_table(trained.reference, reference)
        return str(self._client.register(MODEL, model, reference=reference, label=data.LABEL)["ref"])

    def _follow(self, replay: Replay) -> None:
        """Start the next release when its day has come and the one before is over; tell what the others do."""
        for chapter in self._chapters:
            if chapter.followed.release_id is None:
                if replay.now < chapter.starts_at or not chapter.ready.done():
                    return
                self._start(chapter, replay)
            if not chapter.followed.finished:
                chapter.followed.tell(self._client, self._narrator, replay.now)
                return

    def _start(self, chapter: Chapter, replay: Replay) -> None:
        candidate = chapter.ready.result()
        self._narrator.chapter(f"{replay.now:%d %B}: {candidate}, {chapter.title}")
        chapter.followed.release_id = self._client.start_release(ENDPOINT, candidate, strategy="canary")["id"]

    def _tell_month(self, replay: Replay) -> None:
        """When a month begins, say how the one before the last was: by then its flights have landed and are joined."""
        if replay.now.month == self._month:
            return
        self._month = replay.now.month
        month = f"2013-{self._month - 2:02d}"
        if self._month - 2 >= _REPLAYED[0].month:
            quality, drift = self._client.quality_by_month(ENDPOINT), self._client.drift_by_month(ENDPOINT)
            self._narrator.say(summary.month_in_words(month, quality, drift), at=replay.now)

    def _status(self, replay: Replay) -> str:
        counts = replay.counts
        return f"{counts.requests:,} requests, {counts.failures} failed, {counts.labels:,} labels"


def _stay(server: Server, narrator: Narrator) -> None:
    narrator.chapter("The server stays up; Ctrl-C ends it")
    narrator.say(f"gateway {server.gateway}, control {server.control}, key {server.key}")
    narrator.say(f"Look: open {server.control} in a browser and sign in with the key")
    narrator.say(f"Try: INTERLOCK_URL={server.control} INTERLOCK_API_KEY={server.key} interlock monitor {ENDPOINT}")
    server.wait()
