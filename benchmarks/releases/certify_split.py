"""How exactly traffic is split, by every gateway alike, and whether going up moves anybody back.

Usage: `python -m benchmarks.releases.certify_split [--quick] [--runs 1000000] [--seed 1] [--write PAGE]`.

Units are assigned by the gateway's own function (`gateway.routing.choose`). Three further processes, each a Python
of its own with another hash seed, assign the same units, as a second gateway or one that was started anew does. Exit
code 1 if a share is off by more than four standard errors, a process assigns a unit otherwise, or a unit moves back.
"""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.releases import certificate
from interlock.domain.contract import Contract, Field
from interlock.domain.model import ModelVersion
from interlock.domain.ports import Columns
from interlock.domain.traffic import TrafficPlan
from interlock.gateway.routing import choose
from interlock.gateway.served import LoadedVersion, ServedEndpoint, serve

SHARES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999)
PROCESSES = 3
MOST_DEVIATIONS = 4.0

_CONTRACT = Contract(inputs=(Field(name="x", datatype="FP64"),), outputs=(Field(name="prediction", datatype="FP64"),))

Bools = NDArray[np.bool_]


class _Silent:
    """A model that is never asked."""

    rows_in_loop = 0

    def predict_now(self, columns: Columns) -> dict[str, Any]:
        raise NotImplementedError

    async def predict(self, columns: Columns, deadline_seconds: float) -> dict[str, Any]:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing to free."""


def served(share: float, salt: str) -> ServedEndpoint:
    """An endpoint as a gateway holds it."""
    plan = TrafficPlan(
        endpoint="e", generation=1, champion="m:1", challenger="m:2", traffic_share=share, salt=salt, release_id="r"
    )
    return serve(plan, {f"m:{number}": _loaded(number) for number in (1, 2)})


def _loaded(number: int) -> LoadedVersion:
    version = ModelVersion(
        name="m", version=number, digest="d", model_format="onnx", serving_digest="d", serving_format="onnx",
        placement="inline", contract=_CONTRACT, created_at=datetime.now(UTC), created_by="simulation",
    )  # fmt: skip
    return LoadedVersion(version, _Silent())


def assign(share: float, salt: str, units: int) -> Bools:
    """Whether each unit goes to the challenger."""
    endpoint = served(share, salt)
    return np.array([choose(endpoint, f"user-{number}").is_challenger for number in range(units)])


def digest(salt: str, units: int) -> str:
    """All assignments at all shares, as one short text."""
    found = hashlib.sha256()
    for share in SHARES:
        found.update(np.packbits(assign(share, salt, units)).tobytes())
    return found.hexdigest()


def elsewhere(salt: str, units: int, number: int) -> str:
    """The digest that another process finds."""
    code = f"from benchmarks.releases.certify_split import digest; print(digest({salt!r}, {units}))"
    environment = {**os.environ, "PYTHONHASHSEED": str(number + 1)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return run.stdout.strip()


def main() -> None:
    """Assign, print, and write into the page if asked to."""
    options = certificate.options(__doc__, runs=1_000_000, quick=50_000)
    units, salt = options.runs, f"release {options.seed}"
    lines, kept, before = [], True, np.zeros(units, dtype=np.bool_)
    for share in SHARES:
        found = assign(share, salt, units)
        count, back = int(found.sum()), int((before & ~found).sum())
        deviations = (count - units * share) / (units * share * (1 - share)) ** 0.5
        kept &= abs(deviations) <= MOST_DEVIATIONS and back == 0
        lines.append([f"{share:.1%}", f"{count:,}", f"{units * share:,.0f}", f"{deviations:+.2f}", str(back)])
        before = found
    own = digest(salt, units)
    same = sum(elsewhere(salt, units, number) == own for number in range(PROCESSES))
    kept &= same == PROCESSES
    text = (
        f"{units:,} units with keys, seed {options.seed}, and the share raised from line to line; {same} of "
        f"{PROCESSES} further processes assigned every unit at every share as this one did. A deviation is one of the "
        f"binomial distribution; promised: at most {MOST_DEVIATIONS:g}, and nobody is moved back."
    )
    head = ["share", "assigned", "due", "deviations", "moved back"]
    certificate.finish("certify_split", f"{text}\n\n{certificate.table(head, lines)}", options.write, kept=kept)


if __name__ == "__main__":
    main()
