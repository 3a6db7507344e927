"""All held-out rows, asked in batches; a batch that fails is halved until the failing rows stand alone."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.application_test.caller import Caller, Reply
from interlock.application_test.held_out import HeldOut
from interlock.domain.application_tests import RowCounts

MOST_BATCH_ROWS = 256
# Outputs that quality looks at. Others may have rows of different lengths, which make no array.
_SCORED = ("label", "probabilities", "prediction")

# An image is a megabyte, and the gateway takes 16 in one body.
_IMAGES_A_BATCH = 4

# A batch of a slow model must meet the deadline that single rows are given.
_SHARE_OF_DEADLINE = 0.25
_MEASURING_SECONDS = 10.0


@dataclass
class AskedRows:
    """What became of each row.

    Args:
        rows: The held-out data.
        answers: Outputs by name, of each row that was answered.
        refused, failed: Rows that were not.
        reasons: Why rows failed, counted.
    """

    rows: HeldOut
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def index(self) -> list[int]:
        """Rows that were answered, ascending."""
        return sorted(self.answers)

    @property
    def outputs(self) -> dict[str, NDArray[Any]]:
        """What quality looks at, one value for each row of `index`."""
        found = [self.answers[at] for at in self.index]
        names = [name for name in _SCORED if found and name in found[0]]
        return {name: np.array([one[name] for one in found]) for name in names}

    @property
    def counts(self) -> RowCounts:
        return RowCounts(
            in_file=self.rows.in_file,
            rows=len(self.answers) + len(self.refused) + len(self.failed),
            answered=len(self.answers),
            refused=len(self.refused),
            failed=len(self.failed),
            reasons=dict(self.reasons.most_common(10)),
        )


def ask_all(caller: Caller, rows: HeldOut, *, batch_rows: int, seconds: float) -> AskedRows:
    """Ask for every row; stop trying after `seconds`.

    Args:
        batch_rows: In one request.
    """
    found = AskedRows(rows)
    waiting = [list(range(start, min(start + batch_rows, rows.rows))) for start in range(0, rows.rows, batch_rows)]
    waiting.reverse()
    ends = time.monotonic() + seconds
    while waiting and time.monotonic() < ends:
        part = waiting.pop()
        reply = caller.ask(rows.take(part))
        if reply.handling == "answered" or len(part) == 1:
            _note(found, part, reply, caller)
        else:
            half = len(part) // 2
            waiting += [part[half:], part[:half]]
    return found


def _note(found: AskedRows, part: list[int], reply: Reply, caller: Caller) -> None:
    if reply.handling == "answered":
        for place, at in enumerate(part):
            found.answers[at] = {name: values[place] for name, values in reply.outputs.items()}
        return
    (found.refused if reply.handling == "refused" else found.failed).extend(part)
    if reply.handling == "failed":
        found.reasons[f"{reply.said}: {why}" if (why := caller.stand.last_error()) else reply.said] += 1


def batch_rows_of(caller: Caller, rows: HeldOut, deadline_ms: float) -> int:
    """How many rows one request may have: measured on the first rows that are answered."""
    most = _IMAGES_A_BATCH if any(one.image is not None for one in caller.contract.inputs) else MOST_BATCH_ROWS
    took: list[float] = []
    ends = time.monotonic() + _MEASURING_SECONDS
    for at in range(min(rows.rows, 10)):
        if time.monotonic() > ends:
            break
        began = time.perf_counter()
        if caller.ask(rows.take([at])).handling == "answered":
            took.append((time.perf_counter() - began) * 1000)
    fit = int(_SHARE_OF_DEADLINE * deadline_ms / np.median(took)) if took else 1
    return max(1, min(most, fit))
