"""`client.log("flights")`: rows of the prediction log as a table. What is not asked for is neither read nor sent."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from interlock.client.transport import Transport
from interlock.domain.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSelection:
    """Rows that are read when one of its methods is called, anew each time.

    Args:
        transport: To the control port.
        endpoint, since, until, versions, columns, joined, fresh: As of `Client.log`.
    """

    transport: Transport
    endpoint: str
    since: datetime | None = None
    until: datetime | None = None
    versions: Sequence[str | int] = ()
    columns: Sequence[str] = ()
    joined: bool = False
    fresh: bool = True

    def to_arrow(self) -> "pa.Table":
        """All rows as an Arrow table."""
        with self.batches() as reader:
            return reader.read_all()

    def to_pandas(self) -> "pd.DataFrame":
        """All rows as a pandas data frame. Needs pandas."""
        try:
            import pandas  # noqa: F401
        except ImportError as error:
            raise _missing("pandas") from error
        return self.to_arrow().to_pandas()

    def to_polars(self) -> "pl.DataFrame":
        """All rows as a Polars data frame. Needs polars."""
        try:
            import polars as pl
        except ImportError as error:
            raise _missing("polars") from error
        found = pl.from_arrow(self.to_arrow())
        return found if isinstance(found, pl.DataFrame) else found.to_frame()

    @contextmanager
    def batches(self) -> "Iterator[pa.RecordBatchReader]":
        """Rows batch by batch, for logs that are larger than this machine's memory.

        Raises:
            InterlockError: As the server says; or ServerUnreachableError.
        """
        import pyarrow as pa  # takes a moment that programs which only predict need not wait for

        with self.transport.stream("GET", self._path()) as body, pa.ipc.open_stream(body) as reader:
            yield reader

    def _path(self) -> str:
        query: list[tuple[str, str]] = [("joined", str(self.joined).lower()), ("fresh", str(self.fresh).lower())]
        query += [
            (name, _iso(name, at)) for name, at in (("since", self.since), ("until", self.until)) if at is not None
        ]
        query += [("versions", str(version)) for version in self.versions]
        query += [("columns", name) for name in self.columns]
        return f"/api/v1/endpoints/{quote(self.endpoint, safe='')}/log?{urlencode(query)}"


def _iso(name: str, at: datetime) -> str:
    if at.tzinfo is None:
        raise InvalidInputError(f"{name} == {at.isoformat()}, must have a time zone, like tzinfo=UTC")
    return at.isoformat()


def _missing(package: str) -> InvalidInputError:
    return InvalidInputError(f"{package} is not installed here: pip install {package}, or use to_arrow()")
