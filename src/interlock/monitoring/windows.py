"""Profiles of live traffic by hour, and the windows that are cut from them.

Called by the report and by the monitoring loop: hours are read once, every window is a merge. The cost grows with the
number of hours, never with the rows in them.
"""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from interlock.domain.model import ModelVersion
from interlock.stats.profile import Profile, count_all, merge_all
from interlock.stats.profile_bins import ProfileSpec

Counts = NDArray[np.int64]

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Reference:
    """What a version was measured against at registration: the bins, and the profile of the reference rows."""

    version: str
    spec: ProfileSpec
    profile: Profile

    @classmethod
    def of(cls, version: ModelVersion) -> "Reference | None":
        """Read a version's reference profile; None if it was registered without reference data.

        Raises:
            ValueError, KeyError, TypeError: The profile is damaged.
        """
        if version.profile is None:
            return None
        spec = ProfileSpec.from_dict(version.profile["spec"])
        return cls(version.ref, spec, Profile.from_bytes(spec, b64decode(version.profile["counts"])))


@dataclass(frozen=True)
class Hours:
    """The hourly profiles of one version, in order of time, as stored.

    `counts` holds the rows per bin of every hour, shape (hours, spec.size), so that a window of any length is a sum.
    """

    spec: ProfileSpec
    starts: tuple[datetime, ...]
    blobs: tuple[bytes, ...]
    counts: Counts

    @classmethod
    def read(cls, spec: ProfileSpec, blobs: Sequence[tuple[datetime, bytes]]) -> "Hours":
        """Unpack stored profiles, given by hour.

        Raises:
            ValueError: One is damaged or was made with other bins.
        """
        stored = tuple(blob for _, blob in blobs)
        return cls(spec, tuple(hour for hour, _ in blobs), stored, count_all(spec, stored))

    def window(self, start: datetime, end: datetime) -> "Hours":
        """The hours from `start` up to but not with `end`."""
        kept = [number for number, hour in enumerate(self.starts) if start <= hour < end]
        first, last = (kept[0], kept[-1] + 1) if kept else (0, 0)
        return Hours(self.spec, self.starts[first:last], self.blobs[first:last], self.counts[first:last])

    def merged(self) -> Profile:
        """All hours as one profile."""
        return merge_all(self.spec, self.blobs)

    def pieces(self, start: datetime, length: timedelta, number: int) -> Counts:
        """Rows per bin of `number` consecutive stretches of time of equal length, shape (number, spec.size)."""
        total = np.zeros((number, self.spec.size), dtype=np.int64)
        where = np.array([(hour - start) // length for hour in self.starts], dtype=np.int64)
        for piece in np.unique(where[(where >= 0) & (where < number)]):
            total[piece] = self.counts[where == piece].sum(axis=0)
        return total
