"""One part of a running server: a fork of the nursery, or `python -m interlock.process.part NAME` by the supervisor."""

import ctypes
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping

from interlock import bootstrap
from interlock.domain.errors import InvalidInputError
from interlock.process import preparation
from interlock.process.handover import VARIABLE, Handover, decode
from interlock.process.learner import start_learner
from interlock.process.lifeline import die_with_parent
from interlock.process.loop import repeat
from interlock.process.retraining import start_run
from interlock.settings import Settings

_LOOKS_A_SECOND = 2
_PR_SET_NAME = 15
_GRACE_SECONDS = 5.0

# How far a part stands back where processors are short: nobody waits for these, and callers wait for the gateways. The
# collector stands back least: what it has not taken yet grows on the disk.
_NICENESS = {"scorer": 15, "controller": 10, "collector": 5}


def run(handover: Handover) -> None:
    """Run the part until SIGTERM; then let it finish what it has begun."""
    die_with_parent(handover.parent_pid, handover.lifeline)
    _be_called(f"interlock-{handover.name}")
    logging.basicConfig(level=logging.WARNING, format=f"{handover.name} %(levelname)s %(name)s: %(message)s")
    os.nice(_NICENESS.get(handover.name, 0))
    settings = decode(os.environ[VARIABLE])
    if handover.name == preparation.NAME and handover.socket is not None:
        preparation.answer(settings, handover.socket)
        return
    listener = socket.socket(fileno=handover.socket) if handover.socket is not None else None
    if listener is not None:
        run_server(handover.name, settings, listener)
    else:
        run_loop(handover.name, settings, _stop_on_sigterm())


def _be_called(name: str) -> None:
    """Set what `top` and `ps -o comm` show: forks all have the nursery's command line."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def run_server(name: str, settings: Settings, listener: socket.socket) -> None:
    """Serve one of the two ports."""
    if name == "api":
        bootstrap.serve_api(settings, listener)
    else:
        bootstrap.serve_gateway(settings, listener, slot=name)


def run_loop(name: str, settings: Settings, stop: threading.Event) -> None:
    """Run a part that answers no one.

    Raises:
        InvalidInputError: There is no such part.
    """
    if name == "collector":
        bootstrap.run_collector(settings, stop)
    elif name == "scorer":
        _repeat({"scorer": bootstrap.build_scorer(settings).step}, stop)
    elif name == "controller":
        _control(settings, stop)
    elif name == "telemetry":
        bootstrap.run_telemetry(settings, stop)
    else:
        raise InvalidInputError(f"part == {name!r}, must be collector, scorer, controller or telemetry")


def _control(settings: Settings, stop: threading.Event) -> None:
    """Decide, judge and alert in turns. Beside that go notices and retraining: a mail server that hangs, or a model
    that is being registered, delays nothing.
    """
    courier, reports = bootstrap.build_courier(settings), bootstrap.build_report_posting(settings)
    sending = {"reports": reports.step, "courier": courier.step}
    deliver = threading.Thread(target=_repeat, args=(sending, stop), name="courier", daemon=True)
    deliver.start()
    retrain = threading.Thread(target=_retrain, args=(settings, stop), name="retraining", daemon=True)
    retrain.start()
    learn = threading.Thread(target=_learn, args=(settings, stop), name="online-learning", daemon=True)
    learn.start()
    releases = bootstrap.build_release_controller(settings)
    # Alerts first: their first step on a home remembers where everything is, before anything is judged.
    alerts, monitoring = bootstrap.build_alerting(settings), bootstrap.build_monitoring_controller(settings)
    steps = {"releases": releases.step, "alerts": alerts.step, "monitoring": monitoring.step}
    # Days that wait to be judged are judged half a second at a time, so that releases are looked at meanwhile.
    repeat(steps, stop, interval_seconds=1 / _LOOKS_A_SECOND, eager=("monitoring",))
    retrain.join(_GRACE_SECONDS)
    learn.join(_GRACE_SECONDS)


def _retrain(settings: Settings, stop: threading.Event) -> None:
    """Watch over runs. The processes of runs end with this thread."""
    controller = bootstrap.build_retraining_controller(settings, start_run)
    try:
        _repeat({"triggers": bootstrap.build_retraining_triggers(settings).step, "retraining": controller.step}, stop)
    finally:
        controller.close()


def _learn(settings: Settings, stop: threading.Event) -> None:
    """Watch over online learners. Their processes end with this thread."""
    watch = bootstrap.build_learner_watch(settings, start_learner)
    try:
        _repeat({"learners": watch.step}, stop)
    finally:
        watch.close()


def _repeat(steps: Mapping[str, Callable[[], object]], stop: threading.Event) -> None:
    repeat(steps, stop, interval_seconds=1 / _LOOKS_A_SECOND)


def _stop_on_sigterm() -> threading.Event:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    run(Handover.parse(sys.argv[1:]))
