"""How the server itself is: its parts, its gateways, whether the log adds up, its disk, its versions.

Everything is what the parts said of themselves: the supervisor's file, heartbeats, the collector's report. Folders are
only measured when that is asked for.
"""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from interlock.api.access import needs
from interlock.api.services import Given, Services
from interlock.api.serving import ALIVE
from interlock.api.status import gateway_url, processes
from interlock.domain.gateway_state import GatewayState
from interlock.domain.mqtt import MqttState
from interlock.domain.telemetry import MessageFault
from interlock.domain.traffic import TrafficPlan
from interlock.monitoring import broker_state
from interlock.monitoring.devices import Sensor
from interlock.predictions import reconciliation
from interlock.predictions.reconciliation import Reconciliation, ReconciliationReport
from interlock.web.access import PageRoute, Present, Visitor
from interlock.web.rendering import show
from interlock.web.states import State

router = APIRouter(prefix="/system", route_class=PageRoute, include_in_schema=False)

_DUTIES = {
    "gw": "answers callers",
    "api": "this page and the API",
    "controller": "releases, monitoring, alerts",
    "scorer": "answers rows of releases with the other version",
    "collector": "brings records into the log",
    "telemetry": "takes messages of devices from a broker",
}
_LIBRARIES = ("onnxruntime", "deltalake", "duckdb", "pyarrow", "SQLAlchemy", "scikit-learn", "pillow")
_FOLDERS = {"log": "the prediction log", "spool": "records on their way", "artifacts": "model files"}
# The collector reports every two seconds, or less often while it is busy.
_LATE_SECONDS = 30.0
_LITTLE_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Gateway:
    """What one gateway said last.

    Args:
        age_seconds: Of its heartbeat.
        behind: Endpoints whose newest plan it does not serve yet: name, plan it serves, newest plan.
    """

    said: GatewayState
    age_seconds: float
    behind: list[tuple[str, int, int]]

    @property
    def state(self) -> State:
        if self.said.load_errors:
            return State("breach", "cannot load a version")
        if self.behind:
            return State("watch", "loading")
        return State("watch", "withdrew a challenger") if self.said.trips else State("ok", "serves every plan")


@dataclass(frozen=True, slots=True)
class Devices:
    """What is known of devices.

    Args:
        count, sensors: How many there are.
        shown: Sensors, those that are not as expected first.
        faults: What of their messages could not be taken.
        broker: How the subscription is; None without one.
    """

    count: int
    sensors: int
    shown: list[Sensor]
    faults: list[MessageFault]
    broker: MqttState | None


@router.get("", **needs("read", limited_keys=True))
def page(request: Request, visitor: Present, services: Given, measure: bool = False) -> Response:
    """The page. `measure`: count what the folders hold, which takes a moment for a large log."""
    folders = _sizes(services) if measure else []
    return show(request, "system.html", measure=measure, folders=folders, **_seen(request, services, visitor))


@router.get("/now", **needs("read", limited_keys=True))
def now(request: Request, visitor: Present, services: Given) -> Response:
    """What changes of it while somebody watches."""
    return show(request, "_system.html", **_seen(request, services, visitor))


def _seen(request: Request, services: Services, visitor: Visitor) -> dict[str, Any]:
    at = services.clock()
    with services.store.read() as tx:
        live, plans = tx.gateways.live(at - ALIVE), tx.plans.all_current()
    plans = [each for each in plans if visitor.may("read", each.endpoint)]
    gateways = [gateway_of(each, plans, (at - each.at).total_seconds()) for each in live]
    parts = [(each, _duty(each["name"])) for each in processes(services.settings.run / "processes.json")]
    report, fault = _report(services.settings.run / reconciliation.NAME)
    sums = {name: each for name, each in (report.endpoints if report else {}).items() if visitor.may("read", name)}
    age = (at - report.written_at).total_seconds() if report else None
    disk = shutil.disk_usage(services.settings.home)
    return {
        "parts": parts,
        "gateways": gateways,
        "report": report,
        "report_fault": fault,
        "report_age": age,
        "is_late": age is not None and age > _LATE_SECONDS,
        "sums": sums,
        "headline": headline([each for each, _ in parts], gateways, sums),
        "disk": disk,
        "disk_state": State("watch", "little left") if disk.free < _LITTLE_BYTES else State("ok", "enough"),
        "devices": _devices(services, visitor),
        "facts": _facts(request, services),
    }


def _devices(services: Services, visitor: Visitor) -> Devices | None:
    """None for who sees some endpoints only: devices are of none."""
    if visitor.key.endpoints:
        return None
    sensors = services.devices.list()
    wrong = [each for each in sensors if each.status in ("outside", "silent")]
    names = {each.device for each in sensors}
    return Devices(
        len(names),
        len(sensors),
        wrong + [each for each in sensors if each not in wrong],
        services.devices.faults(),
        broker_state.load(services.settings.mqtt_state),
    )


def gateway_of(said: GatewayState, plans: list[TrafficPlan], age_seconds: float) -> Gateway:
    """A gateway beside what it should serve."""
    behind = [
        (plan.endpoint, said.generations.get(plan.endpoint, 0), plan.generation)
        for plan in plans
        if said.generations.get(plan.endpoint, 0) < plan.generation
    ]
    return Gateway(said, age_seconds, behind)


def headline(parts: list[dict[str, Any]], gateways: list[Gateway], sums: dict[str, Reconciliation]) -> str:
    """The first line: what is worst."""
    if not gateways:
        return "No gateway answers"
    down = [each["name"] for each in parts if each["state"] != "running"]
    if down:
        return f"{down[0]} is down" if len(down) == 1 else f"{len(down)} parts are down"
    wrong = [name for name, each in sums.items() if not each.holds]
    if wrong:
        return f"The log of {wrong[0]} does not add up" if len(wrong) == 1 else f"{len(wrong)} logs do not add up"
    if any(each.state.kind == "breach" for each in gateways):
        return "A gateway cannot load a version"
    return "Everything runs"


def _duty(part: str) -> str:
    return next((duty for name, duty in _DUTIES.items() if part.startswith(name)), "")


def _report(path: Path) -> tuple[ReconciliationReport | None, str]:
    try:
        return reconciliation.load(path), ""
    except (OSError, msgspec.MsgspecError) as error:
        return None, f"the collector's report cannot be read: {error}"


def _facts(request: Request, services: Services) -> dict[str, str]:
    found = {"interlock": version("interlock"), "Python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # an extra that is not installed
            continue
    return {"gateway": gateway_url(request, services), "store": services.store.kind, **found}


def _sizes(services: Services) -> list[tuple[str, str, int]]:
    return [(name, what, sum(_files(services.settings.home / name))) for name, what in _FOLDERS.items()]


def _files(folder: Path) -> Iterator[int]:
    """Bytes of every file below a folder. What goes away meanwhile is not counted."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for each in entries:
        if each.is_dir(follow_symlinks=False):
            yield from _files(Path(each.path))
        else:
            try:
                yield each.stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
