"""Registering and looking up model versions.

Called by the API and by the demo. The heavy part runs outside any transaction; its result, the version's number and the
audit entry are one transaction.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from interlock.domain.contract_diff import diff
from interlock.domain.errors import NotFoundError
from interlock.domain.model import ModelVersion
from interlock.domain.names import check_name
from interlock.domain.pin import split_pin
from interlock.registry.artifacts import ArtifactStore
from interlock.registry.register import Examiner, Registered, examine_apart, register
from interlock.registry.registration import Candidate, Registration
from interlock.runtimes import interpreter
from interlock.store.database import Store
from interlock.store.transaction import Transaction


class Registry:
    """Model versions of one store.

    Args:
        artifacts: Folder of artifacts, by digest.
        clock: Aware UTC now.
        examiner: How models are examined: in a process of their own.
    """

    def __init__(
        self, store: Store, artifacts: Path, clock: Callable[[], datetime], *, examiner: Examiner = examine_apart
    ) -> None:
        self._store, self._artifacts, self._clock = store, ArtifactStore(artifacts), clock
        self._examiner = examiner

    def register(self, request: Registration) -> ModelVersion:
        """Examine a model and store it as the next version of its name. Takes seconds.

        Raises:
            InvalidInputError: A name, path, or the reference is wrong.
            UnloadableModelError: The source is not a model that can be served.
            NotFoundError: There is no such parent, or no such pin.
        """
        return self.add(self.examine(request))

    def examine(self, request: Registration) -> Candidate:
        """Examine and store a model that may become a version: it can be asked, and is known to nobody.

        Raises:
            InvalidInputError, UnloadableModelError, NotFoundError: As for `register`.
        """
        check_name("model", request.name)
        if request.runner.python is not None:
            interpreter.check(request.runner.python)
        if request.remote is not None:
            request.remote.check()
        parent = self.get(request.parent) if request.parent else None
        with self._store.read() as tx:
            _pinned(tx, request.trained_on)
        found = register(request, self._artifacts, self._examiner)
        version = _version(request, found, 0, self._clock(), parent)
        return Candidate(
            version=version,
            role=request.role,
            details=_audited(request, version),
            trained_on=request.trained_on,
        )

    def add(
        self, candidate: Candidate, also: Callable[[Transaction, ModelVersion], None] | None = None
    ) -> ModelVersion:
        """Make a candidate the next version of its name.

        Args:
            candidate: As examined.
            also: What is written in the same transaction, or not at all.

        Raises:
            NotFoundError: The pin that it was trained on is gone.
        """
        with self._store.transaction() as tx:
            examined, now = candidate.version, self._clock()
            version = msgspec.structs.replace(
                examined,
                version=tx.models.next_version(examined.name),
                created_at=now,
                lineage=examined.lineage | _pinned(tx, candidate.trained_on),
            )
            tx.models.add(version)
            tx.audit.append(now, version.created_by, candidate.role, "model.register", version.ref, candidate.details)
            if also is not None:
                also(tx, version)
        return version

    def discard(self, candidate: Candidate) -> None:
        """Let go of what was stored for a candidate that became no version."""
        with self._store.read() as tx:
            needed = {digest for each in tx.models.list() for digest in (each.digest, each.serving_digest)}
        for digest in {candidate.version.digest, candidate.version.serving_digest} - needed:
            self._artifacts.discard(digest)

    def get(self, ref: str) -> ModelVersion:
        """A version by `name:version`, or the newest of a name.

        Raises:
            NotFoundError: There is none.
        """
        with self._store.read() as tx:
            if ":" in ref:
                return tx.models.get(ref)
            versions = tx.models.list(ref)
            if not versions:
                raise NotFoundError("model", ref, sorted({version.name for version in tx.models.list()}))
            return versions[-1]

    def sizes(self, version: ModelVersion) -> dict[str, int]:
        """Bytes of a version's files, by digest: of the artifact and of its twin. Those that are gone are left out."""
        paths = {digest: self._artifacts.path(digest) for digest in (version.digest, version.serving_digest) if digest}
        return {digest: path.stat().st_size for digest, path in paths.items() if path.is_file()}

    def list(self, name: str | None = None) -> list[ModelVersion]:
        """All versions, or those of one name, oldest first."""
        with self._store.read() as tx:
            return tx.models.list(name)


def _pinned(tx: Transaction, trained_on: str | None) -> dict[str, Any]:
    """What the lineage says of the data that a version was trained on."""
    if trained_on is None:
        return {}
    pin = tx.pins.get(*split_pin(trained_on))
    return {"pin": pin.ref, "pin_digests": {kind: table.digest for kind, table in pin.tables.items()}}


def _audited(request: Registration, version: ModelVersion) -> dict[str, Any]:
    """What the audit log says of a registration."""
    details: dict[str, Any] = {
        "digest": version.digest,
        "format": version.model_format,
        "placement": version.placement,
        **_named_by(request),
    }
    if request.contract is not None:
        details["declared"] = {
            f"{side}.{name}": said.given()
            for side, fields in (("inputs", request.contract.inputs), ("outputs", request.contract.outputs))
            for name, said in fields.items()
        }
    return details


def _named_by(request: Registration) -> dict[str, str]:
    """What a person named for the server to run or to call, for the audit log."""
    remote = request.remote
    named = {
        "entry": request.entry,
        "python": request.runner.python,
        "url": remote.url if remote else None,
        "token_env": remote.token_env if remote else None,
    }
    return {name: value for name, value in named.items() if value}


def _version(
    request: Registration, found: Registered, number: int, now: datetime, parent: ModelVersion | None
) -> ModelVersion:
    result = found.examination
    lineage, warnings = {**result.lineage, **request.lineage}, list(result.warnings)
    if request.origin:
        lineage["origin"] = request.origin
    if parent is not None:
        changes = diff(parent.contract, result.contract)
        lineage["parent"] = parent.ref
        warnings += [f"breaks callers of {parent.ref}: {one.what}" for one in changes if one.kind == "breaking"]
    return ModelVersion(
        name=request.name,
        version=number,
        digest=found.digest,
        model_format=result.model_format,
        serving_digest=found.serving_digest,
        serving_format=result.serving_format,
        placement=result.placement,
        contract=result.contract,
        created_at=now,
        created_by=request.created_by,
        row_us=result.row_us,
        parity=result.parity,
        profile=result.profile,
        frameworks=result.frameworks,
        lineage=lineage,
        warnings=tuple(warnings),
        entry=request.entry,
        runner=request.runner,
    )
