"""Ray Serve with its batching: one replica. Asked for by `--ray`: its environment is large and its start slow."""

import json

from benchmarks.serving.models import APPS, MODELS, train
from benchmarks.serving.server import free_port
from benchmarks.serving.target import Launch, Target, Workshop, command

SERVER = "Ray Serve, batching"


class RayServe:
    """One cluster of this machine for each model."""

    name, packages, installs = "ray", ("ray[serve]", "scikit-learn"), True

    def prepare(self, shop: Workshop) -> None:
        train(shop.environment, shop.folder, "joblib")

    def launches(self, shop: Workshop) -> list[Launch]:
        return [self._launch(shop, model) for model in MODELS]

    def _launch(self, shop: Workshop, model: str) -> Launch:
        port = free_port()
        file = shop.folder / f"{model.lower()}.joblib"
        target = Target(SERVER, model, f"http://127.0.0.1:{port}/", json.dumps({"features": shop.data.row}))
        return Launch(
            command(shop.environment, APPS / "ray_app.py", file, port), [target], {"RAY_USAGE_STATS_ENABLED": "0"}
        )
