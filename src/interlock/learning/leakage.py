"""Whether rows that a model is judged on stand among those it learnt from.

Called before training. Cut by time, one event logged or labelled twice can still lie on both sides; so can rows that
repeat by nature. It counts, and says nothing of why.
"""

from pathlib import Path

import pyarrow.parquet as pq

from interlock.predictions.relations import connect, quoted, text

_MEMORY = "512MB"


def duplicates(training: Path, held_out: Path) -> int:
    """Held-out rows all of whose inputs stand, with the same values, in a training row.

    Args:
        training, held_out: Parquet files with columns `input.<name>`.
    """
    inputs = [name for name in pq.read_schema(held_out).names if name.startswith("input.")]
    if not inputs:
        return 0
    row = f"hash({', '.join(quoted(name) for name in inputs)})"
    database = connect(memory=_MEMORY)
    try:
        found = database.execute(
            f"SELECT count(*) FROM read_parquet({text(str(held_out))}) "  # noqa: S608
            f"WHERE {row} IN (SELECT {row} FROM read_parquet({text(str(training))}))"
        ).fetchone()
    finally:
        database.close()
    return int(found[0]) if found else 0
