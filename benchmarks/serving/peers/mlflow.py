"""MLflow's own scoring server: `mlflow models serve` with one worker."""

import json

from benchmarks.serving.models import MODELS, train
from benchmarks.serving.server import free_port
from benchmarks.serving.target import Launch, Target, Workshop, command

SERVER = "MLflow models serve"


class MlFlow:
    """One server for each model."""

    name, packages, installs = "mlflow", ("mlflow", "scikit-learn"), True

    def prepare(self, shop: Workshop) -> None:
        train(shop.environment, shop.folder, "mlflow")

    def launches(self, shop: Workshop) -> list[Launch]:
        return [self._launch(shop, model) for model in MODELS]

    def _launch(self, shop: Workshop, model: str) -> Launch:
        port = free_port()
        words = ("-m", "mlflow", "models", "serve", "--model-uri", shop.folder / model.lower())
        options = ("--env-manager", "local", "--host", "127.0.0.1", "--port", port, "--workers", 1)
        body = json.dumps({"inputs": [shop.data.row]})
        target = Target(SERVER, model, f"http://127.0.0.1:{port}/invocations", body)
        # The server is started by its command's name, through a shell.
        path = {"PATH": f"{shop.environment.scripts}:/usr/bin:/bin", "MLFLOW_TRACKING_URI": f"file:{shop.folder}/runs"}
        return Launch(command(shop.environment, *words, *options), [target], path, shop.folder)
