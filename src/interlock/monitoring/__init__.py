"""Watches endpoints: service, drift of inputs and outputs, quality from late labels. Reads profiles, not rows."""

from interlock.monitoring.controller import MonitoringController
from interlock.monitoring.service import Monitoring

__all__ = ["Monitoring", "MonitoringController"]
