"""Where a version comes from and where it went: rows, run, version, releases, endpoints; and the same of its parents.

Called by the control API. It reads what was written down when things happened, and infers nothing.
"""

from typing import Any

import msgspec

from interlock.domain.model import ModelVersion
from interlock.domain.run import Run
from interlock.store.database import Store
from interlock.store.transaction import Transaction

# A ring cannot be registered; a damaged store must not make an endless page.
_MOST = 1000

_OF_RUN = (
    "id", "endpoint", "state", "mode", "cause", "created_at", "created_by", "metrics", "data", "code", "judgement",
    "tracked",
)  # fmt: skip


class Lineage:
    """Ancestry of the versions of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, ref: str) -> list[dict[str, Any]]:
        """A version and its ancestors, the youngest first.

        Returns:
            For each `version`, `created_at`, `created_by`, `origin`, `facts` (what its lineage says), `data` (pin with
            digests, or the digest of its reference), `run`, `releases` and `endpoints` that it answers now.

        Raises:
            NotFoundError: There is no such version.
        """
        found: list[dict[str, Any]] = []
        with self._store.read() as tx:
            next_ref: str | None = ref
            while next_ref is not None and len(found) < _MOST:
                version = tx.models.get(next_ref)
                found.append(_described(tx, version))
                next_ref = version.lineage.get("parent")
        return found


def _described(tx: Transaction, version: ModelVersion) -> dict[str, Any]:
    lineage = version.lineage
    releases = [release for release in tx.releases.list() if version.ref in release.candidates]
    serving = [plan for plan in tx.plans.all_current() if version.ref in plan.shares]
    return {
        "version": version.ref,
        "created_at": version.created_at,
        "created_by": version.created_by,
        "digest": version.digest,
        "origin": lineage.get("origin"),
        "facts": {name: value for name, value in lineage.items() if name not in ("judgement", "code", "pin_digests")},
        "data": {"pin": lineage.get("pin"), "digests": lineage.get("pin_digests", {})},
        "run": _run(tx, version),
        "releases": [
            {
                "id": release.id,
                "endpoint": release.endpoint,
                "strategy": release.strategy,
                "state": release.state,
                "champion": release.champion,
                "created_at": release.created_at,
                "finished_at": release.finished_at,
            }
            for release in releases
        ],
        "endpoints": {plan.endpoint: "champion" if plan.champion == version.ref else "challenger" for plan in serving},
    }


def _run(tx: Transaction, version: ModelVersion) -> dict[str, Any] | None:
    id = version.lineage.get("run")
    run: Run | None = next((run for run in tx.runs.list() if run.id == id), None) if id else None
    if run is None:
        return None
    return {name: msgspec.to_builtins(getattr(run, name), enc_hook=str) for name in _OF_RUN}
