"""What devices say becomes incidents, on a real store."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.domain.alert import Alert
from interlock.domain.mqtt import MqttState
from interlock.domain.telemetry import Expectation, SensorState
from interlock.monitoring.alerting import Alerting
from interlock.predictions import reconciliation
from interlock.predictions.reconciliation import ReconciliationReport
from interlock.releases.actions import act
from interlock.store import Store

START = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class Plant:
    """Devices, and an alerting loop that looks at them every ten seconds of its clock."""

    store: Store
    folder: Path
    now: datetime = START
    alerting: Alerting = field(init=False)

    def __post_init__(self) -> None:
        self.alerting = Alerting(
            self.store, self.folder / "report.json", lambda: self.now, act, broker=self.folder / "mqtt.json"
        )

    def expect(self, **given: Any) -> None:
        wanted = Expectation(**{"device": "press-7", "sensor": "t", "created_at": self.now, **given})
        with self.store.transaction() as tx:
            tx.telemetry.expect(wanted)

    def hear(self, value: float, device: str = "press-7", outside: float | None = None) -> None:
        state = SensorState(
            device=device, sensor="t", value=value, at=self.now, received_at=self.now, outside_value=outside,
            outside_received_at=None if outside is None else self.now,
        )  # fmt: skip
        with self.store.transaction() as tx:
            tx.telemetry.put([state])

    def wait(self, seconds: int, *, collected: bool = True, connected: bool | None = True) -> None:
        for _ in range(seconds // 10):
            self.now += timedelta(seconds=10)
            if collected:
                report = ReconciliationReport(written_at=self.now, lag_seconds=0.0, endpoints={})
                reconciliation.save(self.folder / "report.json", report)
            if connected is not None:
                state = MqttState(
                    broker="mqtt://b", connected=connected, since=self.now, written_at=self.now,
                    error="" if connected else "refused",
                )  # fmt: skip
                (self.folder / "mqtt.json").write_bytes(msgspec.json.encode(state))
            while self.alerting.step():
                pass

    @property
    def alerts(self) -> list[Alert]:
        with self.store.read() as tx:
            return tx.alerts.list()[::-1]

    @property
    def states(self) -> list[str]:
        return [each.state for each in self.alerts]

    @property
    def symptoms(self) -> list[tuple[str, str, bool]]:
        return [(each.rule, each.sentence, each.over_at is None) for alert in self.alerts for each in alert.symptoms]


@pytest.fixture
def plant(tmp_path: Path, store_url: str) -> Iterator[Plant]:
    store = Store(store_url)
    plant = Plant(store, tmp_path)
    plant.wait(10)
    yield plant
    store.close()


def test_a_value_out_of_its_range_is_an_incident_until_it_is_back(plant: Plant) -> None:
    plant.expect(low=10.0, high=80.0, unit="°C", severity="critical")
    plant.hear(50.0)
    plant.wait(30)
    assert plant.alerts == []
    plant.hear(93.2)
    plant.wait(10)
    (alert,) = plant.alerts
    assert (alert.endpoint, alert.severity, alert.state) == ("", "critical", "firing")
    assert alert.title == "server: t of device press-7 is 93.2 °C; expected 10 to 80 °C"
    plant.hear(70.0)
    plant.wait(40)
    assert plant.states == ["firing"]
    plant.wait(60)
    assert plant.states == ["resolved"]


def test_a_peak_between_two_looks_is_seen_unless_it_must_last(plant: Plant) -> None:
    plant.expect(high=80.0)
    plant.hear(50.0, outside=99.0)
    plant.wait(10)
    assert plant.symptoms == [("device_range", "t of device press-7 is 99; expected at most 80", True)]


def test_a_rule_may_want_it_to_last(plant: Plant) -> None:
    plant.expect(high=80.0, for_seconds=60.0)
    plant.hear(50.0, outside=99.0)
    plant.wait(30)
    plant.hear(99.0)
    plant.wait(40)
    assert plant.alerts == []
    plant.wait(60)
    assert [each[0] for each in plant.symptoms] == ["device_range"]


def test_a_device_that_is_silent_is_told_of_and_heard_of_again(plant: Plant) -> None:
    plant.expect(device="*", silent_after_seconds=60.0)
    plant.hear(1.0)
    plant.hear(1.0, device="pump")
    plant.wait(50)
    assert plant.alerts == []
    plant.hear(1.0, device="pump")
    plant.wait(20)
    assert [each[:1] + each[2:] for each in plant.symptoms] == [("device_silent", True)]
    assert "press-7 was not heard of for" in plant.symptoms[0][1]
    plant.hear(1.0)
    plant.hear(1.0, device="pump")
    plant.wait(30)
    plant.hear(1.0)
    plant.hear(1.0, device="pump")
    plant.wait(50)
    assert plant.states == ["resolved"]


def test_a_device_that_was_never_heard_of_is_missed_by_name(plant: Plant) -> None:
    plant.expect(silent_after_seconds=60.0)
    plant.expect(device="other-*", silent_after_seconds=60.0)
    plant.wait(50)
    assert plant.alerts == []
    plant.wait(30)
    assert [each[0] for each in plant.symptoms] == ["device_silent"]


def test_nobody_is_called_silent_while_the_collector_is(plant: Plant) -> None:
    plant.expect(silent_after_seconds=30.0)
    plant.wait(70, collected=False)
    before = [each[0] for each in plant.symptoms]
    plant.wait(200, collected=False)
    after = [each[0] for each in plant.symptoms]
    assert before == ["device_silent"]  # the collector had a minute
    assert after == ["device_silent", "collector"]
    assert [each.state for each in plant.alerts] == ["firing"]


def test_what_is_expected_no_more_ends(plant: Plant) -> None:
    plant.expect(high=80.0)
    plant.hear(99.0)
    plant.wait(10)
    with plant.store.transaction() as tx:
        assert tx.telemetry.expect_nothing("press-7", "t")
    plant.wait(620)
    assert [each.state for each in plant.alerts] == ["resolved"]


def test_a_broker_that_is_away_for_two_minutes_is_told_of(plant: Plant) -> None:
    plant.wait(100, connected=False)
    plant.wait(30)
    assert plant.alerts == []
    plant.wait(140, connected=False)
    assert plant.symptoms == [("broker", "messages of mqtt://b: refused", True)]
    plant.wait(80)
    assert plant.states == ["resolved"]


def test_a_subscriber_that_says_nothing_is_told_of(plant: Plant) -> None:
    plant.wait(200, connected=None)
    assert [each[0] for each in plant.symptoms] == ["broker"]
    assert "has not reported for" in plant.symptoms[0][1]
