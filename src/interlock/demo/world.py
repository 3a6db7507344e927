"""A change of the world that the data do not have: works on the runways of Newark, planted, and said to be planted.

Called by the demo's story before the year is replayed. It changes what happens to flights and nothing of what is known
when they are asked about, so that only labels can show it.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from interlock.demo.flights import LABEL

CHANGED_AT = datetime(2013, 10, 1, tzinfo=UTC)
"""Scheduled departures from then on are changed."""

AIRPORT = "EWR"
SHARE = 0.9
"""Of the airport's flights that would have been in time."""

DELAY = timedelta(minutes=30)
"""How much later those land."""

SENTENCE = (
    "Planted, and not in the data: from 1 October works on its runways make nine in ten flights out of Newark late "
    "that were in time. Nothing that is known at departure shows it."
)


def changed(flights: pa.Table, seed: int) -> pa.Table:
    """Make flights late, and land later.

    Args:
        flights: As `flights.load` gives them.
        seed: Chooses which.

    Examples:
        >>> from interlock.demo import flights
        >>> autumn = flights.load().slice(250_000)
        >>> round(pc.mean(autumn["late"].cast(pa.int8())).as_py(), 2)
        0.23
        >>> round(pc.mean(changed(autumn, 0)["late"].cast(pa.int8())).as_py(), 2)
        0.47
    """
    hit = pc.and_(_is_changed(flights), pa.array(np.random.default_rng(seed).random(flights.num_rows) < SHARE))
    later = pc.if_else(hit, pc.add(flights["landed_at"], pa.scalar(DELAY)), flights["landed_at"])
    columns = {LABEL: pc.or_(flights[LABEL], hit), "landed_at": later.cast(flights["landed_at"].type)}
    for name, values in columns.items():
        flights = flights.set_column(flights.column_names.index(name), name, values)
    return flights


def _is_changed(flights: pa.Table) -> pa.ChunkedArray:
    is_there = pc.and_(
        pc.equal(flights["origin"], AIRPORT), pc.greater_equal(flights["scheduled_at"], pa.scalar(CHANGED_AT))
    )
    return pc.and_(is_there, pc.invert(flights[LABEL]))
