"""Models: register a version from uploads, list, show, compare contracts."""

import re
from pathlib import Path
from typing import Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from interlock.api.access import Actor, GuardedRoute, needs
from interlock.api.rendering import finite, plain
from interlock.api.services import Given
from interlock.domain import declaration
from interlock.domain.access import Key
from interlock.domain.contract_diff import diff
from interlock.domain.errors import ForbiddenError, InvalidInputError
from interlock.domain.model import ModelVersion, Runner
from interlock.domain.names import check_name, split_ref, version_ref
from interlock.registry.registration import Registration
from interlock.runtimes.frameworks import differences
from interlock.runtimes.remote_address import RemoteAddress

# A Python process with numpy holds some 50 MiB before it has loaded anything.
_LEAST_BYTES = 64 * 1024 * 1024
_MOST_SECONDS = 1800.0

router = APIRouter(prefix="/models", tags=["models"], route_class=GuardedRoute)


class NewVersion(BaseModel, extra="forbid"):
    """What a new version is made of. `source` and `reference` are ids of uploads.

    One of `source`, `entry` and `url` is given; `entry` may come with a `source`, the folder of its code.
    """

    source: str | None = None
    entry: str | None = Field(None, description="Python class, module.Class; needs trust_pickle")
    url: str | None = Field(None, description="model on another server; needs role admin")
    token_env: str | None = Field(None, description="the server's environment variable with the token for `url`")
    python: str | None = Field(None, description="interpreter that runs it, a path on the server; needs role admin")
    memory_bytes: int | None = Field(None, ge=_LEAST_BYTES, description="most memory that its process may hold")
    startup_seconds: float | None = Field(None, gt=0, le=_MOST_SECONDS, description="how long loading it may take")
    origin: str | None = Field(None, max_length=500, description="where the source came from, for people")
    reference: str | None = None
    label: str | None = Field(None, description="column of the reference that holds the label")
    trust_pickle: bool = Field(False, description="loading it runs code that came with it; needs role admin")
    compile: bool = Field(True, description="false: serve the original in its own process, look for no ONNX twin")
    parent: str | None = Field(None, description="version it was made from, NAME:VERSION")
    trained_on: str | None = Field(None, description="pinned version of a log it was trained on, ENDPOINT@NAME")
    contract: dict[str, Any] | None = Field(None, description="what is declared about the contract, as in its file")


@router.get("", **needs("read"))
def list_models(services: Given) -> dict[str, Any]:
    """Every version of every model, without profiles."""
    return {"models": [summary(version) for version in services.registry.list()]}


@router.get("/{name}", **needs("read"))
def list_versions(name: str, services: Given) -> dict[str, Any]:
    """The versions of one model."""
    services.registry.get(name)  # one that is not there is not one without versions
    return {"models": [summary(version) for version in services.registry.list(name)]}


@router.get("/{name}/versions/{version}", **needs("read"))
def show_version(name: str, version: int, services: Given) -> dict[str, Any]:
    """All that is known of a version."""
    return detail(services.registry.get(version_ref(name, version)))


@router.get("/{name}/versions/{version}/lineage", **needs("read"))
def show_lineage(name: str, version: int, services: Given) -> dict[str, Any]:
    """Where a version comes from and where it went, and the same of its ancestors, the youngest first."""
    return {"lineage": finite(plain(services.lineage.of(version_ref(name, version))))}


@router.get("/{name}/versions/{version}/diff/{other}", **needs("read"))
def diff_versions(name: str, version: int, other: str, services: Given) -> dict[str, Any]:
    """What a caller of `name:version` would notice if `other` (a version number, or NAME:VERSION) answered."""
    old = services.registry.get(version_ref(name, version))
    new = services.registry.get(
        other if ":" in other else version_ref(name, int(other)) if other.isdecimal() else other
    )
    found = diff(old.contract, new.contract)
    breaking = any(difference.kind == "breaking" for difference in found)
    return {"from": old.ref, "to": new.ref, "breaking": breaking, "differences": plain(found)}


@router.post("/{name}", status_code=201, **needs("operate"))
def register(name: str, new: NewVersion, actor: Actor, services: Given) -> dict[str, Any]:
    """Register a version: it is loaded, measured and checked in a process of its own, which can take a while."""
    check_name("model", name)
    _may_name(actor, new)
    entry, remote = _entry(new), _remote(new)
    uploads = [upload for upload in (new.source, new.reference) if upload is not None]
    try:
        reference: Path | None = services.staging.find(new.reference) if new.reference else None
        registration = Registration(
            name=name,
            source=services.staging.find(new.source) if new.source else None,
            reference=reference,
            label=new.label,
            trust_pickle=new.trust_pickle,
            compile=new.compile,
            entry=entry,
            remote=remote,
            runner=_runner(new),
            origin=new.origin or "",
            parent=_parent(new.parent),
            trained_on=new.trained_on,
            contract=declaration.parse(new.contract) if new.contract is not None else None,
            created_by=actor.name,
            role=actor.role,
        )
        return detail(services.registry.register(registration))
    finally:
        for upload in uploads:
            services.staging.discard(upload)


def summary(version: ModelVersion) -> dict[str, Any]:
    """The facts of a list's row."""
    shown = ("name", "version", "model_format", "serving_format", "placement", "row_us", "created_at", "created_by")
    return {"ref": version.ref, **{name: plain(getattr(version, name)) for name in shown}}


def detail(version: ModelVersion) -> dict[str, Any]:
    """Everything but the profile's counts, which only programs read."""
    everything: dict[str, Any] = msgspec.to_builtins(version)
    profile = everything.pop("profile")
    return {
        "ref": version.ref,
        **everything,
        "has_profile": profile is not None,
        "load_warnings": differences(version) if version.runner.python is None else (),
    }


def _may_name(actor: Key, new: NewVersion) -> None:
    """Code, programs and addresses are for administrators to name: the server runs or calls them.

    Raises:
        ForbiddenError: The key may not.
    """
    needing = {"trust pickles": new.trust_pickle, "name an interpreter": new.python, "name a server": new.url}
    for what, is_asked in needing.items():
        if is_asked and not actor.may("admin"):
            raise ForbiddenError(f"key {actor.name!r} (role {actor.role}) may not {what}; that needs role admin")


def _entry(new: NewVersion) -> str:
    if new.entry is None:
        return ""
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", new.entry):
        raise InvalidInputError(f"entry == {new.entry!r}, must look like module.Class")
    return new.entry


def _remote(new: NewVersion) -> RemoteAddress | None:
    if new.url is None:
        if new.token_env is not None:
            raise InvalidInputError("token_env is for sources like http://host/v2/models/x only; leave it out")
        return None
    if new.source is not None or new.entry is not None:
        raise InvalidInputError("url is given beside source or entry; give one of them")
    return RemoteAddress(url=new.url, token_env=new.token_env)


def _runner(new: NewVersion) -> Runner:
    return Runner(python=new.python, memory_bytes=new.memory_bytes, startup_seconds=new.startup_seconds)


def _parent(ref: str | None) -> str | None:
    return version_ref(*split_ref(ref)) if ref else None
