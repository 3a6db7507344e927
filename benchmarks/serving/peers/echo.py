"""The limit: a raw ASGI application on uvicorn that reads the body and answers a constant."""

import json

from benchmarks.serving.models import APPS
from benchmarks.serving.server import free_port
from benchmarks.serving.target import Launch, Target, Workshop, command

SERVER = "echo"


class Echo:
    """No model, no decoding. Runs from the environment of Interlock."""

    name, packages, installs = "echo", ("uvicorn", "uvloop", "httptools"), False

    def prepare(self, shop: Workshop) -> None:
        """Nothing to prepare."""

    def launches(self, shop: Workshop) -> list[Launch]:
        port = free_port()
        words = ("-m", "uvicorn", "echo_app:app", "--port", port, "--log-level", "error", "--no-access-log")
        target = Target(SERVER, "", f"http://127.0.0.1:{port}/", json.dumps(shop.data.row))
        return [Launch(command(shop.environment, *words), [target], folder=APPS)]
