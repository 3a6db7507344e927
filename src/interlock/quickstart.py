"""The first ten minutes in one step: `interlock serve FILE`, and `interlock.serve(model, X, y)` in a notebook.

Both start a server of their own, register the model, create the endpoint and say how to ask it.
"""

import hashlib
import json
import re
import shlex
import struct
import tempfile
import zlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from interlock.client.client import Client
from interlock.client.prediction import Prediction
from interlock.client.rows import encode_inputs
from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.process import launch


@dataclass(frozen=True, slots=True)
class Served:
    """A model behind an endpoint.

    Args:
        endpoint: Its name.
        version: What was registered, or found registered already.
        champion: What answers: another version if the endpoint was there before.
        curl: A command that asks for a prediction.
    """

    endpoint: str
    version: str
    champion: str
    curl: str
    warnings: tuple[str, ...] = ()


class ServedModel:
    """What `interlock.serve` returns: a served model. Close it, or use it in a `with`."""

    def __init__(self, server: launch.Server, client: Client, served: Served) -> None:
        self._server = server
        self.client, self.served = client, served

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self._server.gateway

    @property
    def control_url(self) -> str:
        """The control port's address."""
        return self._server.control

    @property
    def key(self) -> str:
        """The key that the client uses."""
        return self._server.key

    def predict(self, rows: Any, **options: Any) -> Prediction:
        """Ask the endpoint; see `Client.predict`."""
        return self.client.predict(self.served.endpoint, rows, **options)

    def close(self) -> None:
        """Drain and stop the server. What it holds stays in the home folder."""
        self.client.close()
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<interlock.ServedModel {self.served.champion} at {self.url}, ask with .predict(rows)>\n{self.served.curl}"
        )


def serve(
    model: Any,
    X: Any = None,
    y: Any = None,
    *,
    name: str,
    home: str | Path = ".interlock",
    port: int = 0,
    control_port: int = 0,
) -> ServedModel:
    """Serve a fitted estimator from a notebook or script, without pickle.

    Args:
        model: A fitted scikit-learn estimator.
        X: Rows it was not trained on: the contract and the profile that production is compared with.
        y: Their labels, if there are any.
        name: Of model and endpoint.
        home: Where everything is kept.
        port: Of the gateway; 0 lets the system choose.
        control_port: Of the control plane; 0 lets the system choose.

    Returns:
        A handle with `url`, `key`, `client`, `predict(rows)` and `close()`.

    Raises:
        UnloadableModelError: The model cannot be saved without pickle, or not served.
        HomeError: The home folder cannot be used, for example because another server holds it.
    """
    from interlock.registry.live import save_live  # imports the model's framework, which only this function needs

    with tempfile.TemporaryDirectory(prefix="interlock-") as folder:
        saved = save_live(model, X, y, Path(folder))
        server = launch.launch(Path(home), port=port, control_port=control_port, key_name="notebook")
        try:
            client = server.connect()
            return ServedModel(server, client, put_up(server, client, name, saved.source, saved.reference, saved.label))
        except BaseException:
            server.stop()
            raise


def put_up(
    server: launch.Server,
    client: Client,
    name: str,
    source: Path,
    reference: Path | None = None,
    label: str | None = None,
    *,
    trust_pickle: bool = False,
    contract: Path | None = None,
) -> Served:
    """Register a model on a running server unless it is there, and create its endpoint unless it is there.

    An endpoint that exists goes on with its champion: another version earns its traffic by a release.
    """
    version = _registered(client, name, source) or client.register(
        name, source, reference=reference, label=label, trust_pickle=trust_pickle, contract=contract
    )
    try:
        endpoint = client.endpoint(name)
    except NotFoundError:
        endpoint = client.create_endpoint(name, version["ref"])
    row = _example_row(version["contract"]["inputs"], reference)
    curl = curl_line(server.gateway, server.key, name, row, version["contract"]["inputs"])
    return Served(name, version["ref"], endpoint["model"], curl, tuple(version["warnings"]))


def name_of(source: Path) -> str:
    """A legal name from a file's or folder's.

    Examples:
        >>> name_of(Path("models/My Model v2.skops"))
        'my-model-v2'
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", source.resolve().stem.lower()).strip("-._")[:128]
    if not name:
        raise InvalidInputError(f"no name can be made of {source.name!r}; give one with --name")
    return name


def curl_line(gateway: str, key: str, endpoint: str, row: dict[str, Any], inputs: list[dict[str, Any]]) -> str:
    """A command for one prediction: MLflow's short form for plain columns, Open Inference for tensors."""
    if any(field["shape"] for field in inputs):
        columns = {name: [value] for name, value in row.items()}
        known = {field["name"]: (field["datatype"], [-1, *field["shape"]]) for field in inputs}
        path, body = f"/v2/models/{endpoint}/infer", {"inputs": encode_inputs(columns, known)}
    else:
        path, body = f"/endpoints/{endpoint}/invocations", {"dataframe_records": [row]}
    words = [
        "curl", "-sS", f"{gateway}{path}", "-H", f"Authorization: Bearer {key}",
        "-H", "Content-Type: application/json", "-d", json.dumps(body),
    ]  # fmt: skip
    return shlex.join(words)


def _registered(client: Client, name: str, source: Path) -> dict[str, Any] | None:
    """The newest version of the name, if it is this very file."""
    if not source.is_file():
        return None
    versions = [each for each in client.models() if each["name"] == name]
    if not versions:
        return None
    newest = client.model(versions[-1]["ref"])
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    return newest if newest["digest"] == digest else None


def _example_row(inputs: list[dict[str, Any]], reference: Path | None) -> dict[str, Any]:
    row = _first_row(reference) if reference is not None else {}
    return {field["name"]: _plausible(field, row.get(field["name"])) for field in inputs}


def _first_row(reference: Path) -> dict[str, Any]:
    from interlock.client.data_file import read_columns  # Arrow takes a moment, and only this function needs it

    return {name: values[0] for name, values in read_columns(reference).items() if values}


def _plausible(field: dict[str, Any], value: Any) -> Any:
    """A value the field takes: the given one, or one made from the contract."""
    if isinstance(value, date):
        value = value.isoformat()
    if field["time"] is not None or field["image"] is not None:
        return value if isinstance(value, str) else _made_up_text(field)
    if field["datatype"] in ("FP32", "FP64") and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if value is None and not field["shape"]:
        value = _made_up(field)
    if value is None:
        value = _made_up(field)
        for length in reversed(field["shape"]):
            value = [value] * max(length, 1)
    return value


def _made_up_text(field: dict[str, Any]) -> str:
    """A time, or a black image in base64."""
    if field["time"] is None:
        height, width, channels = (size if size > 0 else 16 for size in field["shape"])
        return b64encode(_black_png(height, width, channels)).decode()
    if field["time"]["is_date"]:
        return "2026-03-01"
    return "2026-03-01T12:00:00" + ("Z" if field["time"]["zone"] else "")


def _black_png(height: int, width: int, channels: int) -> bytes:
    """The smallest file of that many pixels, without a library for it."""
    colour_type = {1: 0, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    pixels = zlib.compress(bytes(height * (1 + width * channels)), 9)
    chunks = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    framed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _made_up(field: dict[str, Any]) -> Any:
    if field["datatype"] == "BYTES":
        return (field["categories"] or [""])[0]
    if field["datatype"] == "BOOL":
        return False
    low, high = field["minimum"] or 0.0, field["maximum"] or 0.0
    middle = (low + high) / 2
    return int(middle) if "INT" in field["datatype"] else middle
