"""What the subscriber says of its broker: the file that it writes, read by alerts, pages and metrics."""

from pathlib import Path

import msgspec

from interlock.domain.mqtt import MqttState


def load(path: Path) -> MqttState | None:
    """The newest state; None if there is no broker, or nothing was said yet."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=MqttState)
    except (OSError, msgspec.MsgspecError):
        return None
