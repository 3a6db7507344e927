"""What the collector counts for the gates of a release: units, not rows, by step and by the version assigned."""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class StepDelta:
    """What one segment adds to the counts of one step of a release.

    Args:
        units: Units (requests where no key was sent) assigned to this version that were not counted before.
        failed_units: Those whose attempt failed for the first time in this step.
        latency: Requests per bin of `stats.log_histogram`, shape (SIZE,).
    """

    release_id: str
    step: int
    is_challenger: bool
    units: int
    failed_units: int
    latency: NDArray[np.int64]


class StepCounts(msgspec.Struct, frozen=True, kw_only=True):
    """All that was counted for one version in one step. `latency_counts` is empty where nothing was timed."""

    release_id: str
    step: int
    is_challenger: bool
    units: int
    failed_units: int
    latency_counts: tuple[int, ...] = ()
