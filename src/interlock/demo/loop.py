"""The last chapter: the world changes, and the loop closes without hands.

Called by the story in autumn. Once it has declared how the model is retrained and what to be alarmed by, it only looks:
the alert, the run, the release and the recovery are the product's own doing. Meanwhile the flights' time goes on a day
at a time, and the next day begins when what is due has been done: a training of ten seconds would else last a month.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from interlock.client.client import Client
from interlock.demo import loop_quality, world
from interlock.demo.narrator import Narrator
from interlock.demo.replay import Replay
from interlock.demo.telling import Followed
from interlock.domain.errors import InterlockError

RULE = "accuracy-low"
BOUND = 0.72
"""Below the worst week of an ordinary autumn, and above what is left once the world has changed."""

DAYS = 5
"""In a row. So there are labels of a changed world to learn from when the rule fires."""

BEGINS_AT = datetime(2013, 9, 30, tzinfo=UTC)

_DAY = timedelta(days=1)
# A day is judged when labels have had two days to come: until then the rule cannot fire, and time need not wait.
_LOOKED_AT_FROM = world.CHANGED_AT + (DAYS + 2) * _DAY
# On a busy machine monitoring is behind, and a rule would fire on days of summer.
_CATCH_UP_SECONDS = 600.0
_MOST_DAYS = {"alert": 21, "retraining": 30, "release": 60}
# Triggers look every five seconds; alerts and releases twice a second.
_VERDICT_SECONDS, _ALERT_SECONDS, _RUN_SECONDS, _RELEASE_SECONDS = 60.0, 1.5, 8.0, 2.0
_TRAINING_SECONDS = 180.0
_LOOK_SECONDS = 0.1
_ENDED = ("released", "kept", "rejected", "failed", "cancelled", "interrupted")


def declaration() -> dict[str, Any]:
    """How the endpoint is retrained: as a user's `retraining.yaml` would say."""
    return {
        "trainer": "python:interlock.demo.trainer.train",
        "code": str(Path(__file__).parent),
        "window": {"days": 7},
        "holdout": 0.25,
        # Weather stations fall silent for days, in ordinary months too; the model takes it.
        "most_missing": 0.6,
        "release": {"strategy": "canary", "plan": {"steps": [0.1, 0.5, 1]}},
    }


def rules() -> dict[str, Any]:
    """What alarms, and what is done then: as a user's `rules.yaml` would say."""
    rule = {"name": RULE, "check": "accuracy", "below": BOUND, "days": DAYS, "fewest_rows": 100, "action": "retrain"}
    return {"rules": [rule]}


@dataclass(slots=True)
class Seen:
    """What happened, in the flights' time. None: it did not."""

    alert: dict[str, Any] | None = None
    alert_at: datetime | None = None
    run: dict[str, Any] | None = None
    trained_at: datetime | None = None
    release_id: str | None = None
    promoted_at: datetime | None = None
    missed: str = ""
    acts_before: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


class Loop:
    """Directs the chapter.

    Args:
        client: Speaks to the server.
        narrator: Tells.
        endpoint: Whose model grows old.
        tick: Called while time passes, for whatever else is told.
        retrains: Whether rule and retraining are declared; without, it shows what happens when nobody does anything.
    """

    def __init__(
        self, client: Client, narrator: Narrator, endpoint: str, *, tick: Callable[[], None], retrains: bool
    ) -> None:
        self._client, self._narrator, self._endpoint = client, narrator, endpoint
        self._tick, self._retrains = tick, retrains
        self.seen = Seen()

    def play(self, replay: Replay) -> None:
        """Play until the new version has been promoted, or a step did not happen."""
        self._narrator.chapter("1 October: the world changes")
        self._narrator.say(world.SENTENCE)
        if not self._retrains:
            self._narrator.say("Nobody has declared what to do then, so nothing is done.")
            return
        self._catch_up(replay)
        self._declare()
        for name, step in (("alert", self._alert), ("retraining", self._retraining), ("release", self._release)):
            began = time.monotonic()
            missed = step(replay)
            self.seen.seconds[name] = round(time.monotonic() - began, 1)
            if missed:
                self.seen.missed = missed
                self._narrator.say(f"{missed} The story goes on without.", at=replay.now)
                break
        replay.go_on()

    def measured(self) -> dict[str, Any]:
        """What came of it, as the summary has it."""
        until = self.seen.promoted_at
        asked = loop_quality.statement(self._endpoint, world.CHANGED_AT - 30 * _DAY)
        found = loop_quality.measure(loop_quality.by_day(self._client.sql(asked)), world.CHANGED_AT, until, BOUND)
        return {
            "change": {"at": world.CHANGED_AT.isoformat(), "planted": True, "what": world.SENTENCE},
            "retrains": self._retrains,
            "closed": until is not None and found.recovered_at is not None,
            "missed": self.seen.missed,
            "rule": rules()["rules"][0] if self._retrains else None,
            "alert": self.seen.alert,
            "run": self.seen.run,
            "release": self.seen.release_id,
            "quality": found.as_json(),
            "days_after_change": self._days(found.recovered_at),
            "acts_by_people": self._acts_by_people() - self.seen.acts_before if self._retrains else None,
            "seconds": self.seen.seconds,
        }

    def _catch_up(self, replay: Replay) -> None:
        """Let monitoring judge what was before, so that the rule is about what comes."""
        began = time.monotonic()
        self._pass(replay, world.CHANGED_AT)
        self._wait(lambda: self._is_judged(world.CHANGED_AT - 4 * _DAY), _CATCH_UP_SECONDS)
        self._wait(lambda: False, _ALERT_SECONDS)
        self.seen.seconds["catching_up"] = round(time.monotonic() - began, 1)

    def _declare(self) -> None:
        self._client.declare_retraining(self._endpoint, declaration())
        self._client.apply_alert_rules(rules())
        self.seen.acts_before = self._acts_by_people()
        self._narrator.say(
            f"Declared before: where accuracy stays below {BOUND} for {DAYS} days in a row, retrain on the last week; "
            "what is not worse is released by canary. From here on nobody touches anything."
        )
        self._narrator.say("The flights' time now stands still while a verdict, a run or a decision is under way.")

    def _alert(self, replay: Replay) -> str:
        """Let days pass until the rule fires."""
        at = _LOOKED_AT_FROM
        for _ in range(_MOST_DAYS["alert"]):
            self._pass(replay, at)
            self._wait(lambda at=at: self._is_judged(at - 4 * _DAY), _VERDICT_SECONDS)  # type: ignore[misc]  # at's now
            if self._wait(self._finds_alert, _ALERT_SECONDS):
                assert self.seen.alert is not None
                self.seen.alert_at = at
                self._narrator.say(f"alert {self.seen.alert['id']}: {self.seen.alert['sentence']}", at=replay.now)
                self._narrator.say(self.seen.alert["action"], at=replay.now)
                return ""
            at += _DAY
        return f"The rule has not fired within {_MOST_DAYS['alert']} days."

    def _retraining(self, replay: Replay) -> str:
        """Wait for the run that the alert asked for; where a brake holds it back, let days pass."""
        assert self.seen.alert_at is not None
        at = self.seen.alert_at
        for _ in range(_MOST_DAYS["retraining"]):
            if self._wait(lambda: self._run() is not None, _RUN_SECONDS):
                return self._trained(at)
            at += _DAY
            self._pass(replay, at)
        waits = (self._client.retraining(self._endpoint)["triggers"] or {}).get("waits", "")
        return f"No run has begun: {waits}."

    def _trained(self, at: datetime) -> str:
        if not self._wait(lambda: (self._run() or {}).get("state") in _ENDED, _TRAINING_SECONDS):
            return f"The run has not ended within {_TRAINING_SECONDS:.0f} seconds."
        run = self._run() or {}
        self.seen.run, self.seen.trained_at = _facts(run), at
        self._narrator.say(f"{run['id']} ({run['cause']}): {run['state']}; {run['reason']}", at=at)
        if run["state"] != "released":
            return "The run gave nothing to release."
        self.seen.release_id = run["release_id"]
        rows = run["data"]["training_rows"]
        self._narrator.say(f"{run['version']}, taught by {rows:,} labelled rows, is on its way by canary", at=at)
        return ""

    def _release(self, replay: Replay) -> str:
        assert self.seen.trained_at is not None
        at, followed = self.seen.trained_at, Followed(self.seen.release_id)
        self._wait(lambda: self._tells(followed, at), _RUN_SECONDS)
        for _ in range(_MOST_DAYS["release"]):
            at += _DAY
            self._pass(replay, at)
            self._wait(lambda at=at: self._tells(followed, at), _RELEASE_SECONDS)  # type: ignore[misc]  # at's now
            if followed.finished:
                break
        if not followed.promoted:
            return "The new version was not promoted."
        self.seen.promoted_at = at
        return ""

    def _tells(self, followed: Followed, at: datetime) -> bool:
        before = followed.seen
        followed.tell(self._client, self._narrator, at)
        return followed.seen != before

    def _pass(self, replay: Replay, until: datetime) -> None:
        """Let the flights' time go on, and the log take in what came of it."""
        replay.hold_at(until)
        while not replay.is_holding:
            self._tick()
            time.sleep(_LOOK_SECONDS)
        try:
            self._client.wait_until_logged()
        except InterlockError as error:
            self._narrator.say(f"the log is behind: {error}", at=until)

    def _wait(self, happened: Callable[[], bool], seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not happened():
            if time.monotonic() >= until:
                return False
            self._tick()
            time.sleep(_LOOK_SECONDS)
        return True

    def _is_judged(self, day: datetime) -> bool:
        verdicts = self._client.verdicts(self._endpoint, since=day, until=day + _DAY)
        return any(each["check"]["name"] == loop_quality.METRIC for each in verdicts)

    def _finds_alert(self) -> bool:
        for alert in self._client.alerts(self._endpoint):
            for symptom in alert["symptoms"]:
                if symptom["rule"] == RULE:
                    told = {name: symptom[name] for name in ("sentence", "severity", "since", "action")}
                    self.seen.alert = {"id": alert["id"], "rule": RULE, **told}
                    return True
        return False

    def _run(self) -> dict[str, Any] | None:
        runs = self._client.runs(self._endpoint)
        return runs[0] if runs else None

    def _acts_by_people(self) -> int:
        """Entries of the endpoint's audit log that somebody's key made, and no part of the product by itself."""
        keys = self._client.keys()
        names = {key["name"] for key in keys}
        return sum(entry["actor"] in names for entry in self._client.audit(limit=10_000, subject=self._endpoint))

    def _days(self, recovered_at: datetime | None) -> dict[str, float | None]:
        seen = self.seen
        times = {
            "alert": seen.alert_at,
            "retrained": seen.trained_at,
            "promoted": seen.promoted_at,
            "recovered": recovered_at,
        }
        return {name: None if at is None else (at - world.CHANGED_AT) / _DAY for name, at in times.items()}


def _facts(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the summary says of a run."""
    found = {name: run[name] for name in ("id", "state", "cause", "mode", "reason", "version", "release_id")}
    data, judgement = run["data"] or {}, run["judgement"] or {}
    return found | {
        "training_rows": data.get("training_rows"),
        "heldout_rows": data.get("heldout_rows"),
        "champion_loss": judgement.get("champion_loss"),
        "candidate_loss": judgement.get("candidate_loss"),
        "seconds": _seconds(run),
    }


def _seconds(run: Mapping[str, Any]) -> float | None:
    if not run["started_at"] or not run["ended_at"]:
        return None
    began, ended = (datetime.fromisoformat(run[name]) for name in ("started_at", "ended_at"))
    return round((ended - began).total_seconds(), 1)
