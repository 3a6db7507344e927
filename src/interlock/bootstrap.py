"""The only place that names concrete classes: from `Settings` to working parts.

Each function imports what its own part needs and no more, because every part is a process of its own and starts with
these imports. The command line must not pay for FastAPI, nor the API for a gateway's ONNX runtime.
"""

import socket
import sys
import threading
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.settings import Settings

_SHARED_BY_ALL = ("numpy", "interlock.store.database")
_SHARED_BY_MOST = (
    "pyarrow.compute",
    "scipy.special",
    "interlock.predictions.delta_log",
    "interlock.predictions.reader",
    "interlock.stats.profile",
)

if TYPE_CHECKING:
    from fastapi import FastAPI

    from interlock.api.key_ring import KeyRing
    from interlock.api.services import Services
    from interlock.configuration.service import Configurations
    from interlock.domain.access import Key
    from interlock.learning.adviser import Adviser
    from interlock.learning.controller import RetrainingController, Spawn
    from interlock.learning.online_learner import OnlineLearner
    from interlock.learning.online_service import OnlineLearners
    from interlock.learning.online_watch import LearnerWatch
    from interlock.learning.online_watch import Spawn as SpawnLearner
    from interlock.learning.retrainer import Retrainer
    from interlock.learning.triggers import Triggers
    from interlock.monitoring.alert_channels import AlertChannels
    from interlock.monitoring.alerting import Alerting
    from interlock.monitoring.controller import MonitoringController
    from interlock.monitoring.courier import Courier
    from interlock.monitoring.report_posting import ReportPosting
    from interlock.predictions.collector import Collector
    from interlock.predictions.reader import LogReader
    from interlock.registry.artifacts import ArtifactStore
    from interlock.releases.controller import ReleaseController
    from interlock.releases.own_tests import RunTest
    from interlock.releases.preparation import StartReplay
    from interlock.releases.service import Releases
    from interlock.scoring.paired import PairedScorer
    from interlock.store.database import Store


def now() -> datetime:
    """The clock of a running server."""
    return datetime.now(UTC)


def preload(part: str) -> None:
    """Import what a part has in common with others, before it is forked. It must start no thread and open nothing.

    A gateway is forked as soon as it can be: it needs neither Arrow nor SciPy.
    """
    for module in _SHARED_BY_ALL:
        import_module(module)
    if not part.startswith(("gw", "telemetry")):
        import_module("pyarrow")
        _keep_pandas_out()
        for module in _SHARED_BY_MOST:
            import_module(module)


def _keep_pandas_out() -> None:
    """Let Arrow look for pandas once, and in vain.

    It looks when it is first given a list, and would import pandas wherever that is installed: half a second and 40 MB
    in every part, none of which has a data frame. Whoever imports pandas by himself still gets it.
    """
    import pyarrow as pa

    class Hidden:
        def find_spec(self, name: str, path: object, target: object = None) -> None:  # noqa: ARG002 (an importer's form)
            if name == "pandas":
                raise ModuleNotFoundError(name)

    finder = Hidden()
    sys.meta_path.insert(0, finder)
    pa.array([0])
    sys.meta_path.remove(finder)


def build_store(settings: Settings) -> "Store":
    """The control plane's store, whose schema the supervisor has brought up to date."""
    return open_store(settings.database_url)


def open_store(url: str) -> "Store":
    """A store by its URL, as it is."""
    from interlock.store.database import Store

    return Store(url)


def migrate(settings: Settings) -> None:
    """Bring the store's schema up to date."""
    store = build_store(settings)
    try:
        store.migrate()
    finally:
        store.close()


def build_key_ring(settings: Settings) -> "KeyRing":
    """Keys, for the API and for commands that work on the home folder itself."""
    from interlock.api.key_ring import KeyRing

    return KeyRing(build_store(settings), now)


def local_actor() -> "Key":
    """Whoever owns the home folder: acts in commands that work on it without a server."""
    from interlock.api.key_ring import local_actor

    return local_actor(now())


def create_first_key(settings: Settings) -> str | None:
    """The administrator's key, if there has never been a key."""
    return build_key_ring(settings).create_first()


def build_reader(settings: Settings) -> "LogReader":
    """Reads the prediction log."""
    from interlock.predictions.reader import LogReader

    return LogReader(settings.log)


def build_artifacts(settings: Settings) -> "ArtifactStore":
    """Model files by content."""
    from interlock.registry.artifacts import ArtifactStore

    return ArtifactStore(settings.artifacts)


def build_services(settings: Settings) -> "Services":
    """Everything that the API calls."""
    from interlock.api.key_ring import KeyRing
    from interlock.api.services import Services
    from interlock.api.status import processes
    from interlock.api.uploads import Staging
    from interlock.application_test.launch import run_apart
    from interlock.backtest.launch import Backtests
    from interlock.backtest.launch import Places as BacktestPlaces
    from interlock.channels import addresses, sending
    from interlock.exports.control_metrics import ControlMetrics
    from interlock.learning import advice_launch
    from interlock.learning.advices import Advices
    from interlock.learning.lineage import Lineage
    from interlock.learning.online_replay import OnlineReplays
    from interlock.learning.online_service import OnlineLearners
    from interlock.learning.runs import Runs
    from interlock.monitoring.alert_channels import AlertChannels
    from interlock.monitoring.alerts import Alerts
    from interlock.monitoring.daily_report import DailyReports
    from interlock.monitoring.devices import Devices
    from interlock.monitoring.error_analysis import ErrorAnalysis
    from interlock.monitoring.error_rules import ErrorRules
    from interlock.monitoring.error_tags import ErrorTags
    from interlock.monitoring.maintenance import Maintenance
    from interlock.monitoring.recent import RecentReader
    from interlock.monitoring.service import Monitoring
    from interlock.monitoring.side_by_side import SideBySide
    from interlock.predictions.delta_log import DeltaLog
    from interlock.predictions.erasure import Eraser
    from interlock.predictions.hashing import Hasher
    from interlock.predictions.image_log import ImageLog
    from interlock.predictions.pins import Pins
    from interlock.registry.application_tests import ApplicationTests
    from interlock.registry.endpoints import Endpoints
    from interlock.registry.held_out_files import HeldOutFiles
    from interlock.registry.service import Registry
    from interlock.releases.evaluations_apart import EvaluationsApart
    from interlock.releases.service import Releases
    from interlock.review.annotations import Annotations
    from interlock.scoring.replays import Places, Replays

    store, reader = build_store(settings), build_reader(settings)
    recent, devices = RecentReader(now), Devices(store, now)
    channels = AlertChannels(store, now, check=sending.check, masked=addresses.masked, send=sending.send)
    held_out = HeldOutFiles(settings.held_out, store, now)
    releases = Releases(store, now, held_out.sha256)
    learners = OnlineLearners(store, settings.log, now)
    return Services(
        settings=settings,
        clock=now,
        store=store,
        key_ring=KeyRing(store, now),
        registry=Registry(store, settings.artifacts, now),
        application_tests=ApplicationTests(store, settings.artifacts, now, run_apart),
        held_out=held_out,
        endpoints=Endpoints(store, now),
        releases=releases,
        runs=Runs(store, settings.runs, now, check_road=releases.check),
        learners=learners,
        online_replays=OnlineReplays(store, settings.log, settings.artifacts),
        advices=Advices(store, settings.runs, now, spawn=advice_launch.start),
        lineage=Lineage(store),
        backtests=Backtests(BacktestPlaces(settings.database_url, settings.log, settings.artifacts)),
        evaluations=EvaluationsApart(settings.database_url, settings.log),
        replays=Replays(store, Places(settings.database_url, settings.log, settings.artifacts), now),
        monitoring=Monitoring(store, reader, now),
        comparisons=SideBySide(store, reader),
        reports=DailyReports(store, reader),
        annotations=Annotations(store, reader, ImageLog(settings.log), now),
        alerts=Alerts(store, now),
        maintenance=Maintenance(store, now),
        channels=channels,
        configurations=_configurations(store, releases, learners, channels),
        recent=recent,
        reader=reader,
        error_tags=ErrorTags(store, now),
        error_rules=ErrorRules(store, reader.mistakes, now),
        errors=ErrorAnalysis(store, reader.mistakes, now),
        devices=devices,
        metrics=ControlMetrics(settings, store, recent, devices, processes),
        images=ImageLog(settings.log),
        pins=Pins(DeltaLog(settings.log), store, now),
        eraser=Eraser(DeltaLog(settings.log), store, settings.spools, settings.unit_key, now, Hasher(settings.home)),
        staging=Staging(settings.run / "staging"),
    )


def _configurations(
    store: "Store", releases: "Releases", learners: "OnlineLearners", channels: "AlertChannels"
) -> "Configurations":
    from interlock.configuration.alert_rules import AlertRules
    from interlock.configuration.channels import Channels
    from interlock.configuration.endpoints import Endpoints
    from interlock.configuration.models import Models
    from interlock.configuration.online_learning import OnlineLearningSection
    from interlock.configuration.retraining import RetrainingSection
    from interlock.configuration.service import Configurations

    retraining, online = RetrainingSection(releases.check), OnlineLearningSection(learners.newest)
    return Configurations(store, now, (Models(), Endpoints(), retraining, online, AlertRules(), Channels(channels)))


def build_control_app(settings: Settings) -> "FastAPI":
    """The control port: the API, and the pages over the same services."""
    from interlock.api.app import create_app
    from interlock.web.app import add_pages

    app = create_app(build_services(settings))
    add_pages(app)
    return app


def serve_api(settings: Settings, listener: socket.socket) -> None:
    """Run the control plane's API and pages until SIGTERM."""
    from interlock.api.server import serve

    serve(build_control_app(settings), listener, tls_files=settings.tls_files)


def serve_gateway(settings: Settings, listener: socket.socket, *, slot: str) -> None:
    """Run a gateway worker until SIGTERM."""
    import uvloop

    from interlock.gateway.worker import run

    uvloop.run(run(settings, listener, slot))


def build_collector(settings: Settings) -> "Collector":
    """Brings the spools into the log and into the counts."""
    from interlock.predictions import reconciliation
    from interlock.predictions.collector import Collector
    from interlock.predictions.hashing import Hasher
    from interlock.predictions.reporter import Reporter

    store = build_store(settings)
    reporter = Reporter(settings.run / reconciliation.NAME, settings.spools, settings.log, store, now)
    return Collector(settings.spools, settings.log, store, now, reporter.step, Hasher(settings.home))


def run_collector(settings: Settings, stop: threading.Event) -> None:
    """Collect until told to stop, then once more. Beside it, upkeep of the log is started when it is due."""
    import gc

    from interlock.predictions.upkeep_schedule import UpkeepSchedule

    schedule = UpkeepSchedule(settings.log, settings.database_url)
    threading.Thread(target=schedule.run, args=(stop,), name="upkeep", daemon=True).start()
    collector = build_collector(settings)
    # Records are many short lists without cycles: to look for cycles at every 700th takes as long as to decode them.
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
    collector.run(stop)


def run_telemetry(settings: Settings, stop: threading.Event) -> None:
    """Take messages of devices from a broker until told to stop."""
    from interlock.domain.mqtt import parse_broker
    from interlock.gateway.mqtt import run

    run(parse_broker(settings.mqtt_url), settings.spools / "mqtt", settings.mqtt_state, stop)


def build_scorer(settings: Settings) -> "PairedScorer":
    """Scores logged rows with the version that did not answer them."""
    from interlock.predictions.delta_log import DeltaLog
    from interlock.scoring.paired import PairedScorer

    reader, delta_log = build_reader(settings), DeltaLog(settings.log)
    return PairedScorer(build_store(settings), reader, delta_log, settings.artifacts, now)


def build_release_controller(settings: Settings) -> "ReleaseController":
    """Decides on running releases."""
    from interlock.predictions.delta_log import DeltaLog
    from interlock.releases.controller import ReleaseController
    from interlock.releases.log_evidence import LogEvidence
    from interlock.releases.own_tests import OwnTests
    from interlock.releases.preparation import Preparation

    store = build_store(settings)
    evidence = LogEvidence(DeltaLog(settings.log), build_reader(settings))
    tests, replay = OwnTests(build_own_test(settings)), build_own_replay(settings)
    return ReleaseController(store, evidence, now, Preparation(store, tests, replay))


def build_own_replay(settings: Settings) -> "StartReplay":
    """Starts replays, as the controller."""
    from interlock.domain.access import Key
    from interlock.releases.replayed import ACTOR
    from interlock.scoring.replays import Places, Replays, Wanted

    replays = Replays(build_store(settings), Places(settings.database_url, settings.log, settings.artifacts), now)

    def start(endpoint: str, candidate: str, since: datetime, limit: int | None) -> None:
        wanted = Wanted(endpoint=endpoint, candidate=candidate, since=since, limit=limit)
        replays.start(wanted, actor=Key(name=ACTOR, role="operator", digest="", created_at=now()))

    return start


def build_own_test(settings: Settings) -> "RunTest":
    """Tests a version on a held-out file that the server keeps, as the controller."""
    from interlock.application_test.launch import run_apart
    from interlock.domain.access import Key
    from interlock.domain.errors import InvalidInputError
    from interlock.domain.release import HeldOutData
    from interlock.registry.application_tests import ApplicationTests, Order
    from interlock.registry.held_out_files import HeldOutFiles

    store = build_store(settings)
    files = HeldOutFiles(settings.held_out, store, now)
    tests = ApplicationTests(store, settings.artifacts, now, run_apart)

    def run(candidate: str, data: HeldOutData, endpoint: str) -> None:
        if files.sha256(data.file) != data.sha256:
            raise InvalidInputError(f"the held-out file {data.file} has changed since the release was started")
        order = Order(
            ref=candidate,
            data=files.find(data.file),
            label=data.label,
            endpoint=endpoint,
            slices=data.slices,
            protected=data.protected,
        )
        tests.test(order, Key(name="controller", role="operator", digest="", created_at=now()))

    return run


def build_monitoring_controller(settings: Settings) -> "MonitoringController":
    """Writes the verdicts of closed windows."""
    from interlock.monitoring.controller import MonitoringController

    return MonitoringController(build_store(settings), build_reader(settings), now)


def build_alerting(settings: Settings) -> "Alerting":
    """Turns verdicts, rollbacks and the collector's report into incidents."""
    from interlock.learning.actions import act
    from interlock.monitoring.alerting import Alerting
    from interlock.predictions import reconciliation

    store = build_store(settings)
    # Machines that share a store each watch their own collector.
    place = "" if store.kind == "sqlite" else socket.gethostname()
    broker = settings.mqtt_state if settings.mqtt_url else None
    return Alerting(store, settings.run / reconciliation.NAME, now, act, place=place, broker=broker)


def build_courier(settings: Settings) -> "Courier":
    """Brings notices of incidents to their channels."""
    from interlock.channels import sending
    from interlock.monitoring.courier import Courier

    return Courier(build_store(settings), sending.send, now)


def build_report_posting(settings: Settings) -> "ReportPosting":
    """Puts the reports of yesterday into the outbox."""
    from interlock.monitoring.daily_report import DailyReports
    from interlock.monitoring.report_posting import ReportPosting

    store = build_store(settings)
    return ReportPosting(store, DailyReports(store, build_reader(settings)), now)


def build_retrainer(settings: Settings) -> "Retrainer":
    """Performs one run of retraining, in its own process."""
    from interlock.learning.retrainer import Places, Retrainer
    from interlock.predictions.delta_log import DeltaLog
    from interlock.predictions.pins import Pins
    from interlock.registry.service import Registry

    store = build_store(settings)
    places = Places(artifacts=settings.artifacts, spools=settings.spools, runs=settings.runs, log=settings.log)
    pins = Pins(DeltaLog(settings.log), store, now)
    return Retrainer(store, Registry(store, settings.artifacts, now), pins, places, now)


def build_adviser(settings: Settings, folder: Path) -> "Adviser":
    """Measures how fast an endpoint's model grows old, in a process of its own."""
    from interlock.learning.adviser import Adviser, Places
    from interlock.predictions.delta_log import DeltaLog
    from interlock.predictions.pins import Pins
    from interlock.registry.service import Registry

    store = build_store(settings)
    places = Places(artifacts=settings.artifacts, spools=settings.spools, folder=folder, log=settings.log)
    return Adviser(
        store, Registry(store, settings.artifacts, now), Pins(DeltaLog(settings.log), store, now), places, now
    )


def build_retraining_controller(settings: Settings, spawn: "Spawn") -> "RetrainingController":
    """Begins and watches runs of retraining, and starts the releases of what they made."""
    from interlock.learning.controller import RetrainingController
    from interlock.predictions.delta_log import DeltaLog
    from interlock.predictions.pins import Pins
    from interlock.registry.held_out_files import HeldOutFiles
    from interlock.releases.service import Releases

    store = build_store(settings)
    releases = Releases(store, now, HeldOutFiles(settings.held_out, store, now).sha256)
    return RetrainingController(
        store,
        releases,
        releases.wanted,
        Pins(DeltaLog(settings.log), store, now),
        spawn=spawn,
        folders=settings.runs,
        clock=now,
        place="" if store.kind == "sqlite" else socket.gethostname(),
    )


def build_retraining_triggers(settings: Settings) -> "Triggers":
    """Asks for runs of retraining by itself."""
    from interlock.learning.triggers import Triggers

    return Triggers(build_store(settings), now)


def build_online_learner(settings: Settings, endpoint: str) -> "OnlineLearner":
    """Learns from the labels of one endpoint, in its own process."""
    from interlock.learning.online_learner import OnlineLearner, Places
    from interlock.registry.service import Registry

    store = build_store(settings)
    places = Places(artifacts=settings.artifacts, log=settings.log, folder=settings.learners / endpoint)
    return OnlineLearner(endpoint, store, Registry(store, settings.artifacts, now), places, now)


def build_learner_watch(settings: Settings, spawn: "SpawnLearner") -> "LearnerWatch":
    """Keeps a process for each endpoint that learns online."""
    from interlock.learning.online_watch import LearnerWatch

    store = build_store(settings)
    place = "" if store.kind == "sqlite" else socket.gethostname()
    return LearnerWatch(store, spawn=spawn, folders=settings.learners, place=place)
