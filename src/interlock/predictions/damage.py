"""Damage: something that a crash, a full disk or a hand left behind, and how it is mended, if it can be.

Found and mended by `interlock doctor`. To find changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong.

    Args:
        what: One sentence, with names and numbers.
        outcome: `warning` for what hurts nothing, or heals by itself.
        mend: Mends it, and says how it went; None if that is not possible.
        remedy: What a person can do instead.
    """

    what: str
    outcome: Literal["warning", "error"]
    mend: Callable[[], str] | None = None
    remedy: str = ""
