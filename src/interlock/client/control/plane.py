"""What a client says to the control plane: one method a route, a file a noun, answers as plain dictionaries."""

from interlock.client.control.access import Access
from interlock.client.control.alerts import Alerts
from interlock.client.control.configuration import Configuration
from interlock.client.control.devices import Devices
from interlock.client.control.endpoints import Endpoints
from interlock.client.control.errors import Errors
from interlock.client.control.labels import Labels
from interlock.client.control.log import PredictionLog
from interlock.client.control.models import Models
from interlock.client.control.monitoring import Monitoring
from interlock.client.control.online_learning import OnlineLearning
from interlock.client.control.releases import Releases
from interlock.client.control.replays import Replays
from interlock.client.control.retraining import Retraining


class ControlPlane(
    Models,
    Endpoints,
    Releases,
    Replays,
    Retraining,
    OnlineLearning,
    Alerts,
    Monitoring,
    Errors,
    Labels,
    PredictionLog,
    Configuration,
    Devices,
    Access,
):
    """All requests to the control port."""
