"""The tables as the program sees them now. How a database gets there is in `migrations/`; a test compares the two."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from interlock.domain.access import Key
from interlock.domain.alert import Alert, AlertEvent, Channel, Condition, Delivery, Silence
from interlock.domain.alert_rule import WrittenRule
from interlock.domain.annotation import Answer, Export, Task
from interlock.domain.application_record import ApplicationTest
from interlock.domain.endpoint import Endpoint
from interlock.domain.error_rule import ErrorRule
from interlock.domain.gateway_state import GatewayState
from interlock.domain.learner import Learner
from interlock.domain.maintenance import MaintenanceWindow
from interlock.domain.model import ModelVersion
from interlock.domain.online import OnlineLearning
from interlock.domain.pin import Pin
from interlock.domain.release import Gate, Release
from interlock.domain.replay import Replay
from interlock.domain.retraining import Retraining
from interlock.domain.run import Run
from interlock.domain.telemetry import Expectation, MessageFault, SensorState
from interlock.domain.traffic import TrafficPlan
from interlock.domain.verdict import Verdict
from interlock.store.columns import Counts, Json, UtcTime

metadata = MetaData()

# 128 characters of a name, a colon, and a version.
_NAME, _REF = String(128), String(160)


def _body(kind: Any) -> "Column[Any]":
    return Column("body", Json(kind), nullable=False)


def _key(name: str, kind: Any) -> "Column[Any]":
    return Column(name, kind, primary_key=True, autoincrement=False)


models = Table("models", metadata, _key("name", _NAME), _key("version", Integer()), _body(ModelVersion))
application_tests = Table(
    "application_tests",
    metadata,
    _key("name", _NAME),
    _key("version", Integer()),
    _key("number", Integer()),
    _body(ApplicationTest),
)
endpoints = Table("endpoints", metadata, _key("name", _NAME), _body(Endpoint))
plans = Table(
    "plans",
    metadata,
    _key("endpoint", _NAME),
    _key("generation", Integer()),
    Column("is_current", Boolean, nullable=False),
    _body(TrafficPlan),
)
# Gateways ask for the current plans several times a second, whatever the length of the history.
Index(
    "plans_current", plans.c.endpoint, unique=True, sqlite_where=text("is_current"), postgresql_where=text("is_current")
)

releases = Table(
    "releases",
    metadata,
    _key("id", _REF),
    Column("endpoint", _NAME, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", UtcTime(), nullable=False),
    _body(Release),
)
# The database itself keeps an endpoint from having two releases at once.
Index(
    "releases_active",
    releases.c.endpoint,
    unique=True,
    sqlite_where=text("is_active"),
    postgresql_where=text("is_active"),
)
looks = Table(
    "looks",
    metadata,
    _key("release_id", _REF),
    _key("number", Integer()),
    Column("at", UtcTime(), nullable=False),
    Column("step", Integer, nullable=False),
    _body(tuple[Gate, ...]),
)
gateways = Table(
    "gateways",
    metadata,
    _key("id", String(128)),
    Column("at", UtcTime(), nullable=False),
    _body(GatewayState),
)
keys = Table(
    "keys",
    metadata,
    _key("digest", String(64)),
    Column("name", _NAME, nullable=False),
    Column("is_live", Boolean, nullable=False),
    Column("created_at", UtcTime(), nullable=False),
    _body(Key),
)
Index("keys_live", keys.c.name, unique=True, sqlite_where=text("is_live"), postgresql_where=text("is_live"))
audit = Table(
    "audit",
    metadata,
    _key("number", BigInteger()),
    Column("at", UtcTime(), nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("details", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)
gate_counts = Table(
    "gate_counts",
    metadata,
    _key("release_id", _REF),
    _key("step", Integer()),
    _key("is_challenger", Boolean()),
    _key("version", _REF),
    _key("propensity", Float()),
    Column("units", BigInteger, nullable=False),
    Column("failed_units", BigInteger, nullable=False),
    Column("first_failed_units", BigInteger),
    Column("latency", Counts(), nullable=False),
)
gate_units = Table(
    "gate_units",
    metadata,
    _key("release_id", _REF),
    _key("step", Integer()),
    _key("is_challenger", Boolean()),
    _key("is_failed", Boolean()),
    _key("unit", LargeBinary(16)),
    sqlite_with_rowid=False,
)
spools = Table("spools", metadata, _key("spool", String(128)), Column("segment", BigInteger, nullable=False))
spool_rows = Table(
    "spool_rows",
    metadata,
    _key("spool", String(128)),
    _key("endpoint", _NAME),
    _key("segment", BigInteger()),
    Column("predictions", BigInteger, nullable=False),
    Column("labels", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
)
profiles = Table(
    "profiles",
    metadata,
    _key("endpoint", _NAME),
    _key("version", _REF),
    _key("hour", UtcTime()),
    Column("profile", LargeBinary, nullable=False),
)
Index("profiles_hour", profiles.c.endpoint, profiles.c.hour)
service_hours = Table(
    "service_hours",
    metadata,
    _key("endpoint", _NAME),
    _key("hour", UtcTime()),
    _key("version", _REF),
    Column("requests", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("latency", Counts(), nullable=False),
)
rejections = Table(
    "rejections",
    metadata,
    _key("endpoint", _NAME),
    _key("hour", UtcTime()),
    _key("field", String(256)),
    _key("rule", String(32)),
    Column("requests", BigInteger, nullable=False),
)
rejected_samples = Table(
    "rejected_samples",
    metadata,
    _key("endpoint", _NAME),
    _key("hour", UtcTime()),
    _key("spool", String(128)),
    _key("slot", Integer()),
    Column("at", UtcTime(), nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
verdicts = Table(
    "verdicts",
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("endpoint", _NAME, nullable=False),
    Column("window_start", UtcTime(), nullable=False),
    Column("window_end", UtcTime(), nullable=False),
    _body(Verdict),
)
Index("verdicts_window", verdicts.c.endpoint, verdicts.c.window_start)
pins = Table("pins", metadata, _key("endpoint", _NAME), _key("name", _NAME), _body(Pin))
alerts = Table(
    "alerts",
    metadata,
    _key("id", BigInteger()),
    Column("endpoint", _NAME, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("opened_at", UtcTime(), nullable=False),
    _body(Alert),
)
# The controller asks for open incidents twice a second.
Index("alerts_open", alerts.c.endpoint, sqlite_where=text("is_open"), postgresql_where=text("is_open"))
alert_events = Table(
    "alert_events", metadata, _key("alert_id", BigInteger()), _key("number", Integer()), _body(AlertEvent)
)
alert_conditions = Table(
    "alert_conditions", metadata, _key("endpoint", _NAME), _key("key", String(512)), _body(Condition)
)
silences = Table(
    "silences", metadata, _key("id", BigInteger()), Column("until", UtcTime(), nullable=False), _body(Silence)
)
maintenance_windows = Table("maintenance_windows", metadata, _key("name", _NAME), _body(MaintenanceWindow))
alert_rules = Table("alert_rules", metadata, _key("name", _NAME), _body(WrittenRule))
annotation_exports = Table(
    "annotation_exports",
    metadata,
    _key("id", BigInteger()),
    Column("endpoint", _NAME, nullable=False, index=True),
    _body(Export),
)
annotation_tasks = Table(
    "annotation_tasks",
    metadata,
    _key("endpoint", _NAME),
    _key("prediction_id", String(256)),
    _key("export_id", BigInteger()),
    _body(Task),
)
annotation_answers = Table(
    "annotation_answers",
    metadata,
    _key("endpoint", _NAME),
    _key("prediction_id", String(256)),
    _key("annotator", String(256)),
    _body(Answer),
)
channels = Table("channels", metadata, _key("name", _NAME), _body(Channel))
deliveries = Table(
    "deliveries",
    metadata,
    _key("id", BigInteger()),
    Column("alert_id", BigInteger, nullable=False, index=True),
    Column("channel", _NAME, nullable=False),
    Column("is_waiting", Boolean, nullable=False),
    Column("next_try_at", UtcTime(), nullable=False),
    _body(Delivery),
)
Index(
    "deliveries_waiting",
    deliveries.c.next_try_at,
    sqlite_where=text("is_waiting"),
    postgresql_where=text("is_waiting"),
)
replays = Table(
    "replays",
    metadata,
    _key("id", _REF),
    Column("endpoint", _NAME, nullable=False, index=True),
    Column("created_at", UtcTime(), nullable=False),
    _body(Replay),
)
error_tags = Table(
    "error_tags",
    metadata,
    _key("endpoint", _NAME),
    _key("tag", _NAME),
    _key("prediction_id", String(64)),
    Column("at", UtcTime(), nullable=False),
    Column("actor", Text, nullable=False),
)
error_rules = Table("error_rules", metadata, _key("endpoint", _NAME), _key("tag", _NAME), _body(ErrorRule))
cursors = Table("cursors", metadata, _key("name", String(256)), Column("value", Text, nullable=False))
runs = Table(
    "runs",
    metadata,
    _key("id", _REF),
    Column("endpoint", _NAME, nullable=False),
    Column("number", Integer, nullable=False),
    Column("is_active", Boolean, nullable=False),
    _body(Run),
)
# The database itself keeps an endpoint from having two runs at once.
Index("runs_active", runs.c.endpoint, unique=True, sqlite_where=text("is_active"), postgresql_where=text("is_active"))
retrainings = Table("retrainings", metadata, _key("endpoint", _NAME), _body(Retraining))
online_learnings = Table("online_learnings", metadata, _key("endpoint", _NAME), _body(OnlineLearning))
learners = Table("learners", metadata, _key("endpoint", _NAME), _body(Learner))
sensors = Table("sensors", metadata, _key("device", String(128)), _key("sensor", String(128)), _body(SensorState))
expectations = Table(
    "expectations", metadata, _key("device", String(128)), _key("sensor", String(128)), _body(Expectation)
)
telemetry_faults = Table(
    "telemetry_faults", metadata, _key("source", String(16)), _key("reason", String(32)), _body(MessageFault)
)
