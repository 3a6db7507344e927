"""A server of the Open Inference Protocol v2 around a model, as others write them: in a thread, over real HTTP.

It knows JSON and Triton's binary tensors. What it does wrong is chosen by `fault`.
"""

import json
import ssl
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_LENGTH = "Inference-Header-Content-Length"
_KINDS = {"amount": "FP64", "visits": "INT64", "trial": "BOOL", "plan": "BYTES"}
_DTYPES = {"FP64": "<f8", "INT64": "<i8", "BOOL": "u1"}


class V2Server:
    """Serves `answer` under `/v2/models/churn`.

    Args:
        answer: Probabilities for each row.
        inputs: Columns it takes; a tensor for each.
        binary: Whether it takes and gives raw bytes.
        token: What callers must send, if anything.
        tls: Certificate file with its key, to speak https.
    """

    def __init__(
        self,
        answer: Callable[[pd.DataFrame], NDArray[np.float64]],
        inputs: list[str],
        *,
        binary: bool = False,
        token: str | None = None,
        tls: Path | None = None,
    ) -> None:
        self.answer, self.inputs, self.binary, self.token = answer, inputs, binary, token
        self.fault = ""
        self.connections = self.requests = 0
        self.seen_binary = False
        self.released = threading.Event()
        self._server = _Server(self)
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}/v2/models/churn"

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def metadata(self) -> dict[str, Any]:
        shape = [-1, 1] if self.fault == "changed" else [-1]
        inputs = [{"name": name, "datatype": _KINDS[name], "shape": shape} for name in self.inputs]
        outputs = [{"name": "probs", "datatype": "FP64", "shape": [-1, 2]}]
        return {"name": "churn", "versions": ["1"], "platform": "test", "inputs": inputs, "outputs": outputs}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, v2: V2Server) -> None:
        self.v2 = v2
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that has gone is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    @property
    def v2(self) -> V2Server:
        return self.server.v2

    def setup(self) -> None:
        self.v2.connections += 1
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        if self.v2.token is not None and self.headers["Authorization"] != f"Bearer {self.v2.token}":
            return self.say(401, {"error": "no"})
        if self.path == "/v2":
            extensions = ["binary_tensor_data"] if self.v2.binary else []
            return self.say(200, {"name": "test", "version": "1", "extensions": extensions})
        if self.path.endswith("/ready"):
            return self.say(503 if self.v2.fault == "not ready" else 200, {})
        return self.say(200, self.v2.metadata())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.v2.requests += 1
        getattr(self, f"fault_{self.v2.fault.replace(' ', '_')}", self.answer)(body)

    def answer(self, body: bytes) -> None:
        try:
            columns = _columns(body, self.headers.get(_LENGTH), self.v2)
            probabilities = self.v2.answer(pd.DataFrame(columns)[self.v2.inputs])
        except Exception as error:
            return self.say(500, {"error": f"{type(error).__name__}: {error}"})
        output: dict[str, Any] = {
            "name": "probs", "datatype": "FP64", "shape": list(probabilities.shape),
        }  # fmt: skip
        if not self.v2.binary:
            output["data"] = probabilities.reshape(-1).tolist()
            return self.say(200, {"model_name": "churn", "outputs": [output]})
        raw = probabilities.astype("<f8").tobytes()
        output["parameters"] = {"binary_data_size": len(raw)}
        head = json.dumps({"model_name": "churn", "outputs": [output]}).encode()
        return self.send(200, head + raw, {_LENGTH: str(len(head))})

    def fault_hang(self, body: bytes) -> None:
        self.v2.released.wait(60)
        self.close_connection = True

    def fault_hang_up(self, body: bytes) -> None:
        self.close_connection = True

    def fault_close_behind(self, body: bytes) -> None:
        self.answer(body)
        self.close_connection = True

    def fault_redirect(self, body: bytes) -> None:
        self.send(307, b"", {"Location": self.v2.url.replace("churn", "other") + "/infer"})

    def fault_huge(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 40))
        self.end_headers()
        for _ in range(70):
            self.wfile.write(b" " * (1 << 20))
        self.close_connection = True

    def fault_busy(self, body: bytes) -> None:
        self.say(503, {"error": "queue is full"})

    def fault_refuses(self, body: bytes) -> None:
        self.say(400, {"error": "unexpected shape\nfor input"})

    def fault_nonsense(self, body: bytes) -> None:
        self.send(200, b"<html>hello</html>", {})

    def fault_wrong_length(self, body: bytes) -> None:
        output = {"name": "probs", "datatype": "FP64", "shape": [1, 2], "data": [0.5]}
        self.say(200, {"outputs": [output]})

    def fault_nan(self, body: bytes) -> None:
        output = {"name": "probs", "datatype": "FP64", "shape": [1, 2], "data": [None, None]}
        self.say(200, {"outputs": [output]})

    def fault_slow(self, body: bytes) -> None:
        time.sleep(0.3)
        self.answer(body)

    def say(self, status: int, document: Any) -> None:
        self.send(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _columns(body: bytes, length: str | None, server: V2Server) -> dict[str, Any]:
    head, rest = (body, b"") if length is None else (body[: int(length)], body[int(length) :])
    server.seen_binary = server.seen_binary or length is not None
    found: dict[str, Any] = {}
    for given in json.loads(head)["inputs"]:
        size = given.get("parameters", {}).get("binary_data_size")
        if size is None:
            values = np.array(given["data"], dtype=object if given["datatype"] == "BYTES" else None)
            found[given["name"]] = values.astype(float) if given["datatype"] == "FP64" else values
            continue
        raw, rest = rest[:size], rest[size:]
        found[given["name"]] = _decoded(given["datatype"], raw)
    return found


def _decoded(datatype: str, raw: bytes) -> Any:
    if datatype != "BYTES":
        values = np.frombuffer(raw, dtype=_DTYPES[datatype])
        return values.astype(bool) if datatype == "BOOL" else values
    texts, at = [], 0
    while at < len(raw):
        (length,) = struct.unpack_from("<I", raw, at)
        texts.append(raw[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return np.array(texts, dtype=object)
