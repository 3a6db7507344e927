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
        version: Which, where there are several challengers.
        propensity: With which these units were assigned.
    """

    release_id: str
    step: int
    is_challenger: bool
    units: int
    failed_units: int
    latency: NDArray[np.int64]
    version: str = ""
    propensity: float = 0.0


class StepCounts(msgspec.Struct, frozen=True, kw_only=True):
    """All that was counted for one version in one step at one propensity.

    `latency_counts` is empty where nothing was timed. `version` is empty and `propensity` 0 in what was counted before
    they were kept.
    """

    release_id: str
    step: int
    is_challenger: bool
    units: int
    failed_units: int
    latency_counts: tuple[int, ...] = ()
    version: str = ""
    propensity: float = 0.0
