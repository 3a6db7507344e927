"""Which images the rows of a log name, in every data file that may still be read.

Used by erasure and upkeep, which delete images that nothing names.
"""

from collections.abc import Collection, Iterable
from itertools import groupby

import pyarrow.parquet as pq

from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.relations import connect, quoted, text
from interlock.predictions.unit_traces import data_files
from interlock.stats import image_descriptors

_MEMORY = "512MB"


def named(logs: Iterable[DeltaLog], endpoint: str, *, units: Collection[str] | None = None) -> set[str]:
    """Names of image files.

    Args:
        logs: The log, and the pins on it.
        endpoint: Whose predictions.
        units: Only of rows of these; None for all.
    """
    found: set[str] = set()
    with connect(memory=_MEMORY) as database:
        for log in logs:
            files = sorted((_columns(str(file)), str(file)) for file in data_files(log, "predictions", endpoint))
            for columns, some in groupby(files, lambda each: each[0]):
                listed = ", ".join(text(file) for _, file in some)
                for column in columns:
                    query = f"SELECT DISTINCT {quoted(column)} FROM read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608
                    rows = (
                        database.execute(query)
                        if units is None
                        else database.execute(f"{query} WHERE unit IN (SELECT unnest(?))", [list(units)])
                    )
                    found.update(name for (name,) in rows.fetchall() if name is not None)
    return found


def _columns(file: str) -> tuple[str, ...]:
    """Columns with the names of images: those that have descriptors."""
    names = set(pq.read_schema(file).names)
    first = image_descriptors.NAMES[0]
    return tuple(sorted(name.removesuffix(f".{first}") for name in names if name.endswith(f".{first}")))
