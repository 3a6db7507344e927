"""What a client says to the control plane: one method a route, answers as plain dictionaries."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from interlock.client.source import Source, resolved
from interlock.client.transport import Transport
from interlock.client.uploading import send, send_code
from interlock.domain.names import split_ref


class ControlPlane:
    """Requests to the control port.

    Args:
        transport: To that port.
    """

    def __init__(self, transport: Transport) -> None:
        self._control = transport

    # Models and endpoints

    def register(  # noqa: PLR0913 (what a person may say of a model)
        self,
        name: str,
        source: str | Path,
        *,
        reference: str | Path | None = None,
        label: str | None = None,
        trust_pickle: bool = False,
        parent: str | None = None,
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
            parent: The version it was made from.
            python: Path of the interpreter that runs it, on the server's machine; default: the server's own.
            code: File or folder to send with a Python class; default: the module, if it lies in the current folder.
            token_env: Environment variable of the server that holds the bearer token for the other server.
            memory_bytes: Most memory that its process may hold.
            startup_seconds: How long loading it may take.
        """
        given = {
            "label": label,
            "parent": parent,
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

    def create_endpoint(self, name: str, model: str, *, deadline_ms: float = 1000.0) -> dict[str, Any]:
        """Create an endpoint; returns once every live gateway serves it."""
        return self._post("/endpoints", {"name": name, "model": model, "deadline_ms": deadline_ms})

    def endpoints(self) -> list[dict[str, Any]]:
        """Every endpoint."""
        return list(self._get("/endpoints")["endpoints"])

    def endpoint(self, name: str) -> dict[str, Any]:
        """One endpoint, with its traffic."""
        return self._get(f"/endpoints/{quote(name, safe='')}")

    def delete_endpoint(self, name: str) -> None:
        """Stop serving it. Its log stays."""
        self._control.call("DELETE", f"/api/v1/endpoints/{quote(name, safe='')}")

    # Releases

    def start_release(
        self, endpoint: str, candidate: str, *, strategy: str = "canary", plan: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Start a release. `plan` overrides fields of the default plan."""
        body = {"endpoint": endpoint, "candidate": candidate, "strategy": strategy, "plan": dict(plan or {})}
        return self._post("/releases", body)

    def releases(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Releases, newest first."""
        return list(self._get("/releases", endpoint=endpoint)["releases"])

    def release(self, id: str) -> dict[str, Any]:
        """State, decision and gates of a release."""
        return self._get(f"/releases/{quote(id, safe='')}")

    def promote(self, id: str, reason: str = "") -> dict[str, Any]:
        """Give the candidate all traffic now."""
        return self._post(f"/releases/{quote(id, safe='')}/promote", {"reason": reason})

    def pause(self, id: str, reason: str = "") -> dict[str, Any]:
        """Stop deciding; traffic stays as it is."""
        return self._post(f"/releases/{quote(id, safe='')}/pause", {"reason": reason})

    def resume(self, id: str, reason: str = "") -> dict[str, Any]:
        """Go on deciding."""
        return self._post(f"/releases/{quote(id, safe='')}/resume", {"reason": reason})

    def rollback(self, endpoint: str, *, to: str | None = None, reason: str = "") -> dict[str, Any]:
        """Take the traffic back, by default to the champion before."""
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/rollback", {"to": to, "reason": reason})

    # What happened

    def monitor(
        self, endpoint: str, *, window: str = "24h", since: datetime | None = None, until: datetime | None = None
    ) -> dict[str, Any]:
        """Checks over a window of event time."""
        path = f"/endpoints/{quote(endpoint, safe='')}/monitor"
        return self._get(path, window=window, since=_iso(since), until=_iso(until))

    def quality_by_month(self, endpoint: str) -> list[dict[str, Any]]:
        """Quality from labels, by month and version."""
        return list(self._get(f"/endpoints/{quote(endpoint, safe='')}/quality")["quality"])

    def drift_by_month(self, endpoint: str) -> list[dict[str, Any]]:
        """Drift of each column by month."""
        return list(self._get(f"/endpoints/{quote(endpoint, safe='')}/drift")["drift"])

    def verdicts(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Stored verdicts of closed windows."""
        path = f"/endpoints/{quote(endpoint, safe='')}/verdicts"
        return list(self._get(path, since=_iso(since), until=_iso(until))["verdicts"])

    def sql(self, statement: str, *, fresh: bool = True) -> list[dict[str, Any]]:
        """Query the prediction log. `fresh`: wait until it holds everything acknowledged before."""
        return list(self._post("/log/sql", {"sql": statement, "fresh": fresh})["rows"])

    def wait_until_logged(self, timeout_seconds: float = 15.0) -> None:
        """Wait until the log holds everything acknowledged before the call.

        Raises:
            OverloadedError: It does not in time.
        """
        self._post("/log/commit", {"timeout_seconds": timeout_seconds})

    def reconciliation(self) -> Any:
        """Whether every acknowledged row is accounted for, by endpoint."""
        return self._get("/log/reconciliation")["endpoints"]

    def audit(self, *, limit: int = 100, subject: str | None = None) -> list[dict[str, Any]]:
        """The newest entries of the audit log."""
        return list(self._get("/audit", limit=str(limit), subject=subject)["entries"])

    def verify_audit(self) -> dict[str, Any]:
        """Whether the chain of the audit log holds."""
        return self._get("/audit/verify")

    def status(self) -> dict[str, Any]:
        """Addresses, processes, gateways."""
        return self._get("/status")

    # Keys

    def create_key(self, name: str, role: str, **options: Any) -> dict[str, Any]:
        """Make a key: `owner`, `endpoints` and `allow` are optional. The answer's `key` is shown only here."""
        return self._post("/keys", {"name": name, "role": role, **options})

    def keys(self) -> list[dict[str, Any]]:
        """All keys, never the keys themselves."""
        return list(self._get("/keys")["keys"])

    def revoke_key(self, name: str) -> None:
        """Make a key worthless."""
        self._control.call("DELETE", f"/api/v1/keys/{quote(name, safe='')}")

    def _get(self, path: str, **query: str | None) -> dict[str, Any]:
        given = {name: value for name, value in query.items() if value is not None}
        return dict(self._control.json("GET", f"/api/v1{path}{'?' + urlencode(given) if given else ''}"))

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self._control.json("POST", f"/api/v1{path}", body))


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
