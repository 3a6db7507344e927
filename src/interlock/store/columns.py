"""Column types that mean the same in SQLite and in PostgreSQL: aware times, structs as JSON, counts as bytes."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class UtcTime(TypeDecorator[datetime]):
    """An aware time, stored as fixed-width UTC text: it sorts as text and reads the same everywhere."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time == {value}, must say its time zone")
        return value.astimezone(UTC).strftime(_FORMAT)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromisoformat(value)


class Json(TypeDecorator[Any]):
    """A value of one type as JSON text, read back as that type.

    Text and not the databases' own JSON: it is never queried into, and must come back byte for byte.
    """

    impl = Text()
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else self._decoder.decode(value)


class Counts(TypeDecorator[NDArray[np.int64]]):
    """An array of counts as little-endian 64-bit bytes."""

    impl = LargeBinary()
    cache_ok = True

    def process_bind_param(self, value: NDArray[np.int64] | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        return None if value is None else np.ascontiguousarray(value, dtype="<i8").tobytes()

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> NDArray[np.int64] | None:  # noqa: ARG002
        return None if value is None else np.frombuffer(value, dtype="<i8").astype(np.int64)
