"""From looks to alerts: how long something must be bad to fire, and good to be over. Pure; called by `incidents`.

             a bad                     b bad for long enough
    (good) ─────────► pending ───────────────────────────────► firing ◄─┐ d bad again before it is over
      ▲                  │                                       │  │   │
      ├──────────────────┘ c good again                          │  └───┘
      │                                                          │ e good for long enough
      │ f good, the cooldown has passed                          ▼
      └───────────────────────────────────────────────────────  over ──► pending, of the same incident
                                                                     g bad again within the cooldown

A window older than what was seen before (late labels revised it) changes nothing that is firing or over.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from interlock.domain.alert import Condition
from interlock.monitoring.observation import Observation


@dataclass(frozen=True, slots=True)
class Advance:
    """The condition after a look, None if there is nothing to remember, and what changed for people."""

    condition: Condition | None
    change: Literal["none", "fires", "fires_again", "is_over"] = "none"


def advance(before: Condition | None, seen: Observation) -> Advance:
    """Take one look into account.

    Args:
        before: As the look before left it.
        seen: The look.
    """
    return _bad(before, seen) if seen.is_bad else _good(before, seen)


def _bad(before: Condition | None, seen: Observation) -> Advance:
    if before is None or _is_forgotten(before, seen):
        before = Condition(rule=seen.rule.name, state="pending", since=seen.start, bad_until=seen.end)
    elif before.state == "over":
        if before.over_at is not None and seen.end <= before.over_at:
            return Advance(before)
        before = msgspec.structs.replace(before, state="pending", since=seen.start, bad_until=seen.end)
    is_news = before.good_since is None or seen.end > before.good_since
    now = msgspec.structs.replace(
        before, bad_until=max(before.bad_until, seen.end), good_since=None if is_news else before.good_since
    )
    if now.state == "firing" or now.bad_until - now.since < seen.rule.bad_for:
        return Advance(now)
    fires = msgspec.structs.replace(now, state="firing")
    return Advance(fires, "fires" if now.alert is None else "fires_again")


def _good(before: Condition | None, seen: Observation) -> Advance:
    if before is None or _is_forgotten(before, seen):
        return Advance(None)
    if before.state == "over" or seen.end < before.bad_until:
        return Advance(before)
    if before.state == "pending":
        return Advance(None if before.alert is None else msgspec.structs.replace(before, state="over"))
    since = seen.start if before.good_since is None else min(before.good_since, seen.start)
    if seen.end - since >= seen.rule.over_after:
        return Advance(msgspec.structs.replace(before, state="over", good_since=None, over_at=seen.end), "is_over")
    return Advance(msgspec.structs.replace(before, good_since=since))


def _is_forgotten(before: Condition, seen: Observation) -> bool:
    return before.state == "over" and before.over_at is not None and seen.end - before.over_at >= seen.rule.cooldown
