"""One transaction with all its repositories, so that what belongs together is written together or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import InterfaceError, OperationalError

from interlock.domain.errors import StoreUnavailableError
from interlock.store.alert_conditions import AlertConditionRepository
from interlock.store.alert_rules import AlertRuleRepository
from interlock.store.alerts import AlertRepository
from interlock.store.annotations import AnnotationRepository
from interlock.store.application_tests import ApplicationTestRepository
from interlock.store.audit import AuditRepository
from interlock.store.channels import ChannelRepository
from interlock.store.cursors import CursorRepository
from interlock.store.deliveries import DeliveryRepository
from interlock.store.endpoints import EndpointRepository
from interlock.store.error_rules import ErrorRuleRepository
from interlock.store.error_tags import ErrorTagRepository
from interlock.store.gate_counts import GateCountRepository
from interlock.store.gateways import GatewayRepository
from interlock.store.keys import KeyRepository
from interlock.store.learners import LearnerRepository
from interlock.store.maintenance_windows import MaintenanceWindowRepository
from interlock.store.models import ModelRepository
from interlock.store.online_learnings import OnlineLearningRepository
from interlock.store.pins import PinRepository
from interlock.store.plans import PlanRepository
from interlock.store.profiles import ProfileRepository
from interlock.store.rejections import RejectionRepository
from interlock.store.releases import ReleaseRepository
from interlock.store.replays import ReplayRepository
from interlock.store.retrainings import RetrainingRepository
from interlock.store.runs import RunRepository
from interlock.store.service_hours import ServiceHourRepository
from interlock.store.silences import SilenceRepository
from interlock.store.spools import SpoolRepository
from interlock.store.telemetry import TelemetryRepository
from interlock.store.verdicts import VerdictRepository


class Transaction:
    """Repositories on one connection. Valid inside the `with` of `Store.transaction()` or `Store.read()` only."""

    __slots__ = (
        "_connection", "alert_conditions", "alert_rules", "alerts", "annotations", "application_tests", "audit",
        "channels", "cursors", "deliveries", "endpoints", "error_rules", "error_tags", "gate_counts", "gateways",
        "keys", "learners", "maintenance_windows", "models", "online_learnings", "pins", "plans", "profiles",
        "rejections", "releases", "replays", "retrainings", "runs", "service_hours", "silences", "spools",
        "telemetry", "verdicts",
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.alert_conditions = AlertConditionRepository(connection)
        self.alert_rules = AlertRuleRepository(connection)
        self.alerts = AlertRepository(connection)
        self.annotations = AnnotationRepository(connection)
        self.application_tests = ApplicationTestRepository(connection)
        self.audit = AuditRepository(connection)
        self.channels = ChannelRepository(connection)
        self.cursors = CursorRepository(connection)
        self.deliveries = DeliveryRepository(connection)
        self.endpoints = EndpointRepository(connection)
        self.error_rules = ErrorRuleRepository(connection)
        self.error_tags = ErrorTagRepository(connection)
        self.gate_counts = GateCountRepository(connection)
        self.gateways = GatewayRepository(connection)
        self.keys = KeyRepository(connection)
        self.learners = LearnerRepository(connection)
        self.maintenance_windows = MaintenanceWindowRepository(connection)
        self.models = ModelRepository(connection)
        self.online_learnings = OnlineLearningRepository(connection)
        self.pins = PinRepository(connection)
        self.plans = PlanRepository(connection)
        self.profiles = ProfileRepository(connection)
        self.rejections = RejectionRepository(connection)
        self.releases = ReleaseRepository(connection)
        self.replays = ReplayRepository(connection)
        self.retrainings = RetrainingRepository(connection)
        self.runs = RunRepository(connection)
        self.service_hours = ServiceHourRepository(connection)
        self.silences = SilenceRepository(connection)
        self.spools = SpoolRepository(connection)
        self.telemetry = TelemetryRepository(connection)
        self.verdicts = VerdictRepository(connection)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Write something that may fail: what passes through undoes what was written inside, and nothing before it.

        Raises:
            StoreUnavailableError: The database does not answer: that is no fault of what was written.
        """
        try:
            with self._connection.begin_nested():
                yield
        except (OperationalError, InterfaceError) as error:
            raise StoreUnavailableError("the store does not answer; it is tried again", 5.0) from error
