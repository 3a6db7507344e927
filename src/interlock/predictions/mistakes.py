"""Wrong and uncertain answers of a window, with what was asked: filtered, sorted and paged where the rows are.

Called by the pages. A classifier is wrong where its class is not the label; how sure it was is its largest probability.
Of a regressor every labelled row has an error, its distance from the label. Rows without a label are never wrong: they
are only found among the uncertain ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa

from interlock.predictions.judged_answers import JudgedAnswers
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import LABELLED, quoted

Shown = Literal["wrong", "unsure", "labelled"]
Order = Literal["score", "-score", "error", "-error", "event_at", "-event_at"]

_SHOWN: Mapping[Shown, str] = {"wrong": "is_wrong", "unsure": "score < $below", "labelled": "label IS NOT NULL"}
_SUMS = "count(*) FILTER (is_wrong) AS wrong, coalesce(sum(error), 0) AS error"
# No input can have this name: it is no column of the log.
_ID = "prediction id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which rows are wanted.

    Args:
        since, until: Of the event, the end excluded.
        shown: `wrong` ones; `unsure` ones, whose score is under `below`; or all that are `labelled`.
        below: 0 to 1.
        version, label, answer: Only these; empty for any.
        condition: On an input: its name, `=`, `<` or `>`, and a value.
        ids: Only these predictions; None for any.
        order: By what, `-` for the largest first.
        offset, limit: Of the rows in this order.
    """

    endpoint: str
    since: datetime
    until: datetime
    shown: Shown = "wrong"
    below: float = 0.6
    version: str = ""
    label: str = ""
    answer: str = ""
    condition: tuple[str, str, str] | None = None
    ids: Sequence[str] | None = None
    order: Order = "score"
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Mistake:
    """One row. `score`: the largest probability; `error`: of a number, how far it was off; `inputs` by field."""

    prediction_id: str
    event_at: datetime
    version: str
    answer: str | None
    label: str | None
    score: float | None
    error: float | None
    is_wrong: bool
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the window and version, whatever else is asked for.

    Args:
        rows, labelled, wrong: How many.
        error: Sum of what is wrong: rows of a classifier, distances of a regressor.
    """

    rows: int
    labelled: int
    wrong: int
    error: float


@dataclass(frozen=True, slots=True)
class TagTotals:
    """How many rows of a tag are in the window, how many of them are wrong, and the sum of what is wrong."""

    rows: int
    wrong: int
    error: float


class Mistakes:
    """Reads predictions with their labels.

    Args:
        tables: The log.
    """

    def __init__(self, tables: LogTables) -> None:
        self._tables = tables

    def answers(self, endpoint: str) -> JudgedAnswers:
        """What the columns of an endpoint's log say."""
        return JudgedAnswers(endpoint, self._tables.columns("predictions", endpoint))

    def totals(self, question: Question) -> Totals:
        """Count the window."""
        sql = f"SELECT count(*) AS rows, count(*) FILTER (label IS NOT NULL) AS labelled, {_SUMS} FROM b"  # noqa: S608
        return Totals(**self._query(question, sql).to_pylist()[0])

    def count(self, question: Question) -> int:
        """How many rows are wanted, on all pages.

        Raises:
            InvalidInputError: The condition names no input of the log, or no number where it must.
        """
        where, given = self._wanted(question)
        found = self._query(question, f"SELECT count(*) AS n FROM b WHERE {where}", given)  # noqa: S608
        return int(found["n"][0].as_py())

    def page(self, question: Question) -> list[Mistake]:
        """The rows of one page, with their inputs. Raises as `count`."""
        where, given = self._wanted(question)
        by, way = question.order.removeprefix("-"), "DESC" if question.order.startswith("-") else "ASC"
        sql = f"""
            SELECT prediction_id, event_at, version, answer, label, score, error,
                coalesce(is_wrong, false) AS is_wrong
            FROM b WHERE {where} ORDER BY {by} {way} NULLS LAST, prediction_id
            LIMIT {int(question.limit)} OFFSET {int(question.offset)}"""  # noqa: S608
        rows = self._query(question, sql, given).to_pylist()
        inputs = self._inputs(question, [row["prediction_id"] for row in rows])
        return [Mistake(**row, inputs=inputs.get(row["prediction_id"], {})) for row in rows]

    def of_tags(self, question: Question, tags: Mapping[str, Sequence[str]]) -> dict[str, TagTotals]:
        """Count the rows of each tag that are in the window.

        Args:
            tags: Prediction ids by tag.
        """
        pairs = [(tag, id) for tag, ids in tags.items() for id in ids]
        if not pairs:
            return {}
        given = {"tags": [tag for tag, _ in pairs], "tagged": [id for _, id in pairs]}
        tagged = "SELECT unnest($tags) AS tag, unnest($tagged) AS prediction_id"
        sql = f"SELECT tag, count(*) AS rows, {_SUMS} FROM ({tagged}) JOIN b USING (prediction_id) GROUP BY tag"  # noqa: S608
        rows = self._query(question, sql, given).to_pylist()
        return {row.pop("tag"): TagTotals(**row) for row in rows}

    def _inputs(self, question: Question, ids: list[str]) -> dict[str, dict[str, Any]]:
        columns = self.answers(question.endpoint).inputs
        if not ids or not columns:
            return {}
        listed = ", ".join(f"{quoted(column)} AS {quoted(name)}" for name, column in columns.items())
        sql = f"""
            SELECT prediction_id AS {quoted(_ID)}, {listed} FROM ({self._predictions(question)})
            WHERE prediction_id IN (SELECT unnest($ids))"""  # noqa: S608
        return {row.pop(_ID): row for row in self._tables.query(sql, {"ids": ids}).to_pylist()}

    def _query(self, question: Question, sql: str, given: Mapping[str, object] | None = None) -> pa.Table:
        """Run a query over `b`: rows of the window and version, with what was answered and whether it was wrong."""
        endpoint, answers = question.endpoint, self.answers(question.endpoint)
        span = self._tables.span(endpoint, question.since, question.until)
        of_version = "WHERE version = $version" if question.version else ""
        return self._tables.query(
            f"""
            WITH p AS ({self._predictions(question)}),
            l AS ({self._tables.latest(LABELLED, endpoint, "p", span)}),
            a AS (SELECT p.*, l.label_text AS label, l.label_number, {answers.answered}
                FROM p LEFT JOIN l USING (prediction_id) {of_version}),
            b AS (SELECT *, {answers.judged} FROM a)
            {sql}""",  # noqa: S608
            {**(given or {}), **({"version": question.version} if question.version else {})},
        )

    def _predictions(self, question: Question) -> str:
        return self._tables.predictions(question.endpoint, question.since, question.until)

    def _wanted(self, question: Question) -> tuple[str, dict[str, object]]:
        """Conditions on `b`, and their parameters."""
        parts, given = [_SHOWN[question.shown]], dict[str, object]()
        if question.shown == "unsure":
            given["below"] = question.below
        for name, value in (("label", question.label), ("answer", question.answer)):
            if value:
                parts.append(f"{name} = ${name}")
                given[name] = value
        if question.ids is not None:
            parts.append("prediction_id IN (SELECT unnest($ids))")
            given["ids"] = list(question.ids)
        if question.condition is not None:
            sql, given["bound"] = self.answers(question.endpoint).condition(*question.condition)
            parts.append(sql)
        return " AND ".join(parts), given
