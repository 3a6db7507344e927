"""Devices over the network: sensors as they were heard of last, and what is expected of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.rendering import plain
from interlock.api.services import Given
from interlock.domain.alert import Severity
from interlock.domain.telemetry import Expectation
from interlock.monitoring import broker_state
from interlock.monitoring.devices import describe

router = APIRouter(tags=["devices"], route_class=GuardedRoute)

Sensor = Annotated[str | None, Query(description="only this sensor of it")]


class NewExpectation(BaseModel, extra="forbid"):
    """What is expected of a sensor: a range, not to be silent, or both."""

    device: str
    sensor: str
    low: float | None = None
    high: float | None = None
    silent_after_seconds: float | None = None
    for_seconds: float = 0.0
    severity: Severity = "warning"
    unit: str = ""


class Retention(BaseModel, extra="forbid"):
    """How many days the log keeps readings; 0 is for ever."""

    retention_days: int


@router.get("/devices", **needs("read"))
def list_devices(services: Given) -> dict[str, Any]:
    """Every sensor beside what is expected of it; what of messages could not be taken; the broker, if there is one."""
    state = broker_state.load(services.settings.mqtt_state)
    return {
        "sensors": [describe(each) for each in services.devices.list()],
        "unread": plain(services.devices.faults()),
        "broker": None if state is None else plain(state),
        "retention_days": services.devices.kept_days(),
    }


@router.get("/devices/{device}", **needs("read"))
def show(device: str, services: Given) -> dict[str, Any]:
    """A device's sensors."""
    return {"device": device, "sensors": [describe(each) for each in services.devices.list(device)]}


@router.delete("/devices/{device}", **needs("operate"))
def forget(device: str, actor: Actor, services: Given, sensor: Sensor = None) -> dict[str, Any]:
    """Forget a device that is gone, with what was expected of it. Its readings stay in the log."""
    return {"device": device, "sensors": services.devices.forget(device, sensor, actor=actor)}


@router.put("/devices", **needs("admin"))
def keep(wanted: Retention, actor: Actor, services: Given) -> dict[str, Any]:
    """Say how long the log keeps readings."""
    services.devices.keep_days(wanted.retention_days, actor=actor)
    return {"retention_days": wanted.retention_days}


@router.get("/expectations", **needs("read"))
def list_expectations(services: Given) -> dict[str, Any]:
    """What is expected of sensors."""
    return {"expectations": plain(services.devices.expectations())}


@router.put("/expectations", **needs("operate"))
def expect(wanted: NewExpectation, actor: Actor, services: Given) -> dict[str, Any]:
    """Say what is expected of a sensor, in the place of what was before. `*` and `?` in a device stand for any."""
    found = Expectation(created_at=services.clock(), **wanted.model_dump())
    return dict(plain(services.devices.expect(found, actor=actor)))


@router.delete("/expectations", status_code=204, **needs("operate"))
def expect_nothing(device: str, sensor: str, actor: Actor, services: Given) -> None:
    """Expect nothing of a sensor any more."""
    services.devices.expect_nothing(device, sensor, actor=actor)
