"""Wrong and uncertain answers of a window, with what was asked: filtered, sorted and paged where the rows are.

Called by the pages. A classifier is wrong where its class is not the label; how sure it was is its largest probability.
Of a regressor every labelled row has an error, its distance from the label. Rows without a label are never wrong: they
are only found among the uncertain ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Literal

import pyarrow as pa

from interlock.domain.errors import InvalidInputError
from interlock.domain.row_condition import Condition
from interlock.predictions.judged_answers import JudgedAnswers, Where
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import LABELLED, quoted

Shown = Literal["wrong", "unsure", "labelled", "any"]
Order = Literal["score", "-score", "error", "-error", "event_at", "-event_at"]

_SHOWN: Mapping[Shown, str] = {
    "wrong": "is_wrong",
    "unsure": "score < $below",
    "labelled": "label IS NOT NULL",
    "any": "true",
}
_SUMS = "count(*) FILTER (is_wrong) AS wrong, coalesce(sum(error), 0) AS error"
# No input can have this name: it is no column of the log.
_ID = "prediction id"
AS_ERROR, AS_UNIT = "interlock error", "interlock unit"
"""Columns of a sample, beside inputs."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """Which rows have a tag: those of `ids`, by hand; and those for which all of a rule's `conditions` hold, if it has
    any."""

    name: str
    ids: Sequence[str] = ()
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which rows are wanted.

    Args:
        since, until: Of the event, the end excluded.
        shown: `wrong` ones; `unsure` ones, whose score is under `below`; all that are `labelled`; or `any`.
        below: 0 to 1.
        version, label, answer: Only these; empty for any.
        conditions: That must all hold.
        tag: Only rows that have it, by hand or by rule; None for any.
        order: By what, `-` for the largest first.
        offset, limit: Of the rows in this order.
        most_inputs: Of each row, the first so many; None for all.
    """

    endpoint: str
    since: datetime
    until: datetime
    shown: Shown = "wrong"
    below: float = 0.6
    version: str = ""
    label: str = ""
    answer: str = ""
    conditions: tuple[Condition, ...] = ()
    tag: Tagged | None = None
    order: Order = "score"
    offset: int = 0
    limit: int = 50
    most_inputs: int | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """One row. `score`: the largest probability; `error`: of a number, how far it was off; `inputs` by field; `tags`
    among those asked for."""

    prediction_id: str
    event_at: datetime
    version: str
    answer: str | None
    label: str | None
    score: float | None
    error: float | None
    is_wrong: bool
    inputs: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


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

    def both(self, question: Question) -> tuple[Totals, int]:
        """`totals` and `count` in one pass. Raises as `count`."""
        where, given = self._wanted(question)
        sums = f"count(*) AS rows, count(*) FILTER (label IS NOT NULL) AS labelled, {_SUMS}"
        sql = f"SELECT {sums}, count(*) FILTER ({where}) AS matching FROM b"  # noqa: S608
        (row,) = self._query(question, sql, given).to_pylist()
        matching = row.pop("matching")
        return Totals(**row), matching

    def count(self, question: Question) -> int:
        """How many rows are wanted, on all pages.

        Raises:
            InvalidInputError: The condition names no input of the log, or no number where it must.
        """
        where, given = self._wanted(question)
        found = self._query(question, f"SELECT count(*) AS n FROM b WHERE {where}", given)  # noqa: S608
        return int(found["n"][0].as_py())

    def page(self, question: Question, tags: Sequence[Tagged] = ()) -> list[Mistake]:
        """The rows of one page, with their inputs, and which of `tags` each has. Raises as `count`."""
        where, given = self._wanted(question)
        hits, of_tags = self._hits(question.endpoint, tags)
        listed = "".join(f", {hit} AS tag{number}" for number, hit in enumerate(hits))
        by, way = question.order.removeprefix("-"), "DESC" if question.order.startswith("-") else "ASC"
        sql = f"""
            SELECT prediction_id, event_at, version, answer, label, score, error,
                coalesce(is_wrong, false) AS is_wrong{listed}
            FROM b WHERE {where} ORDER BY {by} {way} NULLS LAST, prediction_id
            LIMIT {int(question.limit)} OFFSET {int(question.offset)}"""  # noqa: S608
        rows = self._query(question, sql, {**given, **of_tags}).to_pylist()
        inputs = self._inputs(question, [row["prediction_id"] for row in rows])
        for row in rows:
            had = [row.pop(f"tag{number}") for number in range(len(tags))]
            row["tags"] = tuple(tag.name for tag, has in zip(tags, had, strict=True) if has)
        return [Mistake(**row, inputs=inputs.get(row["prediction_id"], {})) for row in rows]

    def sample(self, question: Question, *, most: int, seed: int) -> pa.Table:
        """Labelled rows for which the question's conditions hold, at most so many, chosen by chance.

        Rows that were drawn for annotators are left out: they were chosen for being hard. Of rows whose caller named no
        unit, each is one.

        Returns:
            `error` and `unit`, as `AS_ERROR` and `AS_UNIT`, then `version` and the inputs by field.
        """
        answers = self.answers(question.endpoint)
        where = answers.where(question.conditions)
        listed = "".join(f", {quoted(column)} AS {quoted(name)}" for name, column in answers.inputs.items())
        version = "" if "version" in answers.inputs else ", version"
        sql = f"""
            , firsts AS (SELECT prediction_id AS first FROM b WHERE request_row = 0),
            wanted AS (SELECT *, unit IS NULL OR unit IN (FROM firsts) AS is_alone FROM b
                WHERE is_wrong IS NOT NULL AND coalesce(label_weight, 1) = 1 AND {where.sql})
            SELECT error AS {quoted(AS_ERROR)}, CASE WHEN is_alone THEN prediction_id ELSE unit END AS {quoted(AS_UNIT)}
                {version}{listed}
            FROM wanted USING SAMPLE reservoir({int(most)} ROWS) REPEATABLE ({int(seed)})"""  # noqa: S608
        return self._query(question, sql, where.given)

    def of_tags(self, question: Question, tags: Sequence[Tagged]) -> dict[str, TagTotals]:
        """Count the rows of each tag that are in the window. A tag by hand alone that has none is left out.

        Raises:
            InvalidInputError: A rule cannot be asked of this log.
        """
        if not tags:
            return {}
        hits, given = self._hits(question.endpoint, tags)
        listed = ", ".join(f"{hit} AS tag{number}" for number, hit in enumerate(hits))
        sums = ", ".join(
            f"count(*) FILTER (tag{number}) AS rows{number}, "
            f"count(*) FILTER (tag{number} AND is_wrong) AS wrong{number}, "
            f"coalesce(sum(error) FILTER (tag{number}), 0) AS error{number}"
            for number in range(len(tags))
        )
        sql = f"SELECT {sums} FROM (SELECT is_wrong, error, {listed} FROM b)"  # noqa: S608
        (row,) = self._query(question, sql, given).to_pylist()
        found = {
            each.name: TagTotals(row[f"rows{number}"], row[f"wrong{number}"], row[f"error{number}"])
            for number, each in enumerate(tags)
        }
        return {each.name: found[each.name] for each in tags if found[each.name].rows or each.conditions}

    def faults(self, endpoint: str, tags: Sequence[Tagged]) -> dict[str, str]:
        """Why a rule cannot be asked of this log, by the tag's name; of those that can, nothing."""
        found = {}
        for each in tags:
            try:
                self.answers(endpoint).where(each.conditions)
            except InvalidInputError as error:
                found[each.name] = str(error)
        return found

    def _hits(self, endpoint: str, tags: Sequence[Tagged]) -> tuple[list[str], dict[str, object]]:
        """For each tag an expression that says whether a row has it; and parameters."""
        answers, hits, given = self.answers(endpoint), list[str](), dict[str, object]()
        for number, each in enumerate(tags):
            ways = []
            if each.ids:
                ways.append(f"prediction_id IN (SELECT unnest($hand{number}))")
                given[f"hand{number}"] = list(each.ids)
            if each.conditions:
                rule = answers.where(each.conditions, key=f"rule{number}_")
                ways.append(f"({rule.sql})")
                given |= rule.given
            hits.append(f"({' OR '.join(ways) or 'false'})")
        return hits, given

    def _inputs(self, question: Question, ids: list[str]) -> dict[str, dict[str, Any]]:
        columns = dict(islice(self.answers(question.endpoint).inputs.items(), question.most_inputs))
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
            a AS (SELECT p.*, l.label_text AS label, l.label_number, l.weight AS label_weight, {answers.answered}
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
        wanted = [self.answers(question.endpoint).where(question.conditions)]
        if question.tag is not None:
            (hit,), of_tag = self._hits(question.endpoint, [question.tag])
            wanted.append(Where(hit, of_tag))
        for each in wanted:
            parts.append(each.sql)
            given |= each.given
        return " AND ".join(parts), given
