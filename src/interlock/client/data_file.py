"""Files of rows on the caller's side: CSV, Parquet, JSON (records or columns), JSON lines."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from interlock.client.rows import columns_of
from interlock.domain.errors import InvalidInputError

_FORMS = (".csv", ".parquet", ".json", ".jsonl")


def read_columns(path: Path) -> dict[str, list[Any]]:
    """Read a file of rows.

    Raises:
        InvalidInputError: It is not there, of no known form, damaged or empty.
    """
    form = path.suffix.lower()
    if form not in _FORMS:
        raise InvalidInputError(f"{path} ends in {form!r}, must be one of {', '.join(_FORMS)}")
    try:
        return columns_of(_read(path, form))
    except FileNotFoundError as error:
        raise InvalidInputError(f"{path} cannot be read: there is no such file") from error
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error  # Arrow puts a text of its own into strerror
        raise InvalidInputError(f"{path} cannot be read: {why}") from error
    except (pa.ArrowException, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not a readable {form[1:]} file: {error}") from error


def _read(path: Path, form: str) -> Any:
    if form == ".csv":
        return pyarrow.csv.read_csv(path)
    if form == ".parquet":
        return pyarrow.parquet.read_table(path)
    if form == ".jsonl":
        return [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
    return msgspec.json.decode(path.read_bytes())
