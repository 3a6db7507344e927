"""A model version: immutable, addressed by content, with the contract it keeps and the facts it came with."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from interlock.domain.contract import Contract
from interlock.domain.names import VersionRef, version_ref

ModelFormat = Literal[
    "onnx",
    "skops",
    "pickle",
    "mlflow",
    "python",
    "torch_export",
    "torchscript",
    "xgboost",
    "lightgbm",
    "river",
    "remote",
]
Placement = Literal["inline", "thread", "isolated", "remote"]


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """What the process of an isolated version is started with. None is the server's default.

    Args:
        python: Path of the interpreter, on the servers' machines.
        memory_bytes: Most memory that it may hold.
        startup_seconds: How long loading the model may take.
    """

    python: str | None = None
    memory_bytes: int | None = None
    startup_seconds: float | None = None


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that the compiled twin answers like the original, on `rows` reference and edge rows.

    `proven` is what serving looks at; `reason` says why a twin is not used.
    """

    proven: bool
    rows: int = 0
    worst_difference: float | None = None
    worst_row: dict[str, Any] | None = None
    reason: str = ""


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One registered version.

    Args:
        name, version: `wine`, 3. Versions of a name count 1, 2, 3, ...
        digest: SHA-256 (hex) of the artifact as registered.
        model_format: How the artifact is stored.
        serving_digest: SHA-256 of the file that serves: the proven ONNX twin, or the artifact itself.
        serving_format: Its format.
        placement: Where it runs. `inline` and `thread` only for ONNX whose time was measured at registration; `remote`
            is a server of somebody else.
        row_us: Measured microseconds for one row, at registration.
        contract: What it takes and gives.
        parity: Report on the twin, if one was tried.
        profile: The reference profile: `{"spec": ..., "counts": base64 of Profile.to_bytes()}`, or None.
        frameworks: Name to version of what it was registered with, in the interpreter that runs it.
        entry: `module.Class` of a Python class; else empty.
        runner: What its process is started with, where it is isolated.
        lineage: Free facts: parent, code version, run, training data, metrics.
        warnings: What registration noticed and a person should read.
    """

    name: str
    version: int
    digest: str
    model_format: ModelFormat
    serving_digest: str
    serving_format: ModelFormat
    placement: Placement
    contract: Contract
    created_at: datetime
    created_by: str
    row_us: float | None = None
    parity: Parity | None = None
    profile: dict[str, Any] | None = None
    frameworks: dict[str, str] = {}
    lineage: dict[str, Any] = {}
    warnings: tuple[str, ...] = ()
    entry: str = ""
    runner: Runner = Runner()

    @property
    def ref(self) -> VersionRef:
        return version_ref(self.name, self.version)
