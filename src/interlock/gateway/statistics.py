"""How versions were served, in the shape of Triton's statistics extension.

Called for `/v2/models/.../stats` and its gRPC twin. The numbers are those of `/metrics`: of all workers, since the
server started. What Triton divides further is told where it is measured: `queue` is all that a request took outside
its model, `compute_infer` the model; preparing input and output is part of the first and not measured alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.samples import Sample

Counts = Mapping[tuple[str, str], float]
"""By version and, where a count has one more label, that label's value; else ''."""

_NAMES = {
    "interlock_requests_total": "code",
    "interlock_answered_rows_total": "",
    "interlock_request_seconds_sum": "",
    "interlock_model_seconds_count": "",
    "interlock_waited_seconds_total": "",
    "interlock_last_answer_timestamp_seconds": "",
    "interlock_fallbacks_total": "",
    "interlock_failed_requests_total": "",
    "interlock_failed_request_seconds_total": "",
    "interlock_batches_total": "rows",
    "interlock_batch_model_seconds_total": "rows",
}


def of_endpoint(samples: Iterable[Sample], endpoint: str, versions: Iterable[str]) -> list[dict[str, Any]]:
    """One `$model_stat` a version.

    Args:
        samples: All counts.
        versions: Those to tell of, asked or not.
    """
    found: dict[str, dict[tuple[str, str], float]] = defaultdict(lambda: defaultdict(float))
    for sample in samples:
        if sample.name in _NAMES and sample.labels.get("endpoint") == endpoint:
            key = (sample.labels.get("version", ""), sample.labels.get(_NAMES[sample.name], ""))
            is_time = sample.name.endswith("timestamp_seconds")
            there = found[sample.name]
            there[key] = max(there[key], sample.value) if is_time else there[key] + sample.value
    return [_of_version(found, endpoint, version) for version in versions]


def _of_version(found: Mapping[str, Counts], endpoint: str, version: str) -> dict[str, Any]:
    def count(name: str, more: str = "") -> float:
        return found[f"interlock_{name}"].get((version, more), 0.0)

    requests = int(count("requests_total", "200"))
    total, waited = count("request_seconds_sum"), count("waited_seconds_total")
    failures = int(count("failed_requests_total") + count("fallbacks_total"))
    return {
        "name": endpoint,
        "version": version,
        "last_inference": int(count("last_answer_timestamp_seconds") * 1000),
        "inference_count": int(count("answered_rows_total")),
        "execution_count": int(count("model_seconds_count")),
        "inference_stats": {
            "success": _duration(requests, total),
            "fail": _duration(failures, count("failed_request_seconds_total")),
            "queue": _duration(requests, waited),
            "compute_input": _duration(0, 0),
            "compute_infer": _duration(requests, max(0.0, total - waited)),
            "compute_output": _duration(0, 0),
            "cache_hit": _duration(0, 0),
            "cache_miss": _duration(0, 0),
        },
        "batch_stats": _batches(found, version),
    }


def _batches(found: Mapping[str, Counts], version: str) -> list[dict[str, Any]]:
    batches, seconds = found["interlock_batches_total"], found["interlock_batch_model_seconds_total"]
    sizes = sorted(int(rows) for named, rows in batches if named == version)
    return [
        {
            "batch_size": size,
            "compute_input": _duration(0, 0),
            "compute_infer": _duration(int(batches[version, str(size)]), seconds.get((version, str(size)), 0.0)),
            "compute_output": _duration(0, 0),
        }
        for size in sizes
    ]


def _duration(count: int, seconds: float) -> dict[str, int]:
    return {"count": count, "ns": round(seconds * 1e9)}
