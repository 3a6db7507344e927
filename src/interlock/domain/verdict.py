"""What a check found in a window. Four outcomes; only `ok` is good news."""

from datetime import datetime
from typing import Any, Literal

import msgspec

CheckOutcome = Literal["ok", "breach", "no_data", "error"]
Signal = Literal["service", "rejected", "input", "output", "quality", "estimate", "concept"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check: `name` (`drift.temp`, `errors`, `roc_auc`), its value, and what was expected."""

    name: str
    signal: Signal
    version: str | None
    outcome: CheckOutcome
    value: float | None
    expected: str
    rows: int = 0
    details: dict[str, Any] = {}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A check as stored, for one endpoint and window of event time.

    Args:
        endpoint, window_start, window_end: What was judged, the end excluded.
        check: What was found.
        at: When it was said.
        revision: 0 for what was said first, then 1, 2, ... as late labels changed it. What was said before stays.
    """

    endpoint: str
    window_start: datetime
    window_end: datetime
    check: Check
    at: datetime
    revision: int = 0
