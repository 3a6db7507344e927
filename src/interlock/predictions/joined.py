"""Predictions with all that was said of them, as one relation: the label that counts, the decision, and the rewards.

Used by SQL queries (`E_joined`) and by exports. Every prediction is there once, with nulls where nothing was said.
"""

from collections.abc import Collection, Sequence

from interlock.domain.errors import InvalidInputError
from interlock.predictions.log_tables import LogTables, Span
from interlock.predictions.relations import DECIDED, LABELLED, REWARDED, quoted, text

LABEL_COLUMNS = {
    "label": "l.label",
    "label_text": "l.label_text",
    "label_number": "l.label_number",
    "observed_at": "l.observed_at",
    "labelled_at": 'l."at"',
    "label_source": "l.source",
    "label_weight": "l.weight",
}
DECISION_COLUMNS = {
    "decision": "d.decision",
    "decision_text": "d.decision_text",
    "decision_number": "d.decision_number",
    "decided_at": "d.observed_at",
    "decision_source": "d.source",
}

EVENLY_LABELLED = "label_source IS DISTINCT FROM 'annotator' OR label_weight = 1"
"""Of joined rows, those whose label was not drawn for an annotator with a chance of its own: a plain mean over others
would lean towards what is drawn more often."""

_REWARD = "reward."
# Each is a column. Who has more names than this means something else by them; the rewards are a table too.
_MOST_REWARDS = 100


def labelled(tables: LogTables, endpoint: str, predictions: str, span: Span = None) -> str:
    """A query of predictions with their labels.

    Args:
        tables: The log.
        endpoint: Its name.
        predictions: A query with all columns of the predictions wanted.
        span: Their ids, as of `LogTables.span`.
    """
    latest = tables.latest(LABELLED, endpoint, f"({predictions})", span)
    return f"SELECT p.*, {_listed(LABEL_COLUMNS)} FROM ({predictions}) p LEFT JOIN ({latest}) l USING (prediction_id)"  # noqa: S608


def joined(
    tables: LogTables,
    endpoint: str,
    predictions: str,
    rewards: Sequence[str],
    *,
    span: Span = None,
    wanted: Collection[str] | None = None,
) -> str:
    """A query of predictions with labels, decisions and rewards.

    Args:
        tables, endpoint, predictions, span: As for `labelled`.
        rewards: Names, as of `reward_names`; each is a column `reward.NAME`.
        wanted: Columns that will be read of it; what adds none of them is left out. Default: all.
    """
    named = [name for name in rewards if wanted is None or f"{_REWARD}{name}" in wanted]
    parts = [
        (_listed(columns), f"LEFT JOIN ({tables.latest(kind, endpoint, f'({predictions})', span)}) {alias}")
        for kind, alias, columns in ((LABELLED, "l", LABEL_COLUMNS), (DECIDED, "d", DECISION_COLUMNS))
        if wanted is None or columns.keys() & set(wanted)
    ]
    if named:
        columns = ", ".join(f"r.{_column(name)}" for name in named)
        parts.append((columns, f"LEFT JOIN ({_rewards(tables, endpoint, predictions, named, span)}) r"))
    added = "".join(f", {columns}" for columns, _ in parts)
    joins = " ".join(f"{join} USING (prediction_id)" for _, join in parts)
    return f"SELECT p.*{added} FROM ({predictions}) p {joins}"  # noqa: S608


def joined_columns(rewards: Sequence[str]) -> list[str]:
    """Names of the columns that `joined` adds."""
    return [*LABEL_COLUMNS, *DECISION_COLUMNS, *(f"{_REWARD}{name}" for name in rewards)]


def reward_names(tables: LogTables, endpoint: str) -> list[str]:
    """Names of the rewards that ever came, in order.

    Raises:
        InvalidInputError: They are too many to be columns.
    """
    found = tables.query(f"SELECT DISTINCT name FROM ({tables.relation('rewards', endpoint)}) ORDER BY name")  # noqa: S608
    if found.num_rows > _MOST_REWARDS:
        raise InvalidInputError(
            f"{endpoint!r} has rewards by {found.num_rows} names, at most {_MOST_REWARDS} can be columns; "
            f"join with the table rewards_{endpoint} instead"
        )
    return [str(name) for name in found["name"].to_pylist()]


def _rewards(tables: LogTables, endpoint: str, predictions: str, names: Sequence[str], span: Span) -> str:
    latest = tables.latest(REWARDED, endpoint, f"({predictions})", span)
    each = ", ".join(f"max(value) FILTER (name = {text(name)}) AS {_column(name)}" for name in names)
    return f"SELECT prediction_id, {each} FROM ({latest}) GROUP BY prediction_id"  # noqa: S608


def _column(reward: str) -> str:
    return quoted(f"{_REWARD}{reward}")


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{source} AS {name}" for name, source in columns.items())
