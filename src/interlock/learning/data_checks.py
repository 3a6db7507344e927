"""Whether the newest rows are fit to teach: a broken feed must not.

Called before training. It looks for what a broken feed does and a changing world rarely does: an input that is suddenly
missing, and labels that are no labels. Drift is no reason to refuse: it is why one retrains.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# More labels than these that mean nothing are no slips.
MOST_UNUSABLE = 0.2


def faults(training: Path, held_out: Path, *, unusable: int, most_missing: float) -> list[str]:
    """What is wrong with the rows; nothing, if they may teach.

    Args:
        training, held_out: Parquet files with columns `input.<name>`; the held-out rows are the newest.
        unusable: Labels that were left out since they are no class, or no number.
        most_missing: How much more often an input may be missing in the newest rows than before.
    """
    before, now = pq.ParquetFile(training), pq.ParquetFile(held_out)
    rows = before.metadata.num_rows + now.metadata.num_rows
    found = []
    if unusable > MOST_UNUSABLE * (rows + unusable):
        found.append(f"{unusable} of {rows + unusable} labels are no class of the model; find out what sends them")
    for name in now.schema_arrow.names:
        if name.startswith("input."):
            was, is_now = missing_share(before, name), missing_share(now, name)
            if is_now - was > most_missing:
                found.append(
                    f"{name} is missing in {is_now:.0%} of the newest rows, and was in {was:.0%} before; "
                    "a broken feed must not teach. Mend it, or raise most_missing if this is the world now"
                )
    return found


def missing_share(file: pq.ParquetFile, name: str) -> float:
    """Share of the rows that have no value; NaN is none."""
    column = file.read(columns=[name])[name]
    missing = int(column.null_count)
    if pa.types.is_floating(column.type):
        missing += int(pc.sum(pc.is_nan(column)).as_py() or 0)
    return missing / len(column) if len(column) else 0.0
