"""Everything that routes call, in one frozen bundle that `bootstrap` fills."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from interlock.api.key_ring import KeyRing
from interlock.api.uploads import Staging
from interlock.backtest.launch import Backtests
from interlock.configuration.service import Configurations
from interlock.exports.control_metrics import ControlMetrics
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
from interlock.predictions.erasure import Eraser
from interlock.predictions.image_log import ImageLog
from interlock.predictions.pins import Pins
from interlock.predictions.reader import LogReader
from interlock.registry.application_tests import ApplicationTests
from interlock.registry.endpoints import Endpoints
from interlock.registry.held_out_files import HeldOutFiles
from interlock.registry.service import Registry
from interlock.releases.evaluations_apart import EvaluationsApart
from interlock.releases.service import Releases
from interlock.review.annotations import Annotations
from interlock.scoring.replays import Replays
from interlock.settings import Settings
from interlock.store.database import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the control plane can do.

    Args:
        clock: Aware UTC now.
    """

    settings: Settings
    clock: Callable[[], datetime]
    store: Store
    key_ring: KeyRing
    registry: Registry
    application_tests: ApplicationTests
    held_out: HeldOutFiles
    endpoints: Endpoints
    releases: Releases
    runs: Runs
    learners: OnlineLearners
    online_replays: OnlineReplays
    advices: Advices
    lineage: Lineage
    evaluations: EvaluationsApart
    backtests: Backtests
    replays: Replays
    monitoring: Monitoring
    comparisons: SideBySide
    reports: DailyReports
    annotations: Annotations
    alerts: Alerts
    maintenance: Maintenance
    channels: AlertChannels
    configurations: Configurations
    recent: RecentReader
    reader: LogReader
    error_tags: ErrorTags
    error_rules: ErrorRules
    errors: ErrorAnalysis
    devices: Devices
    metrics: ControlMetrics
    images: ImageLog
    pins: Pins
    eraser: Eraser
    staging: Staging


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(_services)]
