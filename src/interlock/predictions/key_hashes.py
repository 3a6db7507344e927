"""Adds to a file of business keys their hashes, by which a privacy rule may have logged them.

Called by the control API, which can read the key of the hashes; the process that looks into the log cannot.
"""

from pathlib import Path

import pyarrow as pa

from interlock.domain.errors import InvalidInputError
from interlock.predictions.hashing import Hasher

_FIELD = pa.field("key_hash", pa.string())


def add_hashes(file: Path, hasher: Hasher) -> None:
    """Rewrite an Arrow IPC stream with the column `key_hash`; nothing to one that has no column `key`.

    Raises:
        InvalidInputError: The file is no such stream, or its keys are no texts (`string`).
    """
    draft = file.with_name(f"{file.name}.hashed")
    try:
        with pa.ipc.open_stream(pa.memory_map(str(file))) as given:
            if "key" not in given.schema.names:
                return
            if given.schema.field("key").type != pa.string():
                raise InvalidInputError(f"the column key is of type {given.schema.field('key').type}, must be string")
            with pa.ipc.new_stream(str(draft), given.schema.append(_FIELD)) as out:
                for batch in given:
                    hashes = [None if key is None else hasher.digest(key) for key in batch["key"].to_pylist()]
                    out.write_batch(batch.append_column(_FIELD, pa.array(hashes, pa.string())))
    except pa.ArrowInvalid as error:
        raise InvalidInputError(f"the body is not an Arrow IPC stream: {error}") from error
    draft.replace(file)
