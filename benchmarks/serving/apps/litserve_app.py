"""A LitServe server: `litserve_app.py MODEL PORT`."""

import sys
from typing import Any

import joblib
import litserve
import numpy as np


class Model(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002 (LitServe passes it by name)
        self.model = joblib.load(sys.argv[1])

    def decode_request(self, request: dict[str, Any]) -> Any:
        return np.asarray(request["features"])

    def predict(self, rows: Any) -> Any:
        return self.model.predict(rows)

    def encode_response(self, output: Any) -> dict[str, int]:
        return {"label": int(output)}


if __name__ == "__main__":
    api = Model(max_batch_size=32, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, generate_client_file=False, log_level="error"
    )
