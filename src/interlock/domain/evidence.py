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
        first_failed_units: Those whose attempt failed for the first time in this release, on any side.
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
    first_failed_units: int | None = None


class StepCounts(msgspec.Struct, frozen=True, kw_only=True):
    """All that was counted for one version in one step at one propensity.

    `latency_counts` is empty where nothing was timed. `version` is empty and `propensity` 0 in what was counted before
    they were kept. `first_failed_units` have not failed in an earlier step, on either side; None where all may count.
    """

    release_id: str
    step: int
    is_challenger: bool
    units: int
    failed_units: int
    latency_counts: tuple[int, ...] = ()
    version: str = ""
    propensity: float = 0.0
    first_failed_units: int | None = None

    @property
    def new_failures(self) -> int:
        """Failed units to compare sides by: a unit that fails in every step is one failure, not one a step."""
        return self.failed_units if self.first_failed_units is None else self.first_failed_units
