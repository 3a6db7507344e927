"""A home folder as large as an organisation's: many endpoints and features, a month of traffic, verdicts, a log.

The store has everything for every endpoint: hourly counts and profiles, and each day's verdict of every check. The log
has the rows of the first endpoint, which is the one whose pages are looked at: no page reads the log of another one.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from benchmarks.log.data import uuids
from interlock import bootstrap
from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.domain.verdict import Check, Verdict
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.log_schema import LABELS, PREDICTIONS, TIME
from interlock.process import home
from interlock.settings import Settings
from interlock.stats import log_histogram
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import learn
from interlock.store.service_hours import ServiceDelta

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_LABELLED = 0.2


@dataclass(frozen=True)
class Size:
    """How much there is."""

    endpoints: int = 40
    features: int = 200
    days: int = 30
    predictions: int = 10_000_000

    @property
    def rows_an_hour(self) -> int:
        """Of one endpoint."""
        return max(1, self.predictions // (self.endpoints * self.days * 24))

    @property
    def names(self) -> list[str]:
        """Of the features: as long as some people make them."""
        return [f"customer_account_feature_{number:03}" for number in range(self.features)]


def name_of(number: int) -> str:
    """An endpoint's."""
    return f"endpoint-{number:02}"


def make(settings: Settings, size: Size) -> None:
    """Fill a new home folder."""
    home.prepare(settings)
    bootstrap.migrate(settings)
    services, actor, rng = bootstrap.build_services(settings), bootstrap.local_actor(), np.random.default_rng(1)
    columns = {name: rng.normal(size=2_000) for name in size.names} | {"output.score": rng.random(2_000)}
    spec = learn(columns, dict.fromkeys(columns, "numeric"))
    reference = Profile(spec)
    reference.update(columns)
    hourly = Profile(spec)
    hourly.update({name: values[: size.rows_an_hour] for name, values in columns.items()})
    profile: dict[str, object] = {"spec": spec.to_dict(), "counts": b64encode(reference.to_bytes()).decode()}
    with services.store.transaction() as tx:
        tx.models.add(_version(size, profile))
    for number in range(size.endpoints):
        services.endpoints.create(name_of(number), "model:1", actor=actor)
        _fill_store(services.store, name_of(number), size, hourly.to_bytes())
    _fill_log(settings, size, rng)
    services.reader.close()


def _version(size: Size, profile: dict[str, object]) -> ModelVersion:
    contract = Contract(
        inputs=tuple(Field(name=name, datatype="FP64", minimum=-3.0, maximum=3.0) for name in size.names),
        outputs=(Field(name="label", datatype="BOOL"), Field(name="probabilities", datatype="FP64", shape=(2,))),
        task="binary",
        classes=(False, True),
    )
    return ModelVersion(
        name="model", version=1, digest="0" * 64, model_format="onnx", serving_digest="0" * 64, serving_format="onnx",
        placement="inline", contract=contract, created_at=START, created_by="bench", profile=profile,
    )  # fmt: skip


def _fill_store(store: object, endpoint: str, size: Size, blob: bytes) -> None:
    rows = size.rows_an_hour
    latency = np.bincount([log_histogram.index(900.0)] * rows, minlength=log_histogram.SIZE)
    hours = [START + number * HOUR for number in range(size.days * 24)]
    with store.transaction() as tx:  # type: ignore[attr-defined]  # the store of the services
        tx.service_hours.add_all(ServiceDelta(endpoint, "model:1", hour, rows, 1, rows, latency) for hour in hours)
        tx.profiles.merge_all(endpoint, {("model:1", hour): lambda _: blob for hour in hours})
        tx.verdicts.append(_verdicts(endpoint, size))


def _verdicts(endpoint: str, size: Size) -> list[Verdict]:
    found = []
    for day in range(size.days):
        start = START + day * DAY
        checks = [
            _check(f"drift.{name}", "input", "breach" if (number + day) % 20 == 0 else "ok", (number % 9) / 20)
            for number, name in enumerate(size.names)
        ]
        checks += [_check("failures", "service", "ok", 0.01), _check("latency_p99", "service", "ok", 12.0)]
        checks += [_check(name, "quality", "ok", 0.8) for name in ("roc_auc", "brier", "log_loss", "accuracy", "f1")]
        found += [
            Verdict(endpoint=endpoint, window_start=start, window_end=start + DAY, check=check, at=start + 2 * DAY)
            for check in checks
        ]
    return found


def _check(name: str, signal: str, outcome: str, value: float) -> Check:
    details = {"reason": "mean 13 on the reference, now 9; 24 % of the rows moved", "p_value": 0.0001, "psi": 0.3}
    return Check(
        name=name, signal=signal, version="model:1", outcome=outcome, value=value, rows=8_000,  # type: ignore[arg-type]
        expected="Jensen-Shannon distance under 0.08", details=details,
    )  # fmt: skip


def _fill_log(settings: Settings, size: Size, rng: np.random.Generator) -> None:
    """Rows of the first endpoint, a commit a day, and labels of a fifth of them."""
    log = DeltaLog(settings.log)
    rows = size.rows_an_hour * 24
    for day in range(size.days):
        at_us = int((START + day * DAY).timestamp() * 1e6) + np.sort(rng.integers(0, 86_400_000_000, rows))
        ids = uuids(rows, seed=day, at_us=at_us)
        log.append("predictions", name_of(0), _predictions(ids, at_us, size, rng), {"bench": day + 1})
        told = rng.random(rows) < _LABELLED
        log.append("labels", name_of(0), _labels(ids.filter(pa.array(told)), at_us[told], rng), {"bench": day + 1})


def _predictions(ids: pa.Array, at_us: np.ndarray, size: Size, rng: np.random.Generator) -> pa.Table:
    rows, times = len(ids), pa.array(at_us).cast(TIME)
    score = rng.random(rows)
    fixed: dict[str, object] = {
        "prediction_id": ids, "request_id": ids, "request_row": np.zeros(rows, dtype=np.int32), "at": times,
        "event_at": times, "assigned_version": ["model:1"] * rows, "version": ["model:1"] * rows,
        "role": ["champion"] * rows, "attempt_status": ["ok"] * rows, "unit": ids, "propensity": np.ones(rows),
        "latency_us": np.full(rows, 900), "model_us": np.full(rows, 30), "rows_in_batch": np.ones(rows, dtype=np.int32),
        "date": times.cast(pa.date32()),
    }  # fmt: skip
    known = {
        field.name: pa.array(fixed[field.name], field.type) if field.name in fixed else pa.nulls(rows, field.type)
        for field in PREDICTIONS
    }
    # Three digits, as measured values have them: random bits would not compress, and what reads them would be the disk.
    inputs = {f"input.{name}": np.round(rng.normal(size=rows), 3) for name in size.names}
    lists = pa.array(np.column_stack([1 - score, score]).tolist())
    return pa.table({**known, **inputs, "output.label": score > 0.5, "output.probabilities": lists})


def _labels(ids: pa.Array, at_us: np.ndarray, rng: np.random.Generator) -> pa.Table:
    rows, times = len(ids), pa.array(at_us).cast(TIME)
    happened = rng.random(rows) < 0.5
    fixed: dict[str, object] = {
        "prediction_id": ids, "label_text": np.where(happened, "true", "false"), "observed_at": times, "at": times,
        "label_number": happened.astype(np.float64), "source": ["natural"] * rows, "weight": np.ones(rows),
    }  # fmt: skip
    return pa.table(
        {
            field.name: pa.array(fixed[field.name], field.type) if field.name in fixed else pa.nulls(rows, field.type)
            for field in LABELS
        }
    )
