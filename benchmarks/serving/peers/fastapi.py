"""What people write by hand: FastAPI, pydantic and scikit-learn. It records nothing."""

import json

from benchmarks.serving.models import APPS, MODELS, train
from benchmarks.serving.server import free_port
from benchmarks.serving.target import Launch, Target, Workshop, command

SERVER = "FastAPI by hand"


class FastApi:
    """One process for each model, from the same environment as Interlock."""

    name, packages, installs = "fastapi", ("fastapi", "pydantic", "uvicorn", "scikit-learn"), False

    def prepare(self, shop: Workshop) -> None:
        train(shop.environment, shop.folder, "joblib")

    def launches(self, shop: Workshop) -> list[Launch]:
        return [self._launch(shop, model) for model in MODELS]

    def _launch(self, shop: Workshop, model: str) -> Launch:
        port = free_port()
        words = ("-m", "uvicorn", "fastapi_app:app", "--port", port, "--log-level", "error", "--no-access-log")
        body = json.dumps({"features": shop.data.row})
        target = Target(SERVER, model, f"http://127.0.0.1:{port}/predict", body)
        file = shop.folder / f"{model.lower()}.joblib"
        return Launch(command(shop.environment, *words), [target], {"MODEL": str(file)}, APPS)
