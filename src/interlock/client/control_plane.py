"""What a client says to the control plane: one method a route, answers as plain dictionaries."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from interlock.client.contract_file import read_contract
from interlock.client.log_selection import LogSelection
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

    @property
    def control(self) -> Transport:
        """Requests to that port."""
        return self._control

    # Models and endpoints

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

    def model_tests(self, ref: str) -> list[dict[str, Any]]:
        """Stored tests of a version, newest first."""
        name, version = split_ref(ref)
        return list(self._get(f"/models/{name}/versions/{version}/tests")["tests"])

    def create_endpoint(self, name: str, model: str, **options: Any) -> dict[str, Any]:
        """Create an endpoint; returns once every live gateway serves it. `options` as for `change_endpoint`."""
        return self._post("/endpoints", {"name": name, "model": model, **options})

    def change_endpoint(self, name: str, **options: Any) -> dict[str, Any]:
        """Change an endpoint while it serves; returns once every live gateway does so. What is not given stays.

        Args:
            name: Which.
            options: `deadline_ms`; `durability` (process or disk); `when_full` (refuse or serve_and_count); `label_key`
                (what identifies a case in files of labels); `retention_days` (full days of events that the log keeps, 0
                for ever); `privacy` (what the log gets of a column: keep, hash or drop; columns are inputs,
                `output.<name>`, and `unit` for the sticky key); `images` (which of them the log keeps: all, none, or a
                share).
        """
        return dict(self._control.json("PATCH", f"/api/v1/endpoints/{quote(name, safe='')}", options))

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
        self,
        endpoint: str,
        candidate: str,
        *others: str,
        strategy: str | None = None,
        plan: Mapping[str, Any] | None = None,
        override: Sequence[str] = (),
        reason: str = "",
    ) -> dict[str, Any]:
        """Start a release by `shadow`, `canary`, `blue_green`, `ab_test` or `bandit`; the last two take several.

        Args:
            endpoint: Whose traffic.
            candidate: `name:version`.
            others: Further candidates.
            strategy: How it is decided; default: the endpoint's strategy, else `canary`.
            plan: Fields in place of the endpoint's plan, else of the strategy's.
            override: What of the contract may break callers, by name, like `input.age`; needs a key that may approve.
            reason: Why, for the audit log; must be given with an override.
        """
        body = {"endpoint": endpoint, "candidate": candidate, "strategy": strategy, "plan": dict(plan or {})}
        more = {"others": list(others), "override": list(override), "reason": reason}
        return self._post("/releases", body | more)

    def releases(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Releases, newest first."""
        return list(self._get("/releases", endpoint=endpoint)["releases"])

    def release(self, id: str) -> dict[str, Any]:
        """State, decision and gates of a release."""
        return self._get(f"/releases/{quote(id, safe='')}")

    def evaluate(
        self,
        endpoint: str,
        policy: Mapping[str, Any],
        *,
        reward: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        alpha: float = 0.05,
        fresh: bool = True,
    ) -> dict[str, Any]:
        """Estimate what another split of the traffic would have earned, from rows that chance assigned.

        Args:
            endpoint: Whose log.
            policy: `{"shares": {"wine:1": 0.5, "wine:2": 0.5}}`, with `"segments"` where wanted.
            reward: A logged reward's name, or `quality`; by default the only one there is.
            since, until: Range of `event_at`, with a time zone; the end is excluded.
            alpha: Probability that an interval is wrong.
            fresh: First wait until the log holds everything acknowledged before.
        """
        wanted = {"endpoint": endpoint, "policy": dict(policy), "reward": reward, "alpha": alpha, "fresh": fresh}
        return self._post("/releases/evaluation", {**wanted, "since": _iso(since), "until": _iso(until)})

    def start_replay(
        self,
        endpoint: str,
        candidate: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        fresh: bool = True,
    ) -> dict[str, Any]:
        """Let a candidate score the past; returns at once.

        Args:
            endpoint: Whose log.
            candidate: `name:version`.
            since, until: Range of `event_at`, with a time zone; the end is excluded.
            limit: At most so many rows, chosen evenly over the range.
            fresh: First wait until the log holds everything acknowledged before.
        """
        wanted = {"candidate": candidate, "since": _iso(since), "until": _iso(until), "limit": limit, "fresh": fresh}
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/replays", wanted)

    def replays(self, endpoint: str) -> list[dict[str, Any]]:
        """Replays of an endpoint with their reports, newest first."""
        return list(self._get(f"/endpoints/{quote(endpoint, safe='')}/replays")["replays"])

    def replay(self, endpoint: str, id: str) -> dict[str, Any]:
        """One replay: how far it is, or its report."""
        return self._get(f"/endpoints/{quote(endpoint, safe='')}/replays/{quote(id, safe='')}")

    def cancel_replay(self, endpoint: str, id: str) -> dict[str, Any]:
        """Ask a replay to stop."""
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/replays/{quote(id, safe='')}/cancel", {})

    def forecast(
        self, endpoint: str, *, strategy: str | None = None, plan: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """How long a release would take at the endpoint's traffic, and the smallest harm that it would see."""
        return self._post("/releases/forecast", {"endpoint": endpoint, "strategy": strategy, "plan": dict(plan or {})})

    def approve(self, id: str, reason: str = "") -> dict[str, Any]:
        """Let a release go on that waits for approval. Not for who started it."""
        return self._post(f"/releases/{quote(id, safe='')}/approve", {"reason": reason})

    def reject(self, id: str, reason: str = "") -> dict[str, Any]:
        """End a release that waits for approval."""
        return self._post(f"/releases/{quote(id, safe='')}/reject", {"reason": reason})

    def promote(self, id: str, reason: str = "", *, candidate: str | None = None) -> dict[str, Any]:
        """Give the candidate all traffic now; of several, the one that is named, or that has won."""
        body = {"reason": reason} | ({"candidate": candidate} if candidate is not None else {})
        return self._post(f"/releases/{quote(id, safe='')}/promote", body)

    def pause(self, id: str, reason: str = "") -> dict[str, Any]:
        """Stop deciding; traffic stays as it is."""
        return self._post(f"/releases/{quote(id, safe='')}/pause", {"reason": reason})

    def resume(self, id: str, reason: str = "") -> dict[str, Any]:
        """Go on deciding."""
        return self._post(f"/releases/{quote(id, safe='')}/resume", {"reason": reason})

    def rollback(self, endpoint: str, *, to: str | None = None, reason: str = "") -> dict[str, Any]:
        """Take the traffic back, by default to the champion before."""
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/rollback", {"to": to, "reason": reason})

    # Learning again

    def retrain(self, endpoint: str, *, mode: str | None = None, release: bool = True) -> dict[str, Any]:
        """Ask for a run of retraining: `scratch`, `fine_tune` or `blend`, by default as declared.

        Args:
            endpoint: Whose model.
            mode: In place of what is declared.
            release: Whether a version that passes is released as declared.
        """
        body = {"endpoint": endpoint, "release": release} | ({"mode": mode} if mode is not None else {})
        return self._post("/runs", body)

    def runs(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Runs of retraining, newest first."""
        return list(self._get("/runs", endpoint=endpoint)["runs"])

    def run(self, id: str) -> dict[str, Any]:
        """All that is known of a run."""
        return self._get(f"/runs/{quote(id, safe='')}")

    def run_log(self, id: str) -> str:
        """The last part of what the processes of a run said."""
        return str(self._get(f"/runs/{quote(id, safe='')}/log")["log"])

    def cancel_run(self, id: str) -> dict[str, Any]:
        """End a run. One that works ends within a second or two."""
        return self._post(f"/runs/{quote(id, safe='')}/cancel", {})

    def rerun(self, id: str) -> dict[str, Any]:
        """Ask for a run with the settings and the pinned rows of an earlier one."""
        return self._post(f"/runs/{quote(id, safe='')}/rerun", {})

    def declare_retraining(self, endpoint: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Put a declaration in the place of the one before, as docs/retraining.md has it."""
        path = f"/api/v1/endpoints/{quote(endpoint, safe='')}/retraining"
        return dict(self._control.json("PUT", path, dict(document))["retraining"])

    def retraining(self, endpoint: str) -> dict[str, Any]:
        """What is declared (`retraining`), and what its triggers remember and wait for (`triggers`), or None."""
        return self._get(f"/endpoints/{quote(endpoint, safe='')}/retraining")

    def withdraw_retraining(self, endpoint: str) -> None:
        """Take the declaration away."""
        self._control.call("DELETE", f"/api/v1/endpoints/{quote(endpoint, safe='')}/retraining")

    def lineage(self, ref: str) -> list[dict[str, Any]]:
        """Where `name:version` comes from and where it went, and the same of its ancestors, the youngest first."""
        name, version = split_ref(ref)
        return list(self._get(f"/models/{name}/versions/{version}/lineage")["lineage"])

    # Alerts

    def alerts(
        self, endpoint: str | None = None, *, state: str | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """The newest incidents, newest first. `state`: open, firing, acknowledged, resolved."""
        return list(self._get("/alerts", endpoint=endpoint, state=state, limit=str(limit))["alerts"])

    def alert(self, id: int) -> dict[str, Any]:
        """An incident with its symptoms, its history, and what became of its notices."""
        return self._get(f"/alerts/{id}")

    def acknowledge(self, id: int, reason: str = "") -> dict[str, Any]:
        """Take an incident on."""
        return self._post(f"/alerts/{id}/ack", {"reason": reason})

    def silence(self, endpoint: str = "", *, until: datetime, reason: str = "") -> dict[str, Any]:
        """Tell nobody of an endpoint's incidents, or of all, until a time."""
        return self._post("/silences", {"endpoint": endpoint, "until": until.isoformat(), "reason": reason})

    def silences(self) -> list[dict[str, Any]]:
        """All silences, newest first, also those that have ended."""
        return list(self._get("/silences")["silences"])

    def apply_alert_rules(self, document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Put these rules, `{"rules": [...]}`, in the place of all that were written before."""
        return list(self._control.json("PUT", "/api/v1/alert-rules", dict(document))["rules"])

    def alert_rules(self) -> list[dict[str, Any]]:
        """Rules that people wrote, by name."""
        return list(self._get("/alert-rules")["rules"])

    def add_channel(
        self,
        name: str,
        url: str,
        *,
        least_severity: str = "info",
        endpoints: Sequence[str] = (),
        daily_report: int | None = None,
    ) -> dict[str, Any]:
        """Add who is told of incidents. Administrators only; the URL is never shown whole again.

        Args:
            name, url: What it is called, and where it is.
            least_severity, endpoints: What it wants to be told of.
            daily_report: Hour (UTC) at which it gets the report of the day before.
        """
        body: dict[str, Any] = {"name": name, "url": url, "least_severity": least_severity}
        body |= {"endpoints": list(endpoints), "daily_report": daily_report}
        return self._post("/channels", body)

    def channels(self) -> list[dict[str, Any]]:
        """Who is told, and how many notices wait."""
        return list(self._get("/channels")["channels"])

    def test_channel(self, name: str) -> dict[str, Any]:
        """Send a test through a channel; `delivered` and `error` say what happened."""
        return self._post(f"/channels/{quote(name, safe='')}/test", {})

    def remove_channel(self, name: str) -> None:
        """Remove a channel. What waits for it is given up."""
        self._control.call("DELETE", f"/api/v1/channels/{quote(name, safe='')}")

    # What happened

    def monitor(
        self, endpoint: str, *, window: str = "24h", since: datetime | None = None, until: datetime | None = None
    ) -> dict[str, Any]:
        """Checks over a window of event time."""
        path = f"/endpoints/{quote(endpoint, safe='')}/monitor"
        return self._get(path, window=window, since=_iso(since), until=_iso(until))

    def daily_report(self, endpoint: str, day: date | None = None) -> dict[str, Any]:
        """What a day (UTC) of an endpoint was like; by default the day of its newest event."""
        path = f"/endpoints/{quote(endpoint, safe='')}/report"
        return self._get(path, date=None if day is None else day.isoformat())

    def rejections(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> dict[str, Any]:
        """Requests that the contract refused: counts by hour, field and rule, and a few bodies."""
        path = f"/endpoints/{quote(endpoint, safe='')}/rejections"
        return dict(self._get(path, since=_iso(since), until=_iso(until)))

    def quality_by_month(self, endpoint: str) -> list[dict[str, Any]]:
        """Quality from labels, by month and version."""
        return list(self._get(f"/endpoints/{quote(endpoint, safe='')}/quality")["quality"])

    def drift_by_month(self, endpoint: str) -> list[dict[str, Any]]:
        """Drift of each column by month."""
        return list(self._get(f"/endpoints/{quote(endpoint, safe='')}/drift")["drift"])

    def verdicts(
        self,
        endpoint: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        latest: bool = False,
    ) -> list[dict[str, Any]]:
        """Stored verdicts of closed windows, with those that late labels have revised; `latest`: without."""
        path = f"/endpoints/{quote(endpoint, safe='')}/verdicts"
        query = {"since": _iso(since), "until": _iso(until), "latest": str(latest).lower()}
        return list(self._get(path, **query)["verdicts"])

    def labels(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None, fresh: bool = True
    ) -> dict[str, Any]:
        """The account of labels, decisions and rewards: counts, what matches nothing, coverage and delay by day."""
        path = f"/endpoints/{quote(endpoint, safe='')}/labels"
        return self._get(path, since=_iso(since), until=_iso(until), fresh=str(fresh).lower())

    def label_history(self, endpoint: str, prediction_id: str, *, fresh: bool = True) -> list[dict[str, Any]]:
        """All that was ever said of one prediction."""
        path = f"/endpoints/{quote(endpoint, safe='')}/labels/{quote(prediction_id, safe='')}"
        return list(self._get(path, fresh=str(fresh).lower())["history"])

    def sql(self, statement: str, *, fresh: bool = True, pin: str | None = None) -> list[dict[str, Any]]:
        """Query the prediction log.

        Args:
            statement: DuckDB's SQL.
            fresh: Wait until the log holds everything acknowledged before.
            pin: Ask a pinned version, ENDPOINT@NAME, in place of the present one.
        """
        body = {"sql": statement, "fresh": fresh} | ({"pin": pin} if pin is not None else {})
        return list(self._post("/log/sql", body)["rows"])

    def pin(self, endpoint: str, name: str) -> dict[str, Any]:
        """Pin what an endpoint's log holds: it then reads the same for ever."""
        return self._post(f"/log/{quote(endpoint, safe='')}/pins", {"name": name})

    def pins(self, endpoint: str) -> list[dict[str, Any]]:
        """Pinned versions of an endpoint's log."""
        return list(self._get(f"/log/{quote(endpoint, safe='')}/pins")["pins"])

    def verify_pins(self, endpoint: str) -> dict[str, list[str]]:
        """By name, what is wrong with the pins of an endpoint: nothing, if they are bit for bit what was pinned."""
        return dict(self._get(f"/log/{quote(endpoint, safe='')}/pins", verify="true")["faults"])

    def unpin(self, endpoint: str, name: str, *, force: bool = False) -> None:
        """Let go of a pin. `force`: also if model versions were trained on it."""
        path = f"/api/v1/log/{quote(endpoint, safe='')}/pins/{quote(name, safe='')}"
        self._control.call("DELETE", path + ("?force=true" if force else ""))

    def forget(self, endpoint: str, unit: str) -> dict[str, Any]:
        """Delete a unit's rows from an endpoint's log, its history and its pins. It cannot be undone."""
        return self._post(f"/log/{quote(endpoint, safe='')}/forget", {"unit": unit})

    def export_annotations(self, endpoint: str, budget: int, **options: Any) -> dict[str, Any]:
        """Draw rows for people to label, with known chances.

        Args:
            endpoint: Whose.
            budget: How many.
            options: `since` and `until` (ISO 8601; by default from where the last draw ended, to now), `random_share`
                (part of every chance that is the same for all), `seed`, `fresh`.

        Returns:
            `export`, `tasks` (with `prediction_id`, `inputs`, `weight`, ...), `question` and `overlaps`.
        """
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/annotations/exports", {"budget": budget, **options})

    def annotations(self, endpoint: str) -> dict[str, Any]:
        """Draws, how many of their rows have an answer, and how far annotators agree."""
        return self._get(f"/endpoints/{quote(endpoint, safe='')}/annotations")

    def record_answers(
        self, endpoint: str, answers: Sequence[Mapping[str, Any]], *, rule: str = "majority", fewest: int = 1
    ) -> dict[str, Any]:
        """Keep what annotators said; see `Client.annotate`, which also sends the labels that come of it."""
        body = {"answers": [dict(each) for each in answers], "rule": rule, "fewest": fewest}
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/annotations/answers", body)

    def log(
        self,
        endpoint: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        versions: Sequence[str | int] = (),
        columns: Sequence[str] = (),
        joined: bool = False,
        fresh: bool = True,
    ) -> LogSelection:
        """Rows of the prediction log, to be read by `.to_pandas()`, `.to_polars()`, `.to_arrow()` or `.batches()`.

        Args:
            endpoint: Its name.
            since, until: Range of `event_at`, with a time zone; the end is excluded.
            versions: Who answered: `flights:3`, or 3 alone.
            columns: Those wanted, in this order; by default all.
            joined: With the label, the decision and the rewards that count for each prediction.
            fresh: Wait until the log holds everything acknowledged before.
        """
        return LogSelection(
            transport=self._control, endpoint=endpoint, since=since, until=until, versions=tuple(versions),
            columns=tuple(columns), joined=joined, fresh=fresh,
        )  # fmt: skip

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

    # Releases as code

    def config(self) -> dict[str, Any]:
        """What is there, as `document` of a file, and `notes` on it by place."""
        return self._get("/config")

    def config_schema(self) -> dict[str, Any]:
        """The JSON Schema of a file."""
        return self._get("/config/schema")

    def diff_config(self, document: Mapping[str, Any], *, prune: bool = False) -> dict[str, Any]:
        """What a file would change: `changes`, `unmanaged`, `notes` and `conflicts`.

        Args:
            document: The file's content; each model's version with the `digest` of its content.
            prune: Whether what is not in the file would be deleted, in the sections that it has.
        """
        return self._post("/config/diff", {"document": dict(document), "prune": prune})

    def apply_config(
        self, document: Mapping[str, Any], *, prune: bool = False, deletes: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Put a file in force whose models are registered; answers as `diff_config` did.

        Args:
            document: As of `diff_config`.
            prune: As there.
            deletes: Places of what may be deleted; None is all that is found.
        """
        agreed = None if deletes is None else list(deletes)
        return self._post("/config/apply", {"document": dict(document), "prune": prune, "deletes": agreed})

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
