"""What a caller asks for, and what the examination in a process of its own found out."""

from pathlib import Path
from typing import Any

import msgspec

from interlock.domain.access import Role
from interlock.domain.contract import Contract
from interlock.domain.declaration import Declaration
from interlock.domain.model import ModelFormat, ModelVersion, Parity, Placement, Runner
from interlock.runtimes.remote_address import RemoteAddress


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A model to register.

    Args:
        name: The model's name; the version is the next free one.
        source: File or folder on this machine; of a Python class its code, None where it is installed.
        reference: Parquet or CSV file of rows like those that will be served, not trained on.
        label: Column of the reference that holds the truth.
        trust_pickle: Whether loading may run code: from the file, or of the class.
        compile: Whether to look for an ONNX twin; without one the original serves, in a process of its own.
        contract: What a person declares about the contract.
        entry: `module.Class` of a Python class.
        remote: A server that answers in place of a file.
        runner: What its process is started with.
        origin: Where the caller got the source from, like `models:/wine/3`; for people.
        parent: `name:version` that this one descends from.
        trained_on: Pinned version of a log that it was trained on, `endpoint@name`.
        lineage: Further facts of where it comes from.
        created_by, role: The key that asks, for the audit log.
    """

    name: str
    source: Path | None = None
    reference: Path | None = None
    label: str | None = None
    trust_pickle: bool = False
    compile: bool = True
    contract: Declaration | None = None
    entry: str = ""
    remote: RemoteAddress | None = None
    runner: Runner = Runner()
    origin: str = ""
    parent: str | None = None
    trained_on: str | None = None
    lineage: dict[str, Any] = {}
    created_by: str = "local"
    role: Role = "admin"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What the examining process is given. `stored` is the artifact; `source_name` says what the user called it.

    Paths are texts, as JSON has them.
    """

    stored: str
    source_name: str
    staging: str
    reference: str | None = None
    label: str | None = None
    trust_pickle: bool = False
    compile: bool = True
    contract: Declaration | None = None
    entry: str = ""
    remote: RemoteAddress | None = None
    runner: Runner = Runner()


class Examination(msgspec.Struct, frozen=True, kw_only=True, tag="examination"):
    """What the examining process found out. `serving_file`: what serves, where that is not the artifact itself."""

    model_format: ModelFormat
    serving_format: ModelFormat
    serving_file: str | None
    placement: Placement
    contract: Contract
    row_us: float | None
    parity: Parity | None
    profile: dict[str, Any] | None
    frameworks: dict[str, str]
    lineage: dict[str, Any]
    warnings: tuple[str, ...]


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """Why the examining process refuses: the class of error by name, and its faults."""

    error: str
    faults: tuple[str, ...]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was examined and stored, and is no version yet.

    Args:
        version: As it would be, with the number 0.
        role: Of the key that asked; `system` for a part of the server.
        details: For the audit log.
        trained_on: As in `Registration`.
    """

    version: ModelVersion
    role: str
    details: dict[str, Any] = {}
    trained_on: str | None = None
