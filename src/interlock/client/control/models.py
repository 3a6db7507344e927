"""Versions of models: what they are, how they were tested, where they come from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from interlock.client.contract_file import read_contract
from interlock.client.control.requests import ControlRequests
from interlock.client.source import Source, resolved
from interlock.client.uploading import send, send_code
from interlock.domain.names import split_ref


class Models(ControlRequests):
    """Methods of the client, one a route."""

    def register(  # noqa: PLR0913 (what a person may say of a model)
        self,
        name: str,
        source: str | Path,
        *,
        reference: str | Path | None = None,
        label: str | None = None,
        trust_pickle: bool = False,
        compile: bool = True,
        parent: str | None = None,
        trained_on: str | None = None,
        contract: str | Path | Mapping[str, Any] | None = None,
        python: str | None = None,
        code: str | Path | None = None,
        token_env: str | None = None,
        memory_bytes: int | None = None,
        startup_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Upload and register a version of a model.

        Args:
            name: The model's name.
            source: A file or folder on this machine, `models:/name/version` or `runs:/run/path` of the MLflow that this
                machine knows, `python:module.Class`, or the address of a model on another server,
                `http://host/v2/models/x`.
            reference: CSV or Parquet file of rows like those that will be served.
            label: Column of the reference that holds the label.
            trust_pickle: Whether loading may run code that came with the model.
            compile: Whether to look for an ONNX twin; without one the original serves, in a process of its own.
            parent: The version it was made from.
            trained_on: Pinned version of a log that it was trained on, `endpoint@name`.
            contract: What is declared about the contract: a YAML or JSON file, or what would stand in it.
            python: Path of the interpreter that runs it, on the server's machine; default: the server's own.
            code: File or folder to send with a Python class; default: the module, if it lies in the current folder.
            token_env: Environment variable of the server that holds the bearer token for the other server.
            memory_bytes: Most memory that its process may hold.
            startup_seconds: How long loading it may take.
        """
        declared = read_contract(contract) if isinstance(contract, str | Path) else contract
        given = {
            "compile": None if compile else False,
            "label": label,
            "parent": parent,
            "trained_on": trained_on,
            "contract": declared,
            "python": python,
            "token_env": token_env,
            "memory_bytes": memory_bytes,
            "startup_seconds": startup_seconds,
        }
        with resolved(source, code) as found:
            body = {"trust_pickle": trust_pickle, **self._sent(found), **given}
            if reference is not None:
                body["reference"] = send(self._control, Path(reference))
            wanted = {name: value for name, value in body.items() if value is not None}
            return self._post(f"/models/{quote(name, safe='')}", wanted)

    def _sent(self, source: Source) -> dict[str, Any]:
        """A source as the API is told of it, sent where it is something to send."""
        told = {"entry": source.entry or None, "url": source.url or None, "origin": source.origin or None}
        if source.upload is None:
            return told
        send_it = send_code if source.entry else send
        return {**told, "source": send_it(self._control, source.upload)}

    def models(self, name: str | None = None) -> list[dict[str, Any]]:
        """Versions of all models, or of one."""
        return list(self._get("/models" if name is None else f"/models/{quote(name, safe='')}")["models"])

    def model(self, ref: str) -> dict[str, Any]:
        """All that is known of `name:version`."""
        name, version = split_ref(ref)
        return self._get(f"/models/{name}/versions/{version}")

    def diff(self, ref: str, other: str) -> dict[str, Any]:
        """What differs between the contracts of two versions."""
        name, version = split_ref(ref)
        return self._get(f"/models/{name}/versions/{version}/diff/{quote(other, safe='')}")

    def test_model(
        self,
        ref: str,
        data: str | Path,
        *,
        label: str | None = None,
        endpoint: str | None = None,
        slices: Sequence[str] = (),
        protected: Sequence[str] = (),
        gates: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Test a version in a gateway of its own, on held-out rows. Takes a minute or so.

        Args:
            ref: `name:version`.
            data: CSV, Parquet, JSON or JSON lines file of rows that it was not trained on.
            label: Its column of labels.
            endpoint: Whose deadline and whose champion it is held against.
            slices, protected: Columns of the file by which quality is compared; of protected groups by Fairlearn.
            gates: Bounds, as in the `test` section of a release plan; default: those of the version's release on the
                endpoint, else of the endpoint's release plan, else the product's.

        Returns:
            The stored test; `passed` says whether every gate is `ok`.
        """
        name, version = split_ref(ref)
        body = {
            "data": send(self._control, Path(data)),
            "label": label or "",
            "endpoint": endpoint or "",
            "slices": list(slices),
            "protected": list(protected),
            "gates": dict(gates) if gates is not None else None,
        }
        return self._post(f"/models/{name}/versions/{version}/tests", body)

    def keep_held_out(self, file: str | Path) -> dict[str, Any]:
        """Have the server keep rows for the tests of releases, under the file's name, in place of one of that name."""
        return self._post("/held-out", {"data": send(self._control, Path(file))})

    def held_out(self) -> list[dict[str, Any]]:
        """Held-out files that the server keeps."""
        return list(self._get("/held-out")["files"])

    def model_tests(self, ref: str) -> list[dict[str, Any]]:
        """Stored tests of a version, newest first."""
        name, version = split_ref(ref)
        return list(self._get(f"/models/{name}/versions/{version}/tests")["tests"])

    def lineage(self, ref: str) -> list[dict[str, Any]]:
        """Where `name:version` comes from and where it went, and the same of its ancestors, the youngest first."""
        name, version = split_ref(ref)
        return list(self._get(f"/models/{name}/versions/{version}/lineage")["lineage"])
