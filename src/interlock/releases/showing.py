"""A release as people and scripts see it: the JSON that `docs` promise for `interlock release show`."""

from datetime import datetime
from typing import Any

import msgspec

from interlock.domain.release import Gate, Release

_GATE_FIELDS = (
    "metric", "version", "outcome", "scale", "estimate", "lower", "upper", "margin", "counts", "reason",
    "non_inferior", "details",
)  # fmt: skip


def show(release: Release, *, looks: int, now: datetime) -> dict[str, Any]:
    """Spell a release as plain JSON values.

    Args:
        release: As stored.
        looks: How many looks were kept.
        now: For the seconds of one that has not ended.
    """
    decision = release.decision
    return {
        "id": release.id,
        "endpoint": release.endpoint,
        "strategy": release.strategy,
        "state": release.state,
        "candidate": release.candidate,
        "candidates": list(release.candidates),
        "champion": release.champion,
        "step": release.step,
        "traffic_share": release.traffic_share,
        "shares": _shares(release),
        "withdrawn": release.withdrawn,
        "winner": release.winner,
        "decision": None if decision is None else msgspec.to_builtins(decision),
        "gates": [_gate(gate) for gate in release.gates],
        "watch": _watch(release),
        "steps": list(release.plan.steps),
        "approved_by": release.approved_by,
        "overridden": list(release.overridden),
        "looks": looks,
        "started_at": msgspec.to_builtins(release.created_at),
        "finished_at": msgspec.to_builtins(release.finished_at),
        "seconds": round(((release.finished_at or now) - release.created_at).total_seconds(), 1),
    }


def _shares(release: Release) -> dict[str, float]:
    """The share of each candidate now."""
    if release.state == "promoted":
        return {version: float(version == release.promoted) for version in release.candidates}
    if not release.compares_arms:
        return {release.candidate: release.traffic_share}
    now = release.shares if release.traffic_share else (0.0,) * len(release.candidates)
    return dict(zip(release.candidates, now, strict=True))


def _watch(release: Release) -> dict[str, Any] | None:
    """What came after the promotion."""
    watch = release.watch
    if watch is None:
        return None
    plain: dict[str, Any] = msgspec.to_builtins(watch)
    return {**plain, "gates": [_gate(gate) for gate in watch.gates]}


def _gate(gate: Gate) -> dict[str, Any]:
    plain = msgspec.to_builtins(gate)
    return {name: plain[name] for name in _GATE_FIELDS}
