"""Predictions without a label, with what another version said of the same rows: what people may be asked to label.

Called by `review` through the reader. However many there are, a bounded number is read: a simple random sample of them,
whose size and that of the whole are told, so that every row's chance stays known.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from interlock.domain.row_condition import Condition
from interlock.predictions.judged_answers import JudgedAnswers, Where
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import LABELLED, quoted

OTHER = "other."
"""Before the names of outputs of the other version."""

CHOSEN = "is chosen"
"""The column that says whether a person wants a row; not there if nobody chose. No field has such a name."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows that a person wants labelled most: those of `ids`, and those for which all `conditions` hold, if any."""

    conditions: tuple[Condition, ...] = ()
    ids: tuple[str, ...] = ()


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
    chosen: Chosen | None = None,
) -> Unlabelled:
    """Find them.

    Args:
        tables: The log.
        endpoint: Its name.
        since, until: Range of `event_at`, the end excluded.
        without: Ids to leave out.
        most: Rows to read.
        seed: Of the sample, where there are more.
        chosen: Marks rows in the column `CHOSEN`.

    Raises:
        InvalidInputError: A condition cannot be asked of this log.
    """
    latest = tables.latest(LABELLED, endpoint, "p", tables.span(endpoint, since, until))
    found = f"""
        WITH p AS ({tables.predictions(endpoint, since, until)}), l AS ({latest}),
        left_out AS (SELECT unnest($without::VARCHAR[]) AS prediction_id),
        wanted AS (
            SELECT p.* FROM p ANTI JOIN l USING (prediction_id) ANTI JOIN left_out USING (prediction_id))"""  # noqa: S608
    given: dict[str, object] = {"without": list(without)}
    total = int(tables.query(f"{found} SELECT count(*) AS rows FROM wanted", given)["rows"][0].as_py())  # noqa: S608
    sample = f"USING SAMPLE reservoir({most} ROWS) REPEATABLE ({seed})" if total > most else ""
    answers, drawn, marks = _others(tables, endpoint), "wanted", Where("", {})
    if chosen is not None:
        marks = _marks(JudgedAnswers(endpoint, tables.columns("predictions", endpoint)), chosen)
        drawn = f"({marks.sql})"
    rows = tables.query(
        f"""{found}, drawn AS MATERIALIZED (SELECT * FROM {drawn} {sample}),
        s AS (
            SELECT DISTINCT ON (s.prediction_id) s.*
            FROM ({tables.relation("scores", endpoint)}) s JOIN drawn d USING (prediction_id)
            WHERE s.status = 'ok' AND s.version <> d.version ORDER BY s.prediction_id, s."at" DESC)
        SELECT drawn.* EXCLUDE (date){answers} FROM drawn LEFT JOIN s USING (prediction_id) ORDER BY prediction_id""",  # noqa: S608
        {**given, **marks.given},
    )
    return Unlabelled(total, rows)


def _marks(answers: JudgedAnswers, chosen: Chosen) -> Where:
    """A query of `wanted` with the column `CHOSEN`."""
    ways, given = list[str](), dict[str, object]()
    if chosen.conditions:
        where = answers.where(chosen.conditions, labelled=False)
        ways.append(f"({where.sql})")
        given |= where.given
    if chosen.ids:
        ways.append("prediction_id IN (SELECT unnest($chosen::VARCHAR[]))")
        given["chosen"] = list(chosen.ids)
    said = f"(SELECT *, {answers.answered} FROM wanted)"  # noqa: S608
    mark = f"{' OR '.join(ways) or 'false'} AS {quoted(CHOSEN)}"
    return Where(f"SELECT * EXCLUDE (answer, predicted, score), {mark} FROM {said}", given)  # noqa: S608


def _others(tables: LogTables, endpoint: str) -> str:
    names = [name for name in tables.columns("scores", endpoint).names if name.startswith("output.")]
    return "".join(f", s.{quoted(name)} AS {quoted(OTHER + name.removeprefix('output.'))}" for name in names)
