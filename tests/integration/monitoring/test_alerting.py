"""The alerting loop on a real store: verdicts, rollbacks and the collector's report become incidents and notices."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from interlock.domain.access import Key
from interlock.domain.alert import Action, Alert, Channel, Condition, Silence
from interlock.domain.alert_rule import WrittenRule
from interlock.domain.contract import Contract
from interlock.domain.endpoint import Endpoint
from interlock.domain.maintenance import WEEKDAYS, MaintenanceWindow
from interlock.domain.model import ModelVersion
from interlock.domain.traffic import TrafficPlan
from interlock.domain.verdict import Check, CheckOutcome, Signal, Verdict
from interlock.monitoring.alerting import Alerting
from interlock.monitoring.alerts import Alerts
from interlock.monitoring.maintenance import Maintenance
from interlock.predictions import reconciliation
from interlock.predictions.reconciliation import Reconciliation, ReconciliationReport
from interlock.releases.actions import act
from interlock.stats import log_histogram
from interlock.store import Store
from interlock.store.service_hours import ServiceDelta
from interlock.store.transaction import Transaction

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
ANN = Key(name="ann", role="operator", digest="", created_at=START)


@dataclass
class World:
    """A store with endpoint `e` on `m:1`, an alerting loop that has seen it, and hands to make news."""

    store: Store
    report: Path
    now: datetime = START
    alerting: Alerting = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.alerting = Alerting(self.store, self.report, lambda: self.now, act)

    def run(self) -> None:
        while self.alerting.step():
            pass

    def judge(self, day: int, *checks: Check, endpoint: str = "e", revision: int = 0) -> None:
        """Store verdicts of a day and let the loop see them."""
        start = START + day * DAY
        with self.store.transaction() as tx:
            tx.verdicts.append(
                Verdict(
                    endpoint=endpoint, window_start=start, window_end=start + DAY, check=check, at=self.now,
                    revision=revision,
                )
                for check in checks
            )  # fmt: skip
        self.run()

    def wait(self, seconds: float, *, reported: bool = True, **rows: Any) -> None:
        """Let time pass in which the collector goes on reporting."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now += timedelta(seconds=10)
            if reported:
                self.reports(**rows)
            self.run()

    def jump(self, duration: timedelta) -> None:
        """Let much time pass at once."""
        self.now += duration
        self.reports()
        self.run()

    def reports(self, lag: float = 0.0, **rows: Any) -> None:
        sums = {"acknowledged": 10, "logged": 10, "waiting": 0, "quarantined": 0, "unrecorded": 0, "holds": True}
        endpoints = {"e": Reconciliation(**{**sums, **rows})}
        found = ReconciliationReport(written_at=self.now, lag_seconds=lag, endpoints=endpoints)
        reconciliation.save(self.report, found)

    @property
    def alerts(self) -> list[Alert]:
        with self.store.read() as tx:
            return tx.alerts.list()[::-1]

    @property
    def told(self) -> list[str]:
        with self.store.read() as tx:
            return [each.notice.title for each in tx.deliveries.waiting()]


def check(
    outcome: CheckOutcome = "breach",
    name: str = "accuracy",
    signal: Signal = "quality",
    version: str | None = "m:1",
) -> Check:
    reasons = {"breach": "it fell", "error": "a column is gone", "no_data": "nobody came"}
    details = {"reason": reasons[outcome]} if outcome in reasons else {}
    return Check(
        name=name, signal=signal, version=version, outcome=outcome, value=0.5, expected="at least 0.75",
        details=details,
    )  # fmt: skip


def drift(outcome: CheckOutcome = "breach", name: str = "drift.x") -> Check:
    return check(outcome, name, "input")


def requests(outcome: CheckOutcome) -> Check:
    return check(outcome, "requests", "service", None if outcome == "no_data" else "m:1")


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[World]:
    store = Store(store_url)
    with store.transaction() as tx:
        tx.endpoints.add(Endpoint(name="e", created_at=START, created_by="test"))
        tx.plans.append(TrafficPlan(endpoint="e", generation=1, champion="m:1"))
        tx.channels.add(Channel(name="team", url="http://127.0.0.1:1/x", created_at=START, created_by="ann"))
    world = World(store, tmp_path / "reconciliation.json")
    world.run()
    yield world
    store.close()


def test_all_that_goes_wrong_on_a_day_is_one_incident_and_one_notice(world: World) -> None:
    world.judge(0, drift(), drift(name="drift.y"), check(), check("ok", "log_loss"))
    (alert,) = world.alerts
    assert (alert.endpoint, alert.day, alert.state, alert.severity) == ("e", START, "firing", "critical")
    assert [each.sentence for each in alert.symptoms] == [
        "drift.x of m:1: it fell", "drift.y of m:1: it fell", "accuracy of m:1: it fell",
    ]  # fmt: skip
    assert world.told == ["[critical] e: accuracy of m:1: it fell (and 2 more)"]


def test_what_stays_bad_is_told_once_and_its_end_too(world: World) -> None:
    outcomes: list[CheckOutcome] = ["breach", "breach", "ok", "breach", "ok", "ok", "ok"]
    for day, outcome in enumerate(outcomes):
        world.judge(day, drift(outcome))
    (alert,) = world.alerts
    assert (alert.state, alert.symptoms[0].over_at) == ("resolved", START + 6 * DAY)
    assert world.told == ["[warning] e: drift.x of m:1: it fell", "[warning] over: e: drift.x of m:1: it fell"]


def test_another_cause_on_another_day_is_another_incident(world: World) -> None:
    world.judge(0, drift())
    world.judge(1, drift(), drift(name="drift.y"))
    assert [len(alert.symptoms) for alert in world.alerts] == [1, 1]
    assert len(world.told) == 2


def test_quality_that_is_judged_days_later_joins_the_day_and_tells_that_it_is_worse(world: World) -> None:
    world.judge(0, drift())
    world.judge(1, drift())
    world.judge(0, check())
    (alert,) = world.alerts
    assert alert.severity == "critical"
    assert world.told == [
        "[warning] e: drift.x of m:1: it fell", "[critical] worse: e: accuracy of m:1: it fell (and 1 more)",
    ]  # fmt: skip


def test_what_is_back_within_the_cooldown_is_the_same_incident_and_told_when_that_has_passed(world: World) -> None:
    outcomes: list[CheckOutcome] = ["breach", "ok", "ok", "breach"]
    for day, outcome in enumerate(outcomes):
        world.judge(day, drift(outcome))
    (alert,) = world.alerts
    assert alert.state == "firing"
    assert len(world.told) == 2
    world.jump(2 * DAY)
    assert world.told[2:] == ["[warning] again: e: drift.x of m:1: it fell"]


def test_a_check_that_broke_is_an_incident_and_never_good_news(world: World) -> None:
    world.judge(0, drift("error"))
    world.judge(1, drift("no_data"))
    (alert,) = world.alerts
    assert alert.symptoms[0].rule == "broken"
    assert world.told == ["[warning] e: drift.x of m:1 could not be checked: a column is gone"]
    world.judge(2, drift("ok"))
    assert world.alerts[0].state == "resolved"


def test_traffic_that_does_not_come_is_told_of_unless_that_is_so_every_week(world: World) -> None:
    for day in range(14):
        world.judge(day, requests("no_data" if day % 7 in (5, 6) else "ok"))
    # The first Saturday is news, as nobody can know yet. The second one is not.
    (alert,) = world.alerts
    assert (alert.day, alert.state) == (START + 5 * DAY, "resolved")
    world.judge(14, requests("no_data"))
    assert [one.state for one in world.alerts] == ["resolved", "firing"]
    assert world.told[-1] == "[warning] e: requests has no data: nobody came"


def test_labels_that_are_always_late_are_not_missed_but_those_that_stop_are(world: World) -> None:
    for day in range(10):
        world.judge(day, check("no_data"))
        world.judge(day, check("ok"), revision=1)
    assert world.alerts == []
    for day in range(10, 18):
        world.judge(day, check("ok"))
    world.judge(18, check("no_data"))
    assert [one.symptoms[0].rule for one in world.alerts] == ["silent"]


def test_columns_that_never_had_data_alert_nobody(world: World) -> None:
    world.judge(0, drift("ok"), check("no_data"))
    world.judge(1, drift("no_data"), check("no_data"))
    assert world.alerts == []


def test_a_version_that_serves_no_more_is_nobodys_concern(world: World) -> None:
    world.judge(0, check(), drift())
    with world.store.transaction() as tx:
        tx.plans.append(TrafficPlan(endpoint="e", generation=2, champion="m:2"))
    world.wait(20)
    assert [one.state for one in world.alerts] == ["resolved"]
    world.judge(1, check(), drift())
    assert len(world.alerts) == 1
    with world.store.read() as tx:
        assert tx.alert_conditions.list("e") == {}
        assert "m:1 serves no more" in [event.text for event in tx.alerts.events(1)]


def test_alerts_of_an_endpoint_that_is_deleted_end(world: World) -> None:
    world.judge(0, requests("ok"))
    world.judge(1, requests("no_data"))
    with world.store.transaction() as tx:
        tx.endpoints.delete("e")
    world.wait(20)
    assert [one.state for one in world.alerts] == ["resolved"]


def roll_back(tx: Transaction, role: str, id: str = "e-1") -> None:
    details = {"release": id, "candidate": "m:2", "reason": "rolled back: more failures than the champion"}
    tx.audit.append(START, "controller", role, "release.roll_back", "e", details)


def test_a_rollback_is_told_once_and_is_over_when_somebody_knows(world: World) -> None:
    with world.store.transaction() as tx:
        roll_back(tx, "system")
    world.run()
    world.restart()
    world.run()
    title = "[warning] e: release e-1 of m:2 was rolled back: more failures than the champion"
    assert world.told == [title]
    assert Alerts(world.store, lambda: world.now).acknowledge(1, actor=ANN, reason="I look").state == "resolved"
    world.wait(20)
    assert world.told == [title]
    with world.store.transaction() as tx:
        roll_back(tx, "system", "e-2")
    world.run()
    assert [one.state for one in world.alerts] == ["resolved", "firing"]


def test_a_rollback_by_a_person_is_that_persons_news(world: World) -> None:
    with world.store.transaction() as tx:
        roll_back(tx, "operator")
    world.run()
    assert world.alerts == []


def test_a_candidate_that_was_withdrawn_is_told_of(world: World) -> None:
    dropped = {"release": "e-1", "candidate": "m:2", "reason": "m:3 was withdrawn: more failures than the champion"}
    with world.store.transaction() as tx:
        tx.audit.append(START, "controller", "system", "release.drop", "e", dropped)
    world.run()
    assert world.told == [
        "[warning] e: release e-1 goes on without a candidate: m:3 was withdrawn: more failures than the champion"
    ]


@pytest.mark.parametrize(
    ("waits", "goes_on"),
    [
        ("release.ask", "release.approve"),
        ("release.await_test", "release.begin"),
        ("release.await_test", "release.fail"),
    ],
)
def test_a_release_that_waits_is_told_of_until_it_goes_on(world: World, waits: str, goes_on: str) -> None:
    waiting = {"release": "e-1", "candidate": "m:2", "reason": "awaiting approval by somebody else than ann"}
    with world.store.transaction() as tx:
        tx.audit.append(START, "controller", "system", waits, "e", waiting)
    world.run()
    world.restart()
    world.run()
    title = "[info] e: release e-1 of m:2 waits for a person: awaiting approval by somebody else than ann"
    assert world.told == [title]
    with world.store.transaction() as tx:
        tx.audit.append(START, "bob", "approver", goes_on, "e", {**waiting, "reason": "approved by bob"})
    world.run()
    assert [one.state for one in world.alerts] == ["resolved"]


def test_wrong_sums_of_the_log_must_last_a_minute(world: World) -> None:
    world.wait(30, holds=False, logged=9)
    world.wait(60)
    assert world.alerts == []
    world.wait(80, holds=False, logged=9)
    (alert,) = world.alerts
    assert (alert.endpoint, alert.severity, alert.symptoms[0].rule) == ("e", "critical", "log_sums")
    world.wait(80)
    assert world.alerts[0].state == "resolved"


def test_rows_set_aside_are_told_of_until_somebody_knows_and_again_when_there_are_more(world: World) -> None:
    world.wait(20, quarantined=2)
    world.wait(20, quarantined=3)
    (alert,) = world.alerts
    assert alert.symptoms[0].sentence.startswith("3 damaged row(s)")
    Alerts(world.store, lambda: world.now).acknowledge(alert.id, actor=ANN)
    world.restart()
    world.wait(60, quarantined=3)
    assert len(world.alerts) == 1
    world.wait(20, quarantined=4, unrecorded=1)
    assert [one.symptoms[0].rule for one in world.alerts] == ["quarantined", "quarantined", "unrecorded"]
    assert len(world.told) == 3


def test_a_collector_that_is_far_behind_or_silent_is_told_of_and_one_that_starts_is_not(world: World) -> None:
    world.wait(60)
    world.wait(120, lag=300)
    assert world.alerts == []
    world.wait(20, lag=300)
    (alert,) = world.alerts
    assert (alert.endpoint, alert.symptoms[0].rule) == ("", "collector")
    world.wait(90)
    assert world.alerts[0].state == "resolved"
    world.jump(timedelta(hours=2))
    world.wait(170, reported=False)
    assert len(world.alerts) == 1
    world.wait(30, reported=False)
    assert "has not reported" in world.alerts[1].symptoms[0].sentence
    # A controller that has just started has not been waiting for long.
    world.restart()
    world.run()
    assert world.alerts[1].state == "firing"


def test_each_machine_watches_its_own_collector(world: World, tmp_path: Path) -> None:
    def machine(name: str) -> Alerting:
        return Alerting(world.store, tmp_path / f"{name}.json", lambda: world.now, act, place=name)

    machines = [machine("a"), machine("b")]
    rows = Reconciliation(acknowledged=1, logged=0, waiting=0, quarantined=1, unrecorded=0, holds=True)
    for number in range(30):
        world.now += timedelta(seconds=10)
        for name, lag in (("a", 300.0 if number < 20 else 0.0), ("b", 0.0)):
            report = ReconciliationReport(written_at=world.now, lag_seconds=lag, endpoints={"e": rows})
            reconciliation.save(tmp_path / f"{name}.json", report)
        for each in machines:
            each.step()
    *rows_set_aside, collector = world.alerts
    assert collector.state == "resolved"
    assert [each.sentence for each in collector.symptoms] == [
        "on a: the collector is 300 s behind; profiles, gates and monitoring are as late"
    ]
    assert [one.symptoms[0].key for one in rows_set_aside] == ["quarantined:a", "quarantined:b"]


def test_what_a_machine_said_that_is_gone_for_good_ends(world: World, tmp_path: Path) -> None:
    gone = Alerting(world.store, tmp_path / "gone.json", lambda: world.now, act, place="gone")
    for _ in range(25):
        world.now += timedelta(seconds=10)
        gone.step()
    assert [one.state for one in world.alerts] == ["firing"]
    world.jump(timedelta(minutes=11))
    assert [one.state for one in world.alerts] == ["resolved"]


def test_during_a_silence_incidents_are_kept_and_those_that_last_are_told_of_afterwards(world: World) -> None:
    with world.store.transaction() as tx:
        tx.silences.add(
            Silence(endpoint="e", until=world.now + timedelta(hours=1), created_at=world.now, created_by="ann")
        )
    world.judge(0, drift(), drift(name="drift.y"))
    world.judge(1, drift("ok"), drift(name="drift.y"))
    assert (len(world.alerts), world.told) == (1, [])
    world.jump(timedelta(hours=1))
    assert world.told == ["[warning] e: drift.x of m:1: it fell (and 1 more)"]


def test_in_a_maintenance_window_nobody_is_told_before_its_end(world: World) -> None:
    begins, ends = (world.now + timedelta(minutes=minutes) for minutes in (-5, 55))
    window = MaintenanceWindow(
        name="import", weekdays=WEEKDAYS, begins=f"{begins:%H:%M}", ends=f"{ends:%H:%M}", time_zone="UTC",
        created_at=world.now, created_by="ann",
    )  # fmt: skip
    Maintenance(world.store, lambda: world.now).add(window, actor=ANN)
    world.judge(0, drift())
    assert (len(world.alerts), world.told) == (1, [])
    world.jump(timedelta(hours=1))
    assert world.told == ["[warning] e: drift.x of m:1: it fell"]
    world.jump(timedelta(hours=23))
    world.judge(5, drift(name="drift.y"))
    assert len(world.told) == 1


def test_who_acknowledged_is_told_only_of_what_is_new(world: World) -> None:
    world.judge(0, drift())
    Alerts(world.store, lambda: world.now).acknowledge(1, actor=ANN)
    world.judge(0, drift(name="drift.y"))
    assert [one.state for one in world.alerts] == ["acknowledged"]
    world.judge(0, check())
    assert [one.state for one in world.alerts] == ["firing"]
    assert len(world.told) == 2


def test_what_was_before_the_first_look_alerts_nobody(tmp_path: Path, store_url: str) -> None:
    store = Store(store_url)
    world = World(store, tmp_path / "reconciliation.json")
    with store.transaction() as tx:
        tx.verdicts.append([Verdict(endpoint="e", window_start=START, window_end=START + DAY, check=drift(), at=START)])
        roll_back(tx, "system")
    world.run()
    assert world.alerts == []
    world.judge(1, drift())
    assert len(world.alerts) == 1
    store.close()


def test_a_loop_that_dies_before_its_commit_makes_each_incident_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(tx: Transaction, now: datetime) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("interlock.monitoring.notices.tell_open", die)
    with pytest.raises(KeyboardInterrupt):
        world.judge(0, drift())
    monkeypatch.undo()
    assert world.alerts == []
    world.restart()
    world.run()
    world.restart()
    world.run()
    assert (len(world.alerts), len(world.told)) == (1, 1)


def test_channels_are_told_of_what_they_want(world: World) -> None:
    with world.store.transaction() as tx:
        for name, severity, endpoints in (("pager", "critical", ()), ("others", "info", ("f",))):
            tx.channels.add(
                Channel(
                    name=name, url="http://127.0.0.1:1/x", created_at=START, created_by="ann",
                    least_severity=severity, endpoints=endpoints,  # type: ignore[arg-type]  # one of its kinds
                )
            )  # fmt: skip
    world.judge(0, drift())
    world.judge(1, check(name="brier"))
    with world.store.read() as tx:
        assert [(each.channel, each.notice.alert) for each in tx.deliveries.waiting()] == [
            ("team", 1), ("pager", 2), ("team", 2),
        ]  # fmt: skip


def test_nothing_is_remembered_of_what_is_well(world: World) -> None:
    world.judge(0, drift("ok"), check("ok"), requests("ok"))
    world.wait(30)
    with world.store.read() as tx:
        found: dict[str, Condition] = tx.alert_conditions.list("e") | tx.alert_conditions.list("")
    assert found == {}


def apply(world: World, *rules: dict[str, Any]) -> None:
    Alerts(world.store, lambda: world.now).apply_rules({"rules": list(rules)}, actor=ANN)


def accuracy(value: float | None, rows: int = 100) -> Check:
    return Check(name="accuracy", signal="quality", version="m:1", outcome="ok", value=value, expected="", rows=rows)


def test_a_threshold_that_somebody_wrote_alerts_whatever_the_check_makes_of_the_value(world: World) -> None:
    apply(world, {"name": "low", "check": "accuracy", "below": 0.6, "fewest_rows": 50})
    world.judge(0, accuracy(0.61))
    world.judge(1, accuracy(0.1, rows=49))
    world.judge(2, accuracy(None))
    assert world.alerts == []
    world.judge(3, accuracy(0.59))
    assert world.told == ["[critical] e: accuracy of m:1 is 0.59, below 0.6 is alerted of"]
    world.judge(4, accuracy(0.7))
    assert [one.state for one in world.alerts] == ["resolved"]


def test_a_rule_may_wait_for_days_in_a_row_and_mean_one_endpoint(world: World) -> None:
    apply(
        world,
        {"name": "low", "check": "accuracy", "below": 0.6, "days": 2, "severity": "info"},
        {"name": "of-f", "check": "accuracy", "below": 0.99, "endpoint": "f"},
    )
    world.judge(0, accuracy(0.5))
    assert world.alerts == []
    world.judge(1, accuracy(0.5))
    assert [one.severity for one in world.alerts] == ["info"]


def test_rules_that_are_switched_off_or_taken_away_say_nothing_and_end_what_they_began(world: World) -> None:
    apply(world, {"name": "low", "check": "accuracy", "below": 0.6})
    world.judge(0, accuracy(0.5), drift())
    assert len(world.alerts[0].symptoms) == 2
    apply(world, {"name": "drift", "off": True})
    world.judge(1, accuracy(0.5), drift(), drift(name="drift.y"))
    world.wait(20)
    assert [one.state for one in world.alerts] == ["resolved"]
    with world.store.read() as tx:
        texts = [event.text for event in tx.alerts.events(1)]
        (entry, _) = tx.audit.list()
    assert {"rule low is in force no more", "rule drift is in force no more"} <= set(texts)
    assert (entry.action, entry.details["rules"][0]["name"]) == ("alert.rules", "drift")


def test_a_rule_may_take_the_traffic_back_which_is_told_with_its_alert_and_not_twice(world: World) -> None:
    with world.store.transaction() as tx:
        for number in (1, 2):
            tx.models.add(_model(number))
        tx.plans.append(TrafficPlan(endpoint="e", generation=2, champion="m:2"))
    apply(world, {"name": "low", "check": "accuracy", "below": 0.6, "action": "roll_back"})
    low = msgspec.structs.replace(accuracy(0.5), version="m:2")
    world.judge(0, low, msgspec.structs.replace(low, name="f1"))
    world.wait(30)
    with world.store.read() as tx:
        assert tx.plans.current("e").champion == "m:1"
        opened, over = (each.notice for each in tx.deliveries.waiting())
    assert "; m:1 answers again in place of m:2" in opened.text
    assert (opened.kind, over.kind) == ("opened", "resolved")
    assert len(world.alerts) == 1


def test_two_rules_on_one_verdict_take_the_traffic_back_once(world: World) -> None:
    with world.store.transaction() as tx:
        for number in (1, 2, 3):
            tx.models.add(_model(number))
        for number in (2, 3):
            tx.plans.append(TrafficPlan(endpoint="e", generation=number, champion=f"m:{number}"))
    apply(
        world,
        {"name": "low", "check": "accuracy", "below": 0.6, "action": "roll_back"},
        {"name": "lower", "check": "accuracy", "below": 0.55, "action": "roll_back"},
    )
    world.judge(0, msgspec.structs.replace(accuracy(0.5), version="m:3"))
    with world.store.read() as tx:
        assert tx.plans.current("e").champion == "m:2"
        done = [each.text for each in tx.alerts.events(1) if each.kind == "acted"]
    assert done[0].startswith("m:2 answers again in place of m:3")
    assert done[1] == "nothing more was done: rule low had it done already"


def test_a_verdict_that_breaks_the_rules_is_set_aside_and_told_of_and_the_others_go_on(world: World) -> None:
    broken = msgspec.structs.replace(drift(name="drift.z"), signal="of tomorrow")
    deleted = msgspec.structs.replace(check(), version="m:1")
    world.judge(0, drift(), broken, deleted)
    world.restart()
    world.run()
    incident, told = world.alerts
    assert [each.rule for each in incident.symptoms] == ["drift", "quality"]
    assert [each.rule for each in told.symptoms] == ["set_aside"]
    assert told.symptoms[0].sentence.startswith("1 verdict(s) could not be taken by the alert rules and were set aside")
    assert "of tomorrow" in told.symptoms[0].sentence
    assert len(world.told) == 2


def test_what_a_broken_verdict_did_before_it_broke_is_undone(world: World) -> None:
    def break_it(tx: Transaction, endpoint: str, action: Action, reason: str, now: datetime) -> str:
        tx.audit.append(now, "alerts", "system", "release.pause", endpoint, {})
        raise ZeroDivisionError("no traffic")

    world.alerting = Alerting(world.store, world.report, lambda: world.now, break_it)
    apply(world, {"name": "low", "check": "accuracy", "below": 0.6, "action": "pause"})
    world.judge(0, accuracy(0.5), drift())
    with world.store.read() as tx:
        assert "release.pause" not in [entry.action for entry in tx.audit.list()]
    assert sorted(each.rule for alert in world.alerts for each in alert.symptoms) == ["drift", "set_aside"]


def _model(number: int) -> ModelVersion:
    return ModelVersion(
        name="m", version=number, digest="d", model_format="onnx", serving_digest="d", serving_format="onnx",
        placement="inline", contract=Contract(inputs=(), outputs=(), task="other"), created_at=START, created_by="ann",
    )  # fmt: skip


def test_what_began_and_ended_while_nobody_looked_is_told_once(world: World) -> None:
    with world.store.transaction() as tx:
        tx.verdicts.append(
            Verdict(
                endpoint="e", window_start=START + day * DAY, window_end=START + (day + 1) * DAY,
                check=drift("ok" if day else "breach"), at=START,
            )
            for day in range(3)
        )  # fmt: skip
    world.run()
    assert [one.state for one in world.alerts] == ["resolved"]
    assert world.told == ["[warning] over: e: drift.x of m:1: it fell"]


def test_that_it_is_over_is_told_to_those_who_were_told_that_it_began(world: World) -> None:
    world.judge(0, drift())
    with world.store.transaction() as tx:
        tx.channels.add(Channel(name="new", url="http://127.0.0.1:1/y", created_at=START, created_by="ann"))
    for day in (1, 2):
        world.judge(day, drift("ok"))
    with world.store.read() as tx:
        told = [(each.channel, each.notice.kind) for each in tx.deliveries.waiting()]
    assert told == [("team", "opened"), ("team", "resolved")]


def test_of_what_was_taken_on_in_a_silence_nobody_is_told_that_it_is_over(world: World) -> None:
    with world.store.transaction() as tx:
        tx.silences.add(
            Silence(endpoint="e", until=world.now + timedelta(hours=1), created_at=world.now, created_by="ann")
        )
    world.judge(0, drift())
    Alerts(world.store, lambda: world.now).acknowledge(1, actor=ANN)
    world.jump(timedelta(hours=2))
    for day in (1, 2):
        world.judge(day, drift("ok"))
    assert [one.state for one in world.alerts] == ["resolved"]
    assert world.told == []


def test_names_and_reasons_of_any_length_are_alerted_of_in_one_line(world: World) -> None:
    column = "drift." + 3000 * "x" + "\0"
    broken = check("error", column, "input")
    world.judge(0, drift(name=column), msgspec.structs.replace(broken, details={"reason": "Traceback:\n  line 1"}))
    world.judge(1, drift("ok", column), drift("ok", column[:-2]))
    (alert,) = world.alerts
    assert len(alert.symptoms) == 2
    (title, *_) = world.told
    assert len(title) == 200
    with world.store.transaction() as tx:
        details = {"release": "e-1", "candidate": "m:2", "reason": "rolled back: Traceback:\n  line 1\n  line 2"}
        tx.audit.append(START, "controller", "system", "release.roll_back", "e", details)
    world.run()
    assert world.told[-1] == "[warning] e: release e-1 of m:2 was rolled back: Traceback: line 1 line 2"


def serve(world: World, hours: dict[int, int]) -> None:
    """Requests of an endpoint by the hour since the start."""
    latency = np.zeros(log_histogram.SIZE, dtype=np.int64)
    with world.store.transaction() as tx:
        tx.service_hours.add_all(
            ServiceDelta("e", "m:1", START + timedelta(hours=hour), requests, 0, requests, latency)
            for hour, requests in hours.items()
        )


def seen(world: World, day: int) -> None:
    world.judge(day, check("ok", "requests", "service"))


def usual_hours(rng: np.random.Generator, days: int) -> dict[int, int]:
    """Busy by day, quiet at night, a half on Sundays."""
    level = [20 + 180 * (7 <= hour < 20) for hour in range(24)]
    return {
        24 * day + hour: int(rng.poisson(level[hour] / (2 if day % 7 == 6 else 1)))
        for day in range(days)
        for hour in range(24)
    }


def test_volume_is_compared_with_the_same_hour_of_past_weeks(world: World) -> None:
    hours = usual_hours(np.random.default_rng(1), 43)
    # A Monday afternoon like a Sunday: nothing for a threshold, and unheard of.
    hours |= {24 * 42 + hour: 100 for hour in range(14, 17)}
    serve(world, hours)
    with world.store.transaction() as tx:
        tx.alert_rules.replace([WrittenRule(name="odd-volume", check="volume", unusual=True, severity="warning")])
    for day in range(42):
        seen(world, day)
    assert world.told == []
    seen(world, 42)
    (told,) = world.told
    assert told.startswith("[warning] e: volume at Mon ")
    assert "requests" in told
    assert "are usual at that hour of the week" in told


def test_a_day_without_any_request_is_unusual_too(world: World) -> None:
    serve(world, usual_hours(np.random.default_rng(2), 35))
    with world.store.transaction() as tx:
        tx.alert_rules.replace([WrittenRule(name="odd", check="volume", unusual=True)])
    world.judge(36, check("no_data", "requests", "service", None))
    assert any("volume at" in symptom.sentence for alert in world.alerts for symptom in alert.symptoms)


def test_any_value_is_compared_with_the_same_weekday_of_past_weeks(world: World) -> None:
    rng = np.random.default_rng(3)
    with world.store.transaction() as tx:
        tx.alert_rules.replace([WrittenRule(name="odd", check="drift.x", unusual=True)])

    def judge(day: int, value: float) -> None:
        world.judge(day, msgspec.structs.replace(drift("ok"), value=value, rows=100))

    for day in range(35):
        judge(day, (0.3 if day % 7 == 6 else 0.05) + rng.normal(0, 0.005))
    assert world.alerts == []
    judge(35, 0.3)  # what is usual on a Sunday, on a Monday
    (alert,) = world.alerts
    assert "are usual on a Monday" in alert.symptoms[0].sentence
