from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from interlock.domain.alert import Alert, AlertEvent, Channel, Condition, Delivery, Notice, Silence
from interlock.domain.errors import ConflictError, NotFoundError
from interlock.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def alert(endpoint: str) -> Alert:
    return Alert(endpoint=endpoint, day=NOON, state="firing", severity="warning", symptoms=(), opened_at=NOON)


def delivery(channel: str, alert: int = 1) -> Delivery:
    notice = Notice(kind="opened", endpoint="wine", severity="warning", title="t", text="x", at=NOON, alert=alert)
    return Delivery(channel=channel, notice=notice, next_try_at=NOON)


def test_incidents_count_from_1_and_those_that_are_open_are_found(store: Store) -> None:
    with store.transaction() as tx:
        first, second = tx.alerts.add(alert("wine")), tx.alerts.add(alert("beer"))
        tx.alerts.update(msgspec.structs.replace(first, state="resolved", resolved_at=NOON))
    assert (first.id, second.id) == (1, 2)
    with store.read() as tx:
        assert tx.alerts.open() == tx.alerts.open("beer") == [second]
        assert tx.alerts.open("wine") == []
        assert [one.id for one in tx.alerts.list()] == [2, 1]
        assert [one.state for one in tx.alerts.list("wine")] == ["resolved"]
        assert [one.id for one in tx.alerts.list(is_open=False)] == [1]
        assert tx.alerts.get(2) == second
        with pytest.raises(NotFoundError, match="alert '3' does not exist"):
            tx.alerts.get(3)


def test_an_incident_keeps_its_history_in_order(store: Store) -> None:
    def event(text: str) -> AlertEvent:
        return AlertEvent(at=NOON, kind="opened", actor="controller", text=text)

    with store.transaction() as tx:
        for number, text in ((1, "a"), (2, "b"), (1, "c")):
            tx.alerts.add_event(number, event(text))
    with store.read() as tx:
        assert tx.alerts.events(1) == [event("a"), event("c")]


def test_conditions_are_remembered_and_forgotten(store: Store) -> None:
    condition = Condition(rule="drift", state="pending", since=NOON, bad_until=NOON)
    with store.transaction() as tx:
        tx.alert_conditions.set("wine", "x", condition)
        tx.alert_conditions.set("wine", "x", msgspec.structs.replace(condition, state="firing"))
        tx.alert_conditions.set("wine", "y", condition)
        tx.alert_conditions.set("beer", "y", condition)
        tx.alert_conditions.set("wine", "y", None)
    with store.read() as tx:
        assert tx.alert_conditions.list("wine") == {"x": msgspec.structs.replace(condition, state="firing")}


def test_silences_end_and_stay_known(store: Store) -> None:
    silence = Silence(endpoint="wine", until=NOON, created_at=NOON - MINUTE, created_by="ann")
    with store.transaction() as tx:
        added = tx.silences.add(silence)
        tx.silences.add(msgspec.structs.replace(silence, until=NOON + MINUTE))
    assert added.id == 1
    with store.read() as tx:
        assert [one.id for one in tx.silences.list()] == [2, 1]
        assert [one.id for one in tx.silences.running(NOON)] == [2]
        assert tx.silences.running(NOON + MINUTE) == []


def test_a_channels_name_is_used_once(store: Store) -> None:
    channel = Channel(name="team", url="mailto://x", created_at=NOON, created_by="ann")
    with store.transaction() as tx:
        tx.channels.add(channel)
        with pytest.raises(ConflictError, match="'team' exists already"):
            tx.channels.add(channel)
    with store.read() as tx:
        assert tx.channels.list() == [tx.channels.get("team")] == [channel]
        with pytest.raises(NotFoundError, match="there is: team"):
            tx.channels.get("other")
    with store.transaction() as tx:
        tx.channels.delete("team")
        with pytest.raises(NotFoundError):
            tx.channels.delete("team")


def test_the_outbox_gives_what_is_due_in_order_until_it_is_done(store: Store) -> None:
    with store.transaction() as tx:
        tx.deliveries.add([delivery("team"), delivery("pager", 2)])
        tx.deliveries.add([delivery("team", 3)])
        tx.deliveries.add([])
    with store.read() as tx:
        assert tx.deliveries.due(NOON - MINUTE) == []
        first, second, third = tx.deliveries.due(NOON)
        assert (first.id, second.id, third.id) == (1, 2, 3)
        assert tx.deliveries.due(NOON, limit=1) == [first]
        assert tx.deliveries.of_alert(2) == [second]
    with store.transaction() as tx:
        assert tx.deliveries.claim(3, NOON, NOON + MINUTE) == third
        assert tx.deliveries.claim(3, NOON, NOON + MINUTE) is None
        assert [one.id for one in tx.deliveries.due(NOON)] == [1, 2]
        tx.deliveries.update(third)
        tx.deliveries.update(msgspec.structs.replace(first, delivered_at=NOON))
        tx.deliveries.update(msgspec.structs.replace(second, next_try_at=NOON + MINUTE, attempts=1, last_error="e"))
    with store.read() as tx:
        assert tx.deliveries.due(NOON) == [third]
        assert [one.id for one in tx.deliveries.waiting()] == [2, 3]
        assert tx.deliveries.waiting("team") == [third]
        assert tx.deliveries.of_alert(1)[0].delivered_at == NOON
