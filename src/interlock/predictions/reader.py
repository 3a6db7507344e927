"""Reads the log: predictions with their labels, and both versions' answers to the same rows.

Used by releases, monitoring and paired scoring. Reads only what the present version of each Delta table holds; an
endpoint that has no table yet gives empty results with the same columns. Computes nothing but joins.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from interlock.predictions import changed_days, commits, unlabelled
from interlock.predictions.changed_days import Seen
from interlock.predictions.delta_log import Kind
from interlock.predictions.ledger import Ledger
from interlock.predictions.log_schema import PREDICTIONS, field_name, logical
from interlock.predictions.log_tables import LogTables
from interlock.predictions.mistakes import Mistakes
from interlock.predictions.relations import LABELLED, REWARDED, quoted, relation, text
from interlock.predictions.unlabelled import Chosen, Unlabelled

# The reader lives inside a controller that must stay small; beyond this DuckDB spills to disk.
_MEMORY = "512MB"

# What labels took lately: of predictions over so long, and of about so many at most.
_DELAYS_OF = timedelta(days=30)
_DELAYS_ROWS = 200_000
_RIPE_QUANTILE = 0.99

_LABELLED = (
    "prediction_id", "request_id", "request_row", "unit", "assigned_version", "version", "role", "attempt_status",
    "release_id", "step", "event_at", "at",
)  # fmt: skip
_BOTH: tuple[Kind, Kind] = ("predictions", "scores")
_OF_LABEL = {
    "label": "l.label_text AS label",
    "label_number": "l.label_number",
    "observed_at": "l.observed_at",
    "labelled_at": 'l."at" AS labelled_at',
    "source": "l.source",
    "weight": "l.weight",
}


@dataclass(frozen=True, slots=True)
class LabelStats:
    """Counts of one endpoint: labels that came, predictions with a label, labels that match no prediction (yet)."""

    labels: int
    labelled: int
    unmatched: int


class LogReader:
    """Reads the tables below one folder. Several threads may use it; they take turns.

    Args:
        root: As for `DeltaLog`.
    """

    def __init__(self, root: Path) -> None:
        self._tables = LogTables(root, memory=_MEMORY)

    @property
    def ledger(self) -> Ledger:
        """Reads what was said after the answers."""
        return Ledger(self._tables)

    @property
    def mistakes(self) -> Mistakes:
        """Reads what was answered wrongly, and what was answered unsurely."""
        return Mistakes(self._tables)

    def close(self) -> None:
        """Free the connection."""
        self._tables.close()

    def endpoints(self, kind: Kind) -> list[str]:
        """Endpoints that have a table of this kind."""
        return self._tables.log.endpoints(kind)

    def labelled(
        self,
        endpoint: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Predictions with the label that counts, of those that have one.

        Args:
            endpoint: Its name.
            since, until: Range of `event_at`, the end excluded.
            columns: Those to read, beside `output.<name>`; by default all. Ids take longer than all else together. With
                them, the rows come in the order of `event_at`.

        Returns:
            The columns of the log that name and place a prediction, `output.<name>`, and of the label `label` (as text:
            `late`, `true`, `3`), `label_number`, `observed_at`, `labelled_at` (when it came), `source` and `weight`.
        """
        outputs = [name for name in self._tables.columns("predictions", endpoint).names if name.startswith("output.")]
        given = (*_LABELLED, *_OF_LABEL) if columns is None else columns
        answered = [f"p.{quoted(name)}" for name in (*(each for each in given if each in _LABELLED), *outputs)]
        found = ", ".join(answered + [_OF_LABEL[name] for name in given if name in _OF_LABEL])
        order = "ORDER BY p.event_at, p.prediction_id" if "prediction_id" in given else ""
        latest = self._tables.latest(LABELLED, endpoint, "p", self._tables.span(endpoint, since, until))
        return self._tables.query(f"""
            WITH p AS ({self._tables.predictions(endpoint, since, until)}), l AS ({latest})
            SELECT {found} FROM p JOIN l USING (prediction_id) {order}""")  # noqa: S608

    def sample(
        self, endpoint: str, version: str, *, since: datetime, until: datetime, most: int, seed: int
    ) -> pa.Table:
        """A simple random sample of what a version answered, labelled or not.

        Args:
            endpoint, version: Whose.
            since, until: Range of `event_at`, the end excluded.
            most: How many rows; all, if there are fewer.
            seed: Of the sample.

        Returns:
            Columns `input.<name>`, `output.<name>` and `event_at` of the log.
        """
        names = self._tables.columns("predictions", endpoint).names
        wanted = [quoted(name) for name in names if name.startswith(("input.", "output.")) or name == "event_at"]
        rows = self._tables.predictions(endpoint, since, until)
        return self._tables.query(
            f"""SELECT {", ".join(wanted)} FROM (SELECT * FROM ({rows}) WHERE version = $version AND role <> 'pinned')
            USING SAMPLE reservoir({most} ROWS) REPEATABLE ({seed})""",  # noqa: S608
            {"version": version},
        )

    def unlabelled(
        self,
        endpoint: str,
        since: datetime | None,
        until: datetime,
        *,
        without: Collection[str] = (),
        most: int,
        seed: int,
        chosen: Chosen | None = None,
    ) -> Unlabelled:
        """Predictions without a label, as of `unlabelled.unlabelled`."""
        return unlabelled.unlabelled(
            self._tables, endpoint, since, until, without=without, most=most, seed=seed, chosen=chosen
        )

    def some(self, endpoint: str, since: datetime | None, until: datetime, ids: Collection[str]) -> pa.Table:
        """Predictions of a range of `event_at` by their ids, in order of these, with every column of the log."""
        sql = f"""
            SELECT * EXCLUDE (date) FROM ({self._tables.predictions(endpoint, since, until)})
            WHERE prediction_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY prediction_id"""  # noqa: S608
        return self._tables.query(sql, {"ids": list(ids)})

    def paired(self, endpoint: str, release_id: str, slices: Sequence[str] = ()) -> pa.Table:
        """Rows answered during a release that the other version has scored, with the answers of both.

        Args:
            endpoint: Its name.
            release_id: The release.
            slices: Inputs that are wanted too, each as `slice.<input>`, where the log has them.

        Returns:
            `prediction_id`, `unit`, `event_at`, `step`, `champion.<output>`, `challenger.<output>`, `champion_status`,
            `challenger_status` (ok, or why there is no answer; where the champion answered for a failing challenger,
            that failure), `by_challenger` (whether the caller got its answer), `label`, `label_number` and
            `observed_at`, null where no label came yet. Labels of rows that were drawn for annotation with unequal
            chances are left out: gates take labelled rows for a plain sample.
        """
        predictions, scores = (self._tables.columns(kind, endpoint) for kind in _BOTH)
        outputs = dict.fromkeys(name for name in (*predictions.names, *scores.names) if name.startswith("output."))
        answers = ", ".join([_answers(name, predictions, scores) for name in outputs] + _slices(slices, predictions))
        predicted, scored = (self._tables.relation(kind, endpoint, release_id=release_id) for kind in _BOTH)
        span = self._tables.span_of_release(endpoint, release_id)
        return self._tables.query(
            f"""
            WITH p AS MATERIALIZED (
                SELECT * FROM ({predicted})
                WHERE release_id = $release AND role IN ('champion', 'challenger')),
            s AS (
                SELECT DISTINCT ON (prediction_id) * FROM ({scored})
                WHERE release_id = $release ORDER BY prediction_id, "at" DESC),
            l AS (
                SELECT * FROM ({self._tables.latest(LABELLED, endpoint, "p", span)})
                WHERE source <> 'annotator' OR weight = 1)
            SELECT p.prediction_id, p.unit, p.event_at, p.step, {answers + ", " if answers else ""}
                CASE WHEN p.role = 'challenger' THEN s.status ELSE 'ok' END AS champion_status,
                CASE WHEN p.role = 'challenger' THEN 'ok'
                     WHEN p.assigned_version <> p.version THEN p.attempt_status
                     ELSE s.status END AS challenger_status,
                p.role = 'challenger' AS by_challenger, l.label_text AS label, l.label_number, l.observed_at
            FROM p JOIN s USING (prediction_id) LEFT JOIN l USING (prediction_id)
            ORDER BY p.event_at, p.prediction_id""",  # noqa: S608
            {"release": release_id},
        )

    def label_delay(self, endpoint: str, before: datetime) -> float | None:
        """Seconds within which all but one in a hundred labels came, of predictions in the month before; None without.

        Of many predictions a part is looked at, chosen by their ids.
        """
        since = before - _DELAYS_OF
        named = "prediction_id, request_id, request_row, event_at"
        rows = f"SELECT {named} FROM ({self._tables.predictions(endpoint, since, before)})"  # noqa: S608
        counted = self._tables.query(f"SELECT count(*) AS n FROM ({rows})")["n"][0].as_py()  # noqa: S608
        if not counted:
            return None
        every = max(1, counted // _DELAYS_ROWS)
        latest = self._tables.latest(LABELLED, endpoint, "p", self._tables.span(endpoint, since, before))
        found = self._tables.query(
            f"""
            WITH p AS MATERIALIZED (SELECT * FROM ({rows}) WHERE hash(prediction_id) % {every} = 0), l AS ({latest})
            SELECT quantile_cont(greatest(epoch_us(l.observed_at) - epoch_us(p.event_at), 0), {_RIPE_QUANTILE}) AS delay
            FROM p JOIN l USING (prediction_id)"""  # noqa: S608
        )
        delay = found["delay"][0].as_py()
        return None if delay is None else float(delay) / 1e6

    def assigned(
        self,
        endpoint: str,
        *,
        release_id: str | None = None,
        since: datetime | None = None,
        rewards: Sequence[str] = (),
        answers: bool = False,
        inputs: Sequence[str] = (),
    ) -> pa.Table:
        """Rows as they were assigned, with what came of them, by `event_at`.

        Args:
            endpoint: Its name.
            release_id: Those answered during a release; None for all since `since`.
            since: The beginning of `event_at`, without a release.
            rewards: Names of rewards.
            answers: Whether to read the answers and their labels.
            inputs: Names of inputs to read; those that the log has not are left out.

        Returns:
            `unit`, `assigned_version`, `step`, `propensity`, `event_at`, `input.<name>` of those asked for, for each
            reward `reward.NAME` and `rewarded_at.NAME`; with `answers` also `output.<name>` as the caller got it,
            `label`, `label_number` and `observed_at`.
        """
        source = (
            self._tables.predictions(endpoint, since)
            if release_id is None
            else self._tables.relation("predictions", endpoint, release_id=release_id)
        )
        span = self._tables.span_of_release(endpoint, release_id) if release_id is not None else None
        columns = [f"p.{name}" for name in ("unit", "assigned_version", "step", "propensity", "event_at")]
        parts, joins = [], []
        logged = self._tables.columns("predictions", endpoint).names if answers or inputs else []
        columns += [f"p.{quoted(f'input.{name}')}" for name in inputs if f"input.{name}" in logged]
        if answers:
            outputs = [name for name in logged if name[:7] == "output."]
            columns += [f"p.{quoted(name)}" for name in outputs]
            columns += ["l.label_text AS label", "l.label_number", "l.observed_at"]
            latest = self._tables.latest(LABELLED, endpoint, "p", span)
            # Rows drawn for annotators are no mean of the rows, as above.
            parts.append(f"l AS (SELECT * FROM ({latest}) WHERE source <> 'annotator' OR weight = 1)")  # noqa: S608
            joins.append("LEFT JOIN l USING (prediction_id)")
        if rewards:
            columns += [f"r.{quoted(f'{kind}.{name}')}" for name in rewards for kind in ("reward", "rewarded_at")]
            parts.append(f"r AS ({_rewards(self._tables.latest(REWARDED, endpoint, 'p', span), rewards)})")
            joins.append("LEFT JOIN r USING (prediction_id)")
        mine = "release_id = $release AND " if release_id is not None else ""
        where = f"{mine}role IN ('champion', 'challenger')"
        first = f"p AS MATERIALIZED (SELECT * FROM ({source}) WHERE {where})"  # noqa: S608
        return self._tables.query(
            f"""WITH {", ".join([first, *parts])} SELECT {", ".join(columns)} FROM p {" ".join(joins)}
            ORDER BY p.event_at, p.prediction_id""",  # noqa: S608
            {"release": release_id} if release_id is not None else None,
        )

    def new_rows(self, endpoint: str, after_version: int | None) -> tuple[int, pa.Table]:
        """Predictions that were committed after a version of the table.

        Args:
            endpoint: Its name.
            after_version: The last version seen, or None for all rows.

        Returns:
            The present version (-1 before the first commit), and the rows with all columns of the table but `date`. If
            the history since then is gone (upkeep keeps some thousand commits), that is all rows, also those seen.
        """
        table = self._tables.log.table("predictions", endpoint)
        if table is None:
            return -1, self._tables.query(f"SELECT * EXCLUDE (date) FROM ({relation([], PREDICTIONS)})")  # noqa: S608
        version = table.version()
        files = commits.files_of(table) if after_version is None else commits.new_files(table, after_version, version)
        schema = self._tables.schema("predictions", endpoint)
        found = relation([str(file) for file in files], schema)
        rows = self._tables.query(f"SELECT * EXCLUDE (date) FROM ({found})")  # noqa: S608
        # With the metadata that says which field a column holds.
        return version, rows.cast(pa.schema([logical(schema).field(name) for name in rows.column_names]))

    def seen_now(self, endpoint: str) -> Seen:
        """How far the log is now, for `changed_days`."""
        return changed_days.seen_now(self._tables, endpoint)

    def changed_days(self, endpoint: str, since: Seen, upto: Seen) -> set[datetime]:
        """Days (UTC, of the event) that got predictions, or labels of their predictions, between two looks."""
        return changed_days.changed_days(self._tables, endpoint, since, upto)

    def label_stats(self, endpoint: str) -> LabelStats:
        """Count labels and what they match."""
        found = self.ledger.stats(endpoint)
        return LabelStats(labels=found.rows, labelled=found.predictions, unmatched=found.unmatched)

    def has_labels(self, endpoint: str) -> bool:
        """Whether any label ever came."""
        return self._tables.log.table("labels", endpoint) is not None


def _slices(inputs: Sequence[str], predictions: pa.Schema) -> list[str]:
    """Columns of inputs, under the name of the input; the first of several that hold one field."""
    held = {field_name(field): field.name for field in reversed(list(predictions))}
    columns = {name: held.get(f"input.{name}") for name in inputs}
    return [f"p.{quoted(column)} AS {quoted(f'slice.{name}')}" for name, column in columns.items() if column]


def _rewards(latest: str, names: Sequence[str]) -> str:
    """One row a prediction, with each reward and when it was observed."""
    each = ", ".join(
        f"max({column}) FILTER (name = {text(name)}) AS {quoted(f'{kind}.{name}')}"
        for name in names
        for kind, column in (("reward", "value"), ("rewarded_at", "observed_at"))
    )
    return f"SELECT prediction_id, {each} FROM ({latest}) GROUP BY prediction_id"  # noqa: S608


def _answers(output: str, predictions: pa.Schema, scores: pa.Schema) -> str:
    """Both versions' columns of one output: who answered has it in the log, the other in the scores."""
    logged = f"p.{quoted(output)}" if output in predictions.names else "NULL"
    scored = f"s.{quoted(output)}" if output in scores.names else "NULL"
    name = output.removeprefix("output.")
    return f"""
        CASE WHEN p.role = 'challenger' THEN {scored} ELSE {logged} END AS {quoted(f"champion.{name}")},
        CASE WHEN p.role = 'challenger' THEN {logged} ELSE {scored} END AS {quoted(f"challenger.{name}")}"""
