"""Rows that were assigned by chance, with what each earned: what off-policy evaluation reads of the log.

Called by `evaluation`. Rows of releases with a propensity below 1 are such rows; others could have gone nowhere else.
Requests that named a version are left out. Rows stay numbers and few: ids are hashed in the query.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from interlock.domain.errors import InvalidInputError
from interlock.predictions.joined import EVENLY_LABELLED, joined, reward_names
from interlock.predictions.log_tables import LogTables
from interlock.predictions.relations import quoted

QUALITY = "quality"
"""The reward that is computed of labels: 1 for a right class, minus the absolute error for a number."""

# Some 200 MB of arrays in the process of the control API.
_MOST_ROWS = 3_000_000


@dataclass(frozen=True)
class Asked:
    """Which rows.

    Args:
        endpoint: Whose log.
        since, until: Range of `event_at`, the end excluded.
        reward: A logged reward's name, `QUALITY`, or None for the only one there is, which comes before labels.
        columns: Inputs, without `input.`.
    """

    endpoint: str
    since: datetime | None
    until: datetime | None
    reward: str | None
    columns: Sequence[str]


@dataclass(frozen=True)
class LoggedRewards:
    """What was found.

    Args:
        reward: Its name.
        rows: `unit` (a hash), `release_id`, `assigned_version`, `propensity`, `reward` or, for `QUALITY`, `label`,
            `label_number` and the outputs; and the inputs.
        not_randomised: Rows of the time that chance did not assign.
    """

    reward: str
    rows: pa.Table
    not_randomised: int


def read(tables: LogTables, asked: Asked) -> LoggedRewards:
    """Read them.

    Raises:
        InvalidInputError: A column or a reward is not there, there is no single reward to choose, or the rows are too
            many.
    """
    reward = _reward(tables, asked)
    present = tables.columns("predictions", asked.endpoint).names
    _check_columns(asked, present)
    rows = f"SELECT * FROM ({tables.predictions(asked.endpoint, asked.since, asked.until)})"  # noqa: S608
    chance = "release_id IS NOT NULL AND propensity > 0 AND propensity < 1 AND role <> 'pinned'"
    counted = tables.query(
        f"SELECT count(*) FILTER (WHERE {chance}) AS n, count(*) AS all_rows FROM ({rows}) WHERE role <> 'pinned'"  # noqa: S608
    ).to_pylist()[0]
    if counted["n"] > _MOST_ROWS:
        raise InvalidInputError(
            f"{counted['n']:,} rows were assigned by chance, at most {_MOST_ROWS:,} can be evaluated at once; narrow "
            "the time with since and until"
        )
    found = tables.query(_selected(tables, asked, f"SELECT * FROM ({rows}) WHERE {chance}", reward, present))  # noqa: S608
    return LoggedRewards(reward, found, counted["all_rows"] - counted["n"])


def _selected(tables: LogTables, asked: Asked, rows: str, reward: str, present: Sequence[str]) -> str:
    columns = [quoted(f"input.{name}") for name in asked.columns]
    if reward == QUALITY:
        columns += [
            f"CASE WHEN {EVENLY_LABELLED} THEN {column} END AS {name}"
            for column, name in (("label_text", "label"), ("label_number", "label_number"))
        ]
        columns += [quoted(name) for name in ("output.label", "output.prediction") if name in present]
        wanted, rewards = ["label_text", "label_number"], []
    else:
        columns.append(f"{quoted(f'reward.{reward}')} AS reward")
        wanted, rewards = [f"reward.{reward}"], [reward]
    span = tables.span(asked.endpoint, asked.since, asked.until)
    source = joined(tables, asked.endpoint, rows, rewards, span=span, wanted=wanted)
    listed = ", ".join(("hash(unit) AS unit", "release_id", "assigned_version", "propensity", *columns))
    return f"SELECT {listed} FROM ({source})"  # noqa: S608


def _reward(tables: LogTables, asked: Asked) -> str:
    known = reward_names(tables, asked.endpoint)
    choice = [*known, *([QUALITY] if tables.log.table("labels", asked.endpoint) is not None else [])]
    if asked.reward is None and (len(known) == 1 or len(choice) == 1):
        return choice[0]
    if asked.reward in choice:
        return str(asked.reward)
    there = f"there is {', '.join(choice)}" if choice else "neither rewards nor labels came for this endpoint"
    what = "reward: several could be meant" if asked.reward is None else f"reward == {asked.reward!r}, is not logged"
    raise InvalidInputError(f"{what}; {there}")


def _check_columns(asked: Asked, present: Sequence[str]) -> None:
    unknown = [name for name in asked.columns if f"input.{name}" not in present]
    if unknown:
        inputs = [name.removeprefix("input.") for name in present if name.startswith("input.")]
        raise InvalidInputError(
            f"policy: column {', '.join(map(repr, unknown))} is not logged; there is {', '.join(inputs[:40])}"
        )
