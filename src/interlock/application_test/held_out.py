"""The held-out file: rows that the version was not trained on, with what happened where that is known.

Read in the testing process, by the reader that `interlock predict` uses, so that a row means here what it means to a
caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interlock.client.data_file import read_columns
from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError
from interlock.registry.application_tests import Job
from interlock.registry.learnt_fields import evenly

MOST_ROWS = 20_000
"""More are thinned evenly: they would make intervals narrower than anybody decides by."""


@dataclass(frozen=True)
class HeldOut:
    """Rows of the file.

    Args:
        columns: What the version and the champion take, by name.
        labels: What happened, None where it is not known; empty without labels.
        groups: Columns by which rows are grouped.
        in_file: Rows of the whole file.
    """

    columns: Mapping[str, list[Any]]
    labels: list[Any]
    groups: Mapping[str, list[Any]]
    in_file: int

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def take(self, rows: Sequence[int]) -> dict[str, list[Any]]:
        """Some rows, by column."""
        return {name: [values[at] for at in rows] for name, values in self.columns.items()}


def read(job: Job) -> HeldOut:
    """Read the file of a test.

    Raises:
        InvalidInputError: It cannot be read, or lacks a column that the version takes or that was named.
    """
    try:
        columns = read_columns(Path(job.data))
    except InvalidInputError as error:
        raise InvalidInputError(*(fault.replace(job.data, job.data_name) for fault in error.faults)) from error
    _check(job, columns)
    rows = len(next(iter(columns.values())))
    index = evenly(rows, MOST_ROWS).tolist() if rows > MOST_ROWS else list(range(rows))

    def column(name: str) -> list[Any]:
        values = columns[name]
        return [_plain(values[at]) for at in index]

    versions = (job.candidate, job.champion) if job.champion is not None else (job.candidate,)
    taken = {one.name: None for version in versions for one in version.contract.inputs if one.name in columns}
    return HeldOut(
        {name: column(name) for name in taken},
        column(job.label) if job.label else [],
        {name: column(name) for name in (*job.slices, *job.protected)},
        rows,
    )


def _plain(value: Any) -> Any:
    """Of an image as data sets store it, its bytes; missing numbers as missing."""
    if isinstance(value, dict) and "bytes" in value:
        return value["bytes"]
    return None if isinstance(value, float) and np.isnan(value) else value


def _check(job: Job, columns: Mapping[str, list[Any]]) -> None:
    faults = [_lacking(job, name) for name in _required(job.candidate.contract) if name not in columns]
    for what, names in (("label", (job.label,)), ("slices", job.slices), ("protected", job.protected)):
        for name in names:
            if name and name not in columns:
                there = ", ".join(list(columns)[:40])
                faults.append(f"{what} == {name!r}, {job.data_name} has no such column; it has: {there}")
    if (job.slices or job.protected) and not job.label:
        faults.append("slices and protected groups are compared by their quality; name the column of labels too")
    if not columns.keys() & {one.name for one in job.candidate.contract.inputs}:
        faults.append(f"{job.data_name} has no column that {job.candidate.ref} takes")
    if faults:
        raise InvalidInputError(*faults)


def _required(contract: Contract) -> list[str]:
    return [one.name for one in contract.inputs if not one.nullable and not one.is_parameter]


def _lacking(job: Job, name: str) -> str:
    return f"{job.data_name} lacks the column {name!r}, which {job.candidate.ref} takes"
