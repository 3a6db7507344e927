"""Traffic made up hour by hour, and the reference it is compared with."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from interlock.monitoring.drift import DriftWindow
from interlock.monitoring.windows import Hours, Reference
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import learn

START = datetime(2013, 4, 1, tzinfo=UTC)

HourColumns = Sequence[Mapping[str, Any]]
CutWindow = Callable[..., DriftWindow]


@pytest.fixture
def cut_window() -> CutWindow:
    """Cut the last `hours` of traffic that is given hour by hour; the traffic before is its past."""

    def cut(
        reference: Mapping[str, Any], traffic: HourColumns, kinds: Mapping[str, str], hours: int = 24
    ) -> DriftWindow:
        spec = learn(reference, kinds)
        profile = Profile(spec)
        profile.update(reference)
        blobs = []
        for number, columns in enumerate(traffic):
            hour = Profile(spec)
            hour.update(columns)
            if hour.rows:
                blobs.append((START + timedelta(hours=number), hour.to_bytes()))
        end = START + timedelta(hours=len(traffic))
        read = Hours.read(spec, blobs)
        return DriftWindow.cut(Reference("m:1", spec, profile), read, end - timedelta(hours=hours), end)

    return cut


def by_hour(columns: Mapping[str, Any], rng: np.random.Generator, hours: int = 24) -> list[dict[str, Any]]:
    """Spread rows over hours at random."""
    rows = len(next(iter(columns.values())))
    where = rng.integers(0, hours, rows)
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    return [{name: values[where == hour] for name, values in arrays.items()} for hour in range(hours)]


@pytest.fixture
def spread() -> Callable[..., list[dict[str, Any]]]:
    """Spread rows over hours at random: `spread(columns, rng, hours=24)`."""
    return by_hour
