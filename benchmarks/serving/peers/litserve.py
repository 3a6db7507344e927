"""LitServe with batching: one worker process, batches of at most 32 that wait at most 5 ms."""

import json

from benchmarks.serving.models import APPS, MODELS, train
from benchmarks.serving.server import free_port
from benchmarks.serving.target import Launch, Target, Workshop, command

SERVER = "LitServe, batching"


class LitServe:
    """One server for each model."""

    name, packages, installs = "litserve", ("litserve", "scikit-learn"), True

    def prepare(self, shop: Workshop) -> None:
        train(shop.environment, shop.folder, "joblib")

    def launches(self, shop: Workshop) -> list[Launch]:
        return [self._launch(shop, model) for model in MODELS]

    def _launch(self, shop: Workshop, model: str) -> Launch:
        port = free_port()
        file = shop.folder / f"{model.lower()}.joblib"
        target = Target(SERVER, model, f"http://127.0.0.1:{port}/predict", json.dumps({"features": shop.data.row}))
        words = command(shop.environment, APPS / "litserve_app.py", file, port)
        return Launch(words, [target], folder=shop.folder)
