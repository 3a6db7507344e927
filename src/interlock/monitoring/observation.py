"""What one look at one thing found: what sources of signals give to `incidents`."""

from dataclasses import dataclass
from datetime import datetime

from interlock.domain.alert import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look.

    Args:
        rule: What it is judged by.
        endpoint: Whose; empty is the server itself.
        key: What was looked at, the same at every look.
        start, end: The window that was judged; both the same for a look at the clock.
        is_bad: Whether it is as it should not be.
        sentence: How it is, for a person.
        version: The model's version it is about, if it is about one.
    """

    rule: Rule
    endpoint: str
    key: str
    start: datetime
    end: datetime
    is_bad: bool
    sentence: str
    version: str | None = None
