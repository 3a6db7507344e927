"""The Python client: predictions, labels, and everything that the control plane's REST interface does."""

from interlock.client.client import Client
from interlock.client.prediction import Prediction

__all__ = ["Client", "Prediction"]
