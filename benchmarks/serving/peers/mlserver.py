"""MLServer three ways: as it comes, with adaptive batching, and without a worker process."""

import json
from pathlib import Path
from typing import Any

from benchmarks.serving.models import MODELS, train
from benchmarks.serving.server import free_port
from benchmarks.serving.target import Launch, Target, Workshop

_BATCHING = {"max_batch_size": 32, "max_batch_time": 0.005}
# MLServer 1.7 starts its loop in a way that newer uvloops refuse.
PACKAGES = ("mlserver", "mlserver-sklearn", "uvloop<0.22", "scikit-learn")


class MlServer:
    """Both models in one server: only one of them is asked at a time."""

    name, packages, installs = "mlserver", PACKAGES, True

    def prepare(self, shop: Workshop) -> None:
        train(shop.environment, shop.folder / "models", "joblib")

    def launches(self, shop: Workshop) -> list[Launch]:
        return [
            _launch(shop, "MLServer", {}, {}),
            _launch(shop, "MLServer, batching", {}, _BATCHING),
            _launch(shop, "MLServer, no worker process", {"parallel_workers": 0}, {}),
        ]


def _launch(shop: Workshop, server: str, settings: dict[str, Any], of_model: dict[str, Any]) -> Launch:
    folder = shop.folder / "".join(letter for letter in server.lower() if letter.isalnum())
    port = free_port()
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    _write(folder / "settings.json", {"host": "127.0.0.1", "debug": False, **ports, **settings})
    for model in MODELS:
        uri = str(shop.folder / "models" / f"{model.lower()}.joblib")
        described = {
            "name": model.lower(),
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": uri, "version": "1"},
            **of_model,
        }
        _write(folder / model.lower() / "model-settings.json", described)
    row = shop.data.row
    body = {"inputs": [{"name": "predict", "shape": [1, len(row)], "datatype": "FP64", "data": row}]}
    targets = [
        Target(server, model, f"http://127.0.0.1:{port}/v2/models/{model.lower()}/infer", json.dumps(body))
        for model in MODELS
    ]
    return Launch([str(shop.environment.scripts / "mlserver"), "start", "."], targets, folder=folder)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
