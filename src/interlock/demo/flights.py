"""The demo's data: the flights that left New York in 2013, as a model could have seen them at scheduled departure.

Called by the demo's story, which sends one request per flight and delivers the label at landing, and by its models.
PROVENANCE.md beside it says where the file comes from. The month is no feature: a model would learn it by heart.
"""

from datetime import date
from importlib.resources import files
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

WEATHER = ("temp", "humid", "wind_speed", "precip", "visib", "pressure")
FEATURES = ("hour", "minute", "day_of_week", "distance", "carrier", "origin", "dest", *WEATHER)
LABEL = "late"


def load() -> pa.Table:
    """Read all flights that arrived, in order of scheduled departure.

    Returns:
        A row per flight with the columns of `FEATURES`, the label `late` (more than 15 minutes late at the gate),
        `scheduled_at` and `landed_at` (aware UTC) and `local_date` (the date in New York). Weather may be null.

    Examples:
        >>> flights = load()
        >>> flights.num_rows, flights["scheduled_at"][0].as_py().isoformat()
        (327346, '2013-01-01T10:15:00+00:00')
        >>> flights.select(["hour", "minute", "day_of_week", "temp", "late"]).slice(0, 1).to_pylist()
        [{'hour': 5, 'minute': 15, 'day_of_week': 1, 'temp': 39.02, 'late': False}]
    """
    stored = pq.read_table(BytesIO(files("interlock.demo").joinpath("flights.parquet").read_bytes()))
    # The offset is stored so that no time-zone database is needed, which slim containers lack.
    local = pc.add(stored["scheduled_at"].cast(pa.timestamp("s")), _duration(stored["utc_offset_hours"], 3600))
    columns = {
        "scheduled_at": stored["scheduled_at"],
        "landed_at": pc.add(stored["scheduled_at"], _duration(stored["landed_after_minutes"], 60)),
        "local_date": local.cast(pa.date32()),
        "hour": pc.hour(local),
        "minute": pc.minute(local),
        "day_of_week": pc.day_of_week(local),
        "distance": stored["distance"].cast(pa.float64()),
        **{name: stored[name] for name in ("carrier", "origin", "dest")},
        # Back to the two decimals of the source: float32 keeps 39.02 as 39.0200005, which is no number to show.
        **{name: pc.round(stored[name].cast(pa.float64()), 2) for name in WEATHER},
        LABEL: stored[LABEL],
    }
    return pa.table(columns)


def between(table: pa.Table, start: date, end: date) -> pa.Table:
    """Keep the flights scheduled on local dates from `start` to `end`, both included.

    Examples:
        >>> between(load(), date(2013, 6, 1), date(2013, 6, 30)).num_rows
        27075
    """
    day = table["local_date"]
    return table.filter(pc.and_(pc.greater_equal(day, pa.scalar(start)), pc.less_equal(day, pa.scalar(end))))


def sample(table: pa.Table, share: float, seed: int) -> pa.Table:
    """Keep a random part of the flights, still in order of scheduled departure.

    Args:
        share: Part of the rows to keep, above 0 and up to 1; the number kept is rounded.

    Raises:
        ValueError: `share` is not above 0 and up to 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share == {share}, must be above 0 and at most 1")
    kept = np.random.default_rng(seed).choice(table.num_rows, size=round(share * table.num_rows), replace=False)
    return table.take(pa.array(np.sort(kept)))


def split(table: pa.Table, share: float, seed: int) -> tuple[pa.Table, pa.Table]:
    """Divide the flights at random: those to train on, and `share` of them held out. Both in order of departure."""
    held_out = np.random.default_rng(seed).random(table.num_rows) < share
    return table.filter(pa.array(~held_out)), table.filter(pa.array(held_out))


def _duration(amounts: pa.ChunkedArray, seconds: int) -> pa.ChunkedArray:
    return pc.multiply(amounts.cast(pa.int64()), seconds).cast(pa.duration("s"))
