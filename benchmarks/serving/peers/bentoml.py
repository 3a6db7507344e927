"""BentoML with its adaptive batching: one service with one worker."""

import json

from benchmarks.serving.models import APPS, MODELS, train
from benchmarks.serving.server import free_port
from benchmarks.serving.target import Launch, Target, Workshop, command

SERVER = "BentoML, batching"


class BentoMl:
    """One server for each model."""

    name, packages, installs = "bentoml", ("bentoml", "scikit-learn"), True

    def prepare(self, shop: Workshop) -> None:
        train(shop.environment, shop.folder, "joblib")

    def launches(self, shop: Workshop) -> list[Launch]:
        return [self._launch(shop, model) for model in MODELS]

    def _launch(self, shop: Workshop, model: str) -> Launch:
        port = free_port()
        words = ("-m", "bentoml", "serve", "bentoml_app:Model", "--host", "127.0.0.1", "--port", port)
        body = json.dumps({"rows": [shop.data.row]})
        environment = {
            "MODEL": str(shop.folder / f"{model.lower()}.joblib"),
            "BENTOML_HOME": str(shop.folder / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "True",
        }
        target = Target(SERVER, model, f"http://127.0.0.1:{port}/predict", body)
        return Launch(command(shop.environment, *words, "--working-dir", APPS), [target], environment, APPS)
