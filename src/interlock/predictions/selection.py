"""Rows of the log by time, version and column: what of it is read is what was asked for.

Called in the process of `stream_job`. Files of other days are not opened, and columns that nobody asked for not read.
"""

from collections.abc import Sequence

from interlock.domain.errors import InvalidInputError
from interlock.predictions.joined import joined, joined_columns, reward_names
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import quoted, text
from interlock.predictions.streams import Selection


def select(tables: LogTables, wanted: Selection) -> str:
    """The query.

    Raises:
        InvalidInputError: A column is not there.
    """
    own = tables.schema("predictions", wanted.endpoint).names
    rewards = reward_names(tables, wanted.endpoint) if wanted.joined else []
    known = [*own, *(joined_columns(rewards) if wanted.joined else ())]
    columns = list(wanted.columns) or known
    _check(wanted, columns, known)
    rows = tables.predictions(wanted.endpoint, wanted.since, wanted.until)
    if wanted.versions:
        rows = f"SELECT * FROM ({rows}) WHERE {_answered_by(wanted.versions)}"  # noqa: S608
    if set(columns) - set(own):
        span = tables.span(wanted.endpoint, wanted.since, wanted.until)
        rows = joined(tables, wanted.endpoint, rewards=rewards, predictions=rows, span=span, wanted=columns)
    return f"SELECT {', '.join(map(quoted, columns))} FROM ({rows})"  # noqa: S608


def _answered_by(versions: Sequence[str]) -> str:
    full = [text(version) for version in versions if ":" in version]
    numbers = [text(version) for version in versions if ":" not in version]
    listed = [f"version IN ({', '.join(full)})"] if full else []
    if numbers:
        listed.append(f"split_part(version, ':', 2) IN ({', '.join(numbers)})")
    return f"({' OR '.join(listed)})"


def _check(wanted: Selection, columns: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in columns if name not in known]
    if not unknown:
        return
    meant = [full for name in unknown for full in (f"input.{name}", f"output.{name}") if full in known]
    if meant:
        remedy = f"did you mean {', '.join(meant)}?"
    elif not wanted.joined and set(unknown) <= set(joined_columns([])):
        remedy = "ask for the joined log"
    else:
        remedy = f"there is: {', '.join(known)}"
    raise InvalidInputError(f"the log of {wanted.endpoint!r} has no column {', '.join(map(repr, unknown))}; {remedy}")
