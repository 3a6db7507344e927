"""What one look at one thing found: what sources of signals give to `incidents`."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from interlock.domain.alert import Rule

# What the store keeps of a key; names of columns may be of any length.
_LONGEST_KEY = 512


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


def key_of(*parts: str) -> str:
    """A key of what is looked at, short enough for the store whatever the parts are.

    Examples:
        >>> key_of("drift", "m:1", "drift.x"), len(key_of("drift", "m:1", 1000 * "x"))
        ('drift:m:1:drift.x', 512)
    """
    whole = ":".join(parts).replace("\0", "\N{SYMBOL FOR NULL}")
    if len(whole) <= _LONGEST_KEY:
        return whole
    digest = hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return whole[: _LONGEST_KEY - len(digest)] + digest
