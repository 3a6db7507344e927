"""A Ray Serve deployment: `ray_app.py MODEL PORT`."""

import signal
import sys
from typing import Any

import joblib
import numpy as np
import ray
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=100)
class Model:
    def __init__(self, path: str) -> None:
        self.model = joblib.load(path)

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.005)
    async def predict(self, rows: list[Any]) -> list[int]:
        return [int(label) for label in self.model.predict(np.asarray(rows))]

    async def __call__(self, request: Request) -> dict[str, int]:
        given = await request.json()
        return {"label": await self.predict(given["features"])}


if __name__ == "__main__":
    # `local`: a cluster of its own, whatever an earlier run left behind.
    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2]), "access_log": False})
    serve.run(Model.bind(sys.argv[1]))  # type: ignore[attr-defined]
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
