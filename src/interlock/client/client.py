"""`Client(url, api_key)`: what a program says to a running Interlock.

It knows the control port and learns the gateway's address from it. Predictions and labels go to the gateway, all else
to the control plane.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from interlock.client.control.plane import ControlPlane
from interlock.client.prediction import Prediction
from interlock.client.rows import Inputs, columns_of, encode_inputs
from interlock.client.transport import Transport, clean, decode
from interlock.client.trust import Trust, by_authority
from interlock.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from interlock.client.feedback_file import FileOutcome, Noun

_LABELS_A_REQUEST = 5_000
_ANSWERS_A_REQUEST = 3_000
# Registering loads, converts, proves and measures; nothing else takes long.
_CONTROL_SECONDS = 900.0


class Client(ControlPlane):
    """A connection to a running Interlock. May be shared by threads.

    Args:
        url: The control port, as `interlock up` prints it. Default: `INTERLOCK_URL`.
        api_key: The key. Default: `INTERLOCK_API_KEY`.
        gateway: The gateway's address, if the one that the control plane names cannot be reached from here.
        timeout_seconds: How long to wait for a prediction.
        ca_file: Certificates (PEM) of the authority behind an `https` server, if the system does not know it. Default:
            `INTERLOCK_CA_FILE`.
        trust: Which certificate is taken for the server's, if `ca_file` does not say it.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        gateway: str | None = None,
        timeout_seconds: float = 60.0,
        ca_file: str | Path | None = None,
        trust: Trust | None = None,
    ) -> None:
        url = url or os.environ.get("INTERLOCK_URL")
        if not url:
            raise InvalidInputError("no server named; pass the control port's url, or set INTERLOCK_URL")
        self._key = api_key or os.environ.get("INTERLOCK_API_KEY")
        self._timeout = timeout_seconds
        if (named := ca_file or os.environ.get("INTERLOCK_CA_FILE")) is not None:
            trust = by_authority(named)
        self._trust = trust
        super().__init__(Transport(url, self._key, _CONTROL_SECONDS, trust))
        self._gateway = Transport(gateway, self._key, timeout_seconds, trust) if gateway else None
        self._inputs: dict[str, Inputs] = {}
        self._infer_paths: dict[str, str] = {}

    def predict(
        self,
        endpoint: str,
        rows: Any,
        *,
        key: str | None = None,
        event_at: datetime | list[datetime] | None = None,
        request_id: str | None = None,
    ) -> Prediction:
        """Ask for predictions.

        Args:
            endpoint: Its name.
            rows: A dict of columns, a list of dicts, or a pandas, Polars or Arrow table.
            key: Who or what it is about; the same key stays with the same version during a release.
            event_at: When it happened in the world, if not now: one time, or one a row. The key must allow `backdate`.
            request_id: The caller's own id, for labels that come by it.

        Raises:
            InterlockError: As the gateway says; or ServerUnreachableError.
        """
        body: dict[str, Any] = {"inputs": None}
        if request_id is not None:
            body["id"] = request_id
        if event_at is not None:
            body["parameters"] = {"event_at": event_at}
        extra = b"" if key is None else b"X-Interlock-Key: " + clean("key", key) + b"\r\n"
        columns = columns_of(rows)
        known = self._inputs.get(endpoint) or self._learn(endpoint)
        body["inputs"] = encode_inputs(columns, known)
        try:
            return self._infer(endpoint, body, extra)
        except InvalidInputError:
            # A release may have brought a version that takes other types.
            if (learnt := self._learn(endpoint)) == known:
                raise
        body["inputs"] = encode_inputs(columns, learnt)
        return self._infer(endpoint, body, extra)

    def label(self, endpoint: str, labels: Iterable[Mapping[str, Any]] | Mapping[str, Any]) -> dict[str, Any]:
        """Tell what was true.

        Args:
            endpoint: Its name.
            labels: Prediction id to label; or a list of `{"prediction_id", "label", "observed_at"?, "source"?,
                "weight"?}`, with `"request_id"` and `"request_row"` in place of the prediction id if need be.

        Returns:
            `{"accepted": n, "rejected": [{"index", "error"}]}`
        """
        return self.tell(endpoint, "labels", list(_label_dicts(labels)))

    def decide(self, endpoint: str, decisions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Tell what a person decided, which is kept beside what the model answered and what turned out to be true.

        Args:
            endpoint: Its name.
            decisions: As labels, with `"decision"` in place of `"label"`.

        Returns:
            As `label` does.
        """
        return self.tell(endpoint, "decisions", list(decisions))

    def reward(self, endpoint: str, rewards: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Tell what answers were worth.

        Args:
            endpoint: Its name.
            rewards: As labels, with `"name"` (of a measure, like `revenue`) and `"value"` (a number) for `"label"`.

        Returns:
            As `label` does.
        """
        return self.tell(endpoint, "rewards", list(rewards))

    def tell_file(
        self,
        endpoint: str,
        path: str | Path,
        noun: "Noun" = "labels",
        *,
        on: str | None = None,
        time_column: str | None = None,
        reward: str | None = None,
        source: str | None = None,
    ) -> "FileOutcome":
        """Tell what a file holds, as `interlock label` does; `noun` and the rest are as of `FeedbackFile`.

        Returns:
            How many rows matched a prediction, none or several, and what the gateway took.
        """
        from interlock.client.feedback_file import (
            FeedbackFile,
        )  # Arrow takes a moment that predictions need not wait for

        rows = FeedbackFile(Path(path), noun, on=on, time_column=time_column, reward=reward, source=source)
        *_, outcome = rows.send(self, endpoint)
        return outcome

    def annotate(
        self, endpoint: str, answers: Sequence[Mapping[str, Any]], *, rule: str = "majority", fewest: int = 1
    ) -> dict[str, Any]:
        """Bring what annotators said of rows that `export_annotations` gave; what stands becomes labels.

        Args:
            endpoint: Its name.
            answers: Each with `prediction_id`, `annotator` and `label`. Saying it again replaces it.
            rule: How several answers become one label: `majority` or `unanimous`; of numbers the median, by either.
            fewest: Answers that a case needs before it has a label.

        Returns:
            `accepted`, `rejected` (`index`, `error`), `labelled`, `too_few`, `contested`, `agreement`.
        """
        total: dict[str, Any] = {"accepted": 0, "rejected": [], "labelled": 0, "too_few": 0, "contested": 0}
        for start, some in _of_whole_cases(answers):
            kept = self.record_answers(endpoint, some, rule=rule, fewest=fewest)
            told = self.tell(endpoint, "labels", kept["labels"])
            for name in ("accepted", "too_few", "contested"):
                total[name] += kept[name]
            refused = [{**each, "index": each["index"] + start} for each in kept["rejected"]]
            total |= {"labelled": total["labelled"] + told["accepted"], "rejected": total["rejected"] + refused}
            total["agreement"] = kept["agreement"]
            if told["rejected"]:
                raise InvalidInputError(*(f"the gateway refused a label: {each['error']}" for each in told["rejected"]))
        return total

    def tell(self, endpoint: str, noun: str, given: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Send `labels`, `decisions` or `rewards` to the gateway."""
        accepted, rejected = 0, []
        for start in range(0, len(given), _LABELS_A_REQUEST):
            path = f"/endpoints/{quote(endpoint, safe='')}/{noun}"
            body = {noun: given[start : start + _LABELS_A_REQUEST]}
            answer = decode(self.gateway.call("POST", path, body, repeatable=True).body)
            accepted += answer["accepted"]
            rejected += [{**each, "index": each["index"] + start} for each in answer["rejected"]]
        return {"accepted": accepted, "rejected": rejected}

    def telemetry(self, device: str, readings: Mapping[str, Any], *, at: datetime | None = None) -> dict[str, Any]:
        """Send what sensors of a device measured.

        Args:
            device: Its name.
            readings: Sensor to value; what is nested (`{"magnetometer": {"x": 1.0}}`) is named by its way.
            at: When; default: now.

        Returns:
            `accepted`, and `rejected` with sensor and error.
        """
        body: dict[str, Any] = {"readings": dict(readings)}
        if at is not None:
            body["at"] = at.isoformat()
        return dict(self.gateway.json("POST", f"/telemetry/{quote(device, safe='')}", body))

    @property
    def gateway(self) -> Transport:
        """Requests to the gateway, whose address is learnt on first use."""
        if self._gateway is None:
            address = self._get("/address")["gateway"]
            self._gateway = Transport(address, self._key, self._timeout, self._trust)
        return self._gateway

    def metadata(self, endpoint: str) -> dict[str, Any]:
        """What an endpoint takes and gives, in the shape of the Open Inference Protocol."""
        return dict(self.gateway.json("GET", f"/v2/models/{quote(endpoint, safe='')}"))

    def _infer(self, endpoint: str, body: dict[str, Any], extra: bytes) -> Prediction:
        return Prediction.of(self.gateway.call("POST", self._infer_paths[endpoint], body, extra=extra, repeatable=True))

    def _learn(self, endpoint: str) -> Inputs:
        found = {each["name"]: (each["datatype"], each["shape"]) for each in self.metadata(endpoint)["inputs"]}
        self._infer_paths[endpoint] = f"/v2/models/{quote(endpoint, safe='')}/infer"
        self._inputs[endpoint] = found
        return found

    def close(self) -> None:
        """Close this thread's connections."""
        self._control.close()
        if self._gateway is not None:
            self._gateway.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _of_whole_cases(answers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Sequence[Mapping[str, Any]]]]:
    """Parts of a size that the server takes, and where each begins; answers to one case that stand together stay so."""
    start = 0
    while start < max(1, len(answers)):
        end = min(start + _ANSWERS_A_REQUEST, len(answers))
        most = min(end + _ANSWERS_A_REQUEST, len(answers))
        while start < end < most and _is_same_case(answers[end - 1], answers[end]):
            end += 1
        yield start, answers[start:end]
        start = max(end, start + 1)


def _is_same_case(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one.get("prediction_id") == other.get("prediction_id"))


def _label_dicts(labels: Iterable[Mapping[str, Any]] | Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if isinstance(labels, Mapping):
        yield from ({"prediction_id": prediction, "label": label} for prediction, label in labels.items())
    else:
        yield from labels
