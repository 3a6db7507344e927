"""The process that streams out of the log: `python -m interlock.predictions.stream_job`.

Started by `streams.LogStream`; the job comes on stdin, an Arrow IPC stream goes to stdout as it is found. It runs no
text of a user; what does not fit into its memory goes to a folder that its parent removes.
"""

import sys
from pathlib import Path
from typing import BinaryIO

import duckdb
import msgspec
import pyarrow as pa

from interlock.domain.errors import InvalidInputError
from interlock.predictions.confinement import limit_process, refuse
from interlock.predictions.log_schema import TIME
from interlock.predictions.log_tables import LogTables
from interlock.predictions.matching import match
from interlock.predictions.relations import text
from interlock.predictions.selection import select
from interlock.predictions.streams import Job, Match

_BATCH_ROWS = 16_384


def run(job: Job, out: BinaryIO) -> None:
    """Write the stream.

    Raises:
        InvalidInputError: The log cannot be asked so.
    """
    tables = LogTables(Path(job.root), memory=job.memory)
    tables.database.execute(f"SET temp_directory = {text(job.scratch)}")
    try:
        query = match(tables, job.task) if isinstance(job.task, Match) else select(tables, job.task)
        reader = tables.database.sql(query).to_arrow_reader(_BATCH_ROWS)
        schema = _named(reader.schema, tables.schema("predictions", job.task.endpoint))
        with pa.ipc.new_stream(out, schema) as writer:
            out.flush()
            for batch in reader:
                writer.write_batch(batch.cast(schema))
        out.flush()
    except (duckdb.OutOfMemoryException, pa.ArrowMemoryError, MemoryError) as error:
        raise InvalidInputError(
            "this needs more memory than it may have; ask for less time or fewer columns"
        ) from error


def _named(found: pa.Schema, table: pa.Schema) -> pa.Schema:
    """What DuckDB gives, with the table's types and its metadata that say which field a column holds."""
    known = {field.name: field for field in table}
    return pa.schema(
        known.get(field.name, field.with_type(TIME) if pa.types.is_timestamp(field.type) else field) for field in found
    )


def main() -> None:
    """Read, stream."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    limit_process(job.seconds)
    with refuse():
        run(job, sys.stdout.buffer)


if __name__ == "__main__":
    main()
