"""Predictions without a label, with what another version said of the same rows: what people may be asked to label.

Called by `review` through the reader. However many there are, a bounded number is read: a simple random sample of them,
whose size and that of the whole are told, so that every row's chance stays known.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import LABELLED, quoted

OTHER = "other."
"""Before the names of outputs of the other version."""


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Rows to choose from.

    Args:
        total: How many there are.
        rows: At most so many as asked for, in order of their ids: the columns of the log, and `other.<output>` with the
            newest answer that another version gave to the same row, null where none did.
    """

    total: int
    rows: pa.Table

    @property
    def share(self) -> float:
        """The chance that each had to be among `rows`."""
        return self.rows.num_rows / self.total if self.total else 1.0


def unlabelled(
    tables: LogTables,
    endpoint: str,
    since: datetime | None,
    until: datetime,
    *,
    without: Collection[str],
    most: int,
    seed: int,
) -> Unlabelled:
    """Find them.

    Args:
        tables: The log.
        endpoint: Its name.
        since, until: Range of `event_at`, the end excluded.
        without: Ids to leave out.
        most: Rows to read.
        seed: Of the sample, where there are more.
    """
    latest = tables.latest(LABELLED, endpoint, "p", tables.span(endpoint, since, until))
    found = f"""
        WITH p AS ({tables.predictions(endpoint, since, until)}), l AS ({latest}),
        left_out AS (SELECT unnest($without::VARCHAR[]) AS prediction_id),
        wanted AS (
            SELECT p.* FROM p ANTI JOIN l USING (prediction_id) ANTI JOIN left_out USING (prediction_id))"""  # noqa: S608
    given = {"without": list(without)}
    total = int(tables.query(f"{found} SELECT count(*) AS rows FROM wanted", given)["rows"][0].as_py())  # noqa: S608
    sample = f"USING SAMPLE reservoir({most} ROWS) REPEATABLE ({seed})" if total > most else ""
    answers = _others(tables, endpoint)
    rows = tables.query(
        f"""{found}, drawn AS MATERIALIZED (SELECT * FROM wanted {sample}),
        s AS (
            SELECT DISTINCT ON (s.prediction_id) s.*
            FROM ({tables.relation("scores", endpoint)}) s JOIN drawn d USING (prediction_id)
            WHERE s.status = 'ok' AND s.version <> d.version ORDER BY s.prediction_id, s."at" DESC)
        SELECT drawn.* EXCLUDE (date){answers} FROM drawn LEFT JOIN s USING (prediction_id) ORDER BY prediction_id""",  # noqa: S608
        given,
    )
    return Unlabelled(total, rows)


def _others(tables: LogTables, endpoint: str) -> str:
    names = [name for name in tables.columns("scores", endpoint).names if name.startswith("output.")]
    return "".join(f", s.{quoted(name)} AS {quoted(OTHER + name.removeprefix('output.'))}" for name in names)
