"""What devices say to the alert rules: sensors out of their range, sensors and brokers that are silent.

Called by `alerting` every few seconds. Only what somebody expects of a sensor is looked at: nobody is told of a device
that is switched off at night because it was on by day.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from interlock.domain.alert import Rule
from interlock.domain.telemetry import Expectation, SensorState
from interlock.monitoring import broker_state
from interlock.monitoring.alert_rules import BROKER, DEVICE_RANGE, DEVICE_SILENT
from interlock.monitoring.observation import Observation, key_of

# What was outside between two looks is seen by the next one, which comes some ten seconds later.
_BETWEEN_LOOKS = timedelta(seconds=25)
# The subscriber writes how it is four times a second.
_STATE_IS_OLD = timedelta(seconds=60)


def of_sensors(
    states: Sequence[SensorState], expected: Iterable[Expectation], now: datetime, *, is_heard: bool
) -> Iterator[Observation]:
    """The looks at all sensors of which something is expected.

    Args:
        states: How each was heard of last.
        expected: What is expected.
        now: The clock.
        is_heard: Whether what devices say arrives at all: if not, none of them is said to be silent.
    """
    for wanted in expected:
        covered = [state for state in states if wanted.covers(state.device, state.sensor)]
        if wanted.low is not None or wanted.high is not None:
            yield from (_in_range(wanted, state, now) for state in covered)
        if wanted.silent_after_seconds is None or not is_heard:
            continue
        allowed = timedelta(seconds=wanted.silent_after_seconds)
        for state in covered:
            yield _silence(wanted, state.device, max(state.received_at, wanted.created_at), allowed, now)
        if wanted.is_of_one and not covered:
            yield _silence(wanted, wanted.device, wanted.created_at, allowed, now)


def _in_range(wanted: Expectation, state: SensorState, now: datetime) -> Observation:
    value, lasting = state.value, timedelta(seconds=wanted.for_seconds)
    is_bad = wanted.is_outside(value)
    outside_at = state.outside_received_at
    # A peak counts though it is over, unless it must last.
    if not is_bad and not lasting and outside_at is not None and state.outside_value is not None:
        is_bad = now - outside_at < _BETWEEN_LOOKS and wanted.is_outside(state.outside_value)
        value = state.outside_value if is_bad else value
    rule = msgspec.structs.replace(DEVICE_RANGE, severity=wanted.severity, bad_for=lasting)
    unit = f" {wanted.unit}" if wanted.unit else ""
    sentence = f"{state.sensor} of device {state.device} is {value:g}{unit}; expected {wanted.range}"
    return _look(rule, wanted, state.device, now, is_bad=is_bad, sentence=sentence)


def _silence(wanted: Expectation, device: str, since: datetime, allowed: timedelta, now: datetime) -> Observation:
    rule = msgspec.structs.replace(DEVICE_SILENT, severity=wanted.severity)
    silent = now - since
    sentence = (
        f"{wanted.sensor} of device {device} was not heard of for {silent.total_seconds():.0f} s; "
        f"expected within {allowed.total_seconds():g} s"
    )
    return _look(rule, wanted, device, now, is_bad=silent > allowed, sentence=sentence)


def of_broker(path: Path, started_at: datetime, now: datetime, place: str = "") -> Observation:
    """Whether the broker is there.

    Args:
        path: File in which the subscriber says so.
        started_at: When the controller started: the subscriber had time since then.
        now: The clock.
        place: The machine, where several share a store.
    """
    state = broker_state.load(path)
    silent = now - (started_at if state is None else max(state.written_at, started_at))
    if silent > _STATE_IS_OLD or state is None:
        sentence = f"the subscriber to the broker has not reported for {silent.total_seconds():.0f} s"
        is_bad = silent > _STATE_IS_OLD
    else:
        fault = state.error or ("" if state.connected else "not connected")
        sentence, is_bad = f"messages of {state.broker}: {fault or 'they come'}", bool(fault)
    return Observation(
        rule=BROKER, endpoint="", key=key_of(BROKER.name, place), start=now, end=now, is_bad=is_bad,
        sentence=f"on {place}: {sentence}" if place else sentence,
    )  # fmt: skip


def _look(rule: Rule, wanted: Expectation, device: str, now: datetime, *, is_bad: bool, sentence: str) -> Observation:
    key = key_of(rule.name, device, wanted.sensor, wanted.device)
    return Observation(rule=rule, endpoint="", key=key, start=now, end=now, is_bad=is_bad, sentence=sentence)
