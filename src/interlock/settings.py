"""Environment and command line become one frozen `Settings`. Read once; nothing else looks at the environment."""

import os
from dataclasses import dataclass, field
from pathlib import Path

RUNNER_MEMORY = "INTERLOCK_RUNNER_MEMORY_BYTES"
"""How parts and their runner processes are told of `runner_memory_bytes`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where everything lives and listens.

    Args:
        home: The folder that holds everything. Default `./.interlock`, or `INTERLOCK_HOME`.
        host: Address both ports bind to. Loopback by default.
        port: Gateway port; 0 lets the system choose.
        control_port: Control port; 0 lets the system choose.
        grpc_port: Port for gRPC; 0 lets the system choose, None is no gRPC.
        tls_cert, tls_key: Certificate chain and key (PEM) of all ports; None is plain HTTP.
        workers: Gateway worker processes.
        no_auth: Every caller acts as admin. Loopback only.
        allowed_hosts: Further host names that requests may carry, besides loopback's and `host`.
        default_endpoint: The endpoint that answers `/invocations`; by default the only one there is.
        max_body_bytes: Larger requests are refused with 413 before they are read.
        rejected_samples: Bodies of refused requests kept for each endpoint and hour, for a day; 0 keeps none.
        runner_memory_bytes: Most memory of a model's process, where its version does not say; 0: half of the machine's.
        mqtt_url: Broker that devices speak to: `mqtt://USER:PASSWORD@HOST:1883/PREFIX`. Default: none.
        store_url: SQLAlchemy URL of the control-plane store. Default: SQLite in the home folder.
    """

    home: Path = field(default_factory=lambda: Path(os.environ.get("INTERLOCK_HOME", ".interlock")).resolve())
    host: str = "127.0.0.1"
    port: int = 8080
    control_port: int = 8081
    grpc_port: int | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    workers: int = 1
    no_auth: bool = False
    allowed_hosts: tuple[str, ...] = ()
    default_endpoint: str | None = None
    max_body_bytes: int = 16 * 1024 * 1024
    rejected_samples: int = 20
    runner_memory_bytes: int = 0
    store_url: str = ""
    mqtt_url: str = ""

    @property
    def tls_files(self) -> tuple[Path, Path] | None:
        """Certificate and key, if there are any."""
        return (self.tls_cert, self.tls_key) if self.tls_cert is not None and self.tls_key is not None else None

    @property
    def database_url(self) -> str:
        return self.store_url or f"sqlite:///{self.home / 'store.db'}"

    @property
    def artifacts(self) -> Path:
        """Artifacts by SHA-256: a file `artifacts/<hex>` each (folders are stored as tar)."""
        return self.home / "artifacts"

    @property
    def spools(self) -> Path:
        """One folder per gateway worker slot."""
        return self.home / "spool"

    @property
    def gateway_state(self) -> Path:
        """What each gateway slot needs to start without the store."""
        return self.home / "gateway"

    @property
    def log(self) -> Path:
        """Delta tables: `predictions/E`, `scores/E`, `labels/E`; below `pins/E/NAME` the same for each pin."""
        return self.home / "log"

    @property
    def mqtt_state(self) -> Path:
        """What the subscriber to a broker says of its connection."""
        return self.run / "mqtt.json"

    @property
    def unit_key(self) -> Path:
        """Key of the hashes by which the audit log names units that were forgotten."""
        return self.home / "unit.key"

    @property
    def held_out(self) -> Path:
        """Files of rows for application tests, by name."""
        return self.home / "held-out"

    @property
    def runs(self) -> Path:
        """A folder for each run of retraining: its log, what its trainer kept, its rows while it runs."""
        return self.home / "runs"

    @property
    def learners(self) -> Path:
        """A folder for each endpoint that learns online: what was learnt since the last snapshot, and what was said."""
        return self.home / "learners"

    @property
    def run(self) -> Path:
        """Files that only matter while the processes run: addresses, metrics, staging."""
        return self.home / "run"
