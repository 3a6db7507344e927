"""The account of labels, decisions and rewards: what came, what it matches, how late it is, and what was said before.

Used by the control API, monitoring and `interlock doctor`. Nothing is ever dropped: what names a prediction that is not
in the log is held, and counted here, until the prediction comes.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from interlock.predictions import file_ranges
from interlock.predictions.delta_log import Kind
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import DECIDED, LABELLED, REWARDED, Feedback

AGES: Mapping[str, float] = {"1h": 3600, "1d": 86_400, "7d": 604_800, "30d": 2_592_000}
"""Ages of what matches no prediction: younger than each; `older` are the rest."""

HORIZONS: Mapping[str, int] = {
    "1m": 60, "10m": 600, "1h": 3600, "6h": 21_600, "1d": 86_400, "2d": 172_800, "7d": 604_800, "30d": 2_592_000,
    "90d": 7_776_000,
}  # fmt: skip
"""Points of the curve of label delay, in seconds."""

_KINDS = (LABELLED, DECIDED, REWARDED)

FEEDBACK_KINDS: tuple[Kind, ...] = tuple(feedback.kind for feedback in _KINDS)


class LedgerStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one kind for one endpoint.

    Args:
        rows: All that came, corrections and repetitions too.
        predictions: Predictions that it says something of.
        unmatched: Rows that name no prediction of the log (yet).
        ambiguous: Rows whose request id and row several predictions have; they count for each of them.
        sources: Rows by source.
        unmatched_by_age: Unmatched rows by time since they came: younger than each of `AGES`, else `older`.
    """

    rows: int
    predictions: int
    unmatched: int
    ambiguous: int
    sources: dict[str, int]
    unmatched_by_age: dict[str, int]

    @property
    def overdue(self) -> int:
        """Unmatched rows that came over a day ago: their predictions will hardly come any more."""
        return sum(number for age, number in self.unmatched_by_age.items() if age not in ("1h", "1d"))


class LabelDay(msgspec.Struct, frozen=True, kw_only=True):
    """Labels of what one version answered for the events of one day (UTC).

    Args:
        rows, labelled, coverage: Predictions, those with a label, and their share.
        delay_seconds: From the event to the first label observed: `p50`, `p90`, `p99` of those that came.
        within: The curve of delay: share of all rows with a label at most so long after the event. None where the log
            does not reach that far beyond the day yet.
    """

    day: date
    version: str
    rows: int
    labelled: int
    coverage: float
    delay_seconds: dict[str, float | None]
    within: dict[str, float | None]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a prediction's history. `counts`: whether it is what readers get."""

    kind: Kind
    value: Any
    observed_at: datetime
    at: datetime
    source: str
    weight: float
    name: str | None
    by_request: bool
    counts: bool


class Ledger:
    """Reads what was said after the answers.

    Args:
        tables: The log.
    """

    def __init__(self, tables: LogTables) -> None:
        self._tables = tables

    def stats(self, endpoint: str, kind: Kind = "labels", *, now: datetime | None = None) -> LedgerStats:
        """Count what came and what it matches. Reads every id of the log.

        Args:
            endpoint: Its name.
            kind: `labels`, `decisions` or `rewards`.
            now: Ages count from here. Default: from the newest row.
        """
        given, by_request = self._tables.given(_of(kind), endpoint)
        named = "prediction_id IS NULL" if by_request else "false"
        ages = ", ".join(f"count(*) FILTER (age < {seconds})" for seconds in AGES.values())
        found = self._tables.query(
            f"""
            WITH p AS (SELECT prediction_id, request_id, request_row FROM ({self._tables.predictions(endpoint)})),
            g AS MATERIALIZED (SELECT prediction_id, request_id, request_row, source, "at" FROM {given}),
            carried AS MATERIALIZED (
                SELECT request_id, request_row, count(*) AS number
                FROM p SEMI JOIN (SELECT * FROM g WHERE {named}) USING (request_id, request_row)
                GROUP BY ALL),
            lost AS (
                SELECT epoch(coalesce($now::TIMESTAMPTZ, (SELECT max("at") FROM g)) - "at") AS age FROM (
                    SELECT "at" FROM g ANTI JOIN p USING (prediction_id) WHERE prediction_id IS NOT NULL
                    UNION ALL
                    SELECT "at" FROM g ANTI JOIN carried USING (request_id, request_row) WHERE prediction_id IS NULL))
            SELECT (SELECT count(*) FROM g) AS rows,
                (SELECT count(*) FROM p SEMI JOIN g USING (prediction_id)) + (
                    SELECT count(*) FROM (SELECT * FROM p SEMI JOIN carried USING (request_id, request_row))
                    ANTI JOIN g USING (prediction_id)) AS predictions,
                (SELECT count(*) FROM lost) AS unmatched,
                (SELECT count(*) FROM g JOIN carried USING (request_id, request_row)
                    WHERE g.prediction_id IS NULL AND number > 1) AS ambiguous,
                (SELECT list({{'source': source, 'number': number}} ORDER BY source)
                    FROM (SELECT source, count(*) AS number FROM g GROUP BY source)) AS sources,
                (SELECT [{ages}] FROM lost) AS younger""",  # noqa: S608
            {"now": now.isoformat() if now else None},
        ).to_pylist()[0]
        younger, sources = found.pop("younger"), found.pop("sources") or []
        counted = {age: upto - before for age, upto, before in zip(AGES, younger, [0, *younger], strict=False)}
        return LedgerStats(
            **found,
            sources={str(each["source"]): each["number"] for each in sources},
            unmatched_by_age={**counted, "older": found["unmatched"] - younger[-1]},
        )

    def by_day(self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None) -> list[LabelDay]:
        """Coverage and delay of labels, by day of the event and by version.

        Args:
            endpoint: Its name.
            since, until: Range of `event_at`, the end excluded.
        """
        given, by_request = self._tables.given(LABELLED, endpoint, self._tables.span(endpoint, since, until))
        matched = LABELLED.matched("p", given, given if by_request else None)
        within = ", ".join(f"count(*) FILTER (delay <= {seconds})" for seconds in HORIZONS.values())
        found = self._tables.query(f"""
            WITH p AS (
                SELECT prediction_id, request_id, request_row, version, event_at, date
                FROM ({self._tables.predictions(endpoint, since, until)})),
            first AS (SELECT prediction_id, min(observed_at) AS observed_at FROM ({matched}) GROUP BY prediction_id),
            each AS (
                SELECT date, version, CASE WHEN f.observed_at IS NOT NULL
                    THEN greatest(0, epoch(f.observed_at - p.event_at)) END AS delay
                FROM p LEFT JOIN first f USING (prediction_id))
            SELECT date, version, count(*) AS rows, count(delay) AS labelled,
                quantile_cont(delay, [0.5, 0.9, 0.99]) AS quantiles, [{within}] AS within
            FROM each GROUP BY date, version ORDER BY date, version""")  # noqa: S608
        reached = self._reached(endpoint)
        return [_label_day(row, reached) for row in found.to_pylist()]

    def history(self, endpoint: str, prediction_id: str) -> list[Said]:
        """All that was ever said of one prediction, in the order it came.

        Also what was said by the caller's request id, if the prediction is in the log.
        """
        return sorted(
            (said for feedback in _KINDS for said in self._said(feedback, endpoint, prediction_id)),
            key=lambda said: said.at,
        )

    def _said(self, feedback: Feedback, endpoint: str, prediction_id: str) -> list[Said]:
        given, _ = self._tables.given(feedback, endpoint, (prediction_id, prediction_id))
        name = "name" if "name" in feedback.schema.names else "NULL"
        found = self._tables.query(
            f"""
            WITH p AS (
                SELECT prediction_id, request_id, request_row FROM ({self._tables.predictions(endpoint)})
                WHERE prediction_id = $id),
            g AS (SELECT * FROM {given}),
            m AS (
                SELECT *, false AS by_request FROM g WHERE prediction_id = $id
                UNION ALL SELECT g.*, true FROM g SEMI JOIN p USING (request_id, request_row)
                WHERE g.prediction_id IS NULL)
            SELECT {feedback.said[0]} AS value, observed_at, "at", source, weight, {name} AS name, by_request,
                row_number() OVER ({feedback.ordered(*feedback.per)}) = 1 AS counts
            FROM m ORDER BY "at", batch_row""",  # noqa: S608
            {"id": prediction_id},
        )
        return [Said(kind=feedback.kind, **{**row, "value": _value(row["value"])}) for row in found.to_pylist()]

    def _reached(self, endpoint: str) -> datetime | None:
        """Up to when the log knows the world: its newest event or observation."""
        told = (self._tables.log.table("predictions", endpoint), "event_at"), (
            self._tables.log.table("labels", endpoint), "observed_at",
        )  # fmt: skip
        times = [file_ranges.newest(table, column) for table, column in told if table is not None]
        return max((time for time in times if time is not None), default=None)


def _of(kind: Kind) -> Feedback:
    return next(feedback for feedback in _KINDS if feedback.kind == kind)


def _label_day(row: Mapping[str, Any], reached: datetime | None) -> LabelDay:
    start = datetime.fromisoformat(f"{row['date']}T00:00:00+00:00").timestamp()
    known = reached.timestamp() - (start + AGES["1d"]) if reached else 0.0
    quantiles = row["quantiles"] or [None] * 3
    return LabelDay(
        day=row["date"],
        version=row["version"],
        rows=row["rows"],
        labelled=row["labelled"],
        coverage=row["labelled"] / row["rows"],
        delay_seconds=dict(zip(("p50", "p90", "p99"), quantiles, strict=True)),
        within={
            name: number / row["rows"] if seconds <= known else None
            for (name, seconds), number in zip(HORIZONS.items(), row["within"], strict=True)
        },
    )


def _value(value: Any) -> Any:
    """Labels and decisions stand in the log as JSON, rewards as numbers."""
    return msgspec.json.decode(value) if isinstance(value, str) else value
