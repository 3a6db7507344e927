"""Who serves what share now. Written by releases, read by gateways, changed only by writing the next generation."""

import hashlib

import msgspec

from interlock.domain.contract import PrivacyRule
from interlock.domain.endpoint import Durability, WhenFull

POINTS = 1_000_000
"""Shares of arms are whole millionths: what is routed, written down and computed with is then the same number."""


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One of several challengers: the units that are its own.

    Args:
        version: `name:version`.
        slots: Ranges of positions in millionths (`position`), the end excluded, in order, apart from other arms'. All
            that no arm has is the champion's.
    """

    version: str
    slots: tuple[tuple[int, int], ...] = ()

    @property
    def points(self) -> int:
        """Its share in millionths."""
        return sum(stop - start for start, stop in self.slots)

    @property
    def share(self) -> float:
        return self.points / POINTS


class Challenger(msgspec.Struct, frozen=True, kw_only=True):
    """A challenger as gateways route to it. `slots`: ranges of positions, 0 to 1, the end excluded."""

    version: str
    share: float
    slots: tuple[tuple[float, float], ...]


class TrafficPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway needs to know to route one endpoint.

    Args:
        endpoint: Its name.
        generation: Counts up with every change; a gateway reports the one it has loaded.
        champion: `name:version` that answers by default, and for a failing challenger.
        challenger: `name:version` under release, or None.
        traffic_share: Share of units assigned to the challenger, 0 to 1.
        arms: The challengers of a release that compares arms (A/B test, bandit); `challenger` is None then.
        salt: Key of the assignment hash. Belongs to the release, so that releases are independent of each other.
        release_id, step: The release and its step this plan belongs to.
        warm: Further versions kept loaded (for instant return, and for `/versions/{v}`).
        deadline_ms: Of each attempt.
        guard_max_failure_rate: The gateway withdraws the challenger by itself when its failure rate is surely above.
        durability, when_full, privacy, image_share: As the endpoint's.
    """

    endpoint: str
    generation: int
    champion: str
    challenger: str | None = None
    traffic_share: float = 0.0
    arms: tuple[Arm, ...] = ()
    salt: str = ""
    release_id: str | None = None
    step: int | None = None
    warm: tuple[str, ...] = ()
    deadline_ms: float = 1000.0
    guard_max_failure_rate: float = 0.2
    durability: Durability = "process"
    when_full: WhenFull = "refuse"
    privacy: dict[str, PrivacyRule] = {}
    image_share: float | None = None

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that must be loaded, champion first, without repeats."""
        return tuple(dict.fromkeys((self.champion, *(each.version for each in self.challengers), *self.warm)))

    @property
    def challengers(self) -> tuple[Challenger, ...]:
        """All versions under release, with their shares."""
        if self.challenger is not None:
            share = min(1.0, max(0.0, self.traffic_share))
            return (Challenger(version=self.challenger, share=share, slots=((0.0, share),)),)
        return tuple(
            Challenger(
                version=arm.version,
                share=arm.share,
                slots=tuple((start / POINTS, stop / POINTS) for start, stop in arm.slots),
            )
            for arm in self.arms
        )

    @property
    def shares(self) -> dict[str, float]:
        """The share of every version in the traffic, champion first."""
        found = {each.version: each.share for each in self.challengers}
        return {self.champion: max(0.0, 1.0 - sum(found.values())), **found}

    def guarded(self, version: str) -> str:
        """What a gateway's guard on a challenger is known by: its release, and of several arms the version too."""
        return f"{self.release_id} {version}" if self.arms else str(self.release_id)


def position(salt: str, unit: str) -> float:
    """Where a unit stands between 0 and 1: stable over restarts and machines, independent between salts.

    A unit is assigned to the challenger when its position is below the traffic share, so raising the share moves no one
    back.

    Examples:
        >>> round(position("r1", "alice"), 6) == round(position("r1", "alice"), 6)
        True
        >>> position("r1", "alice") == position("r2", "alice")
        False
    """
    digest = hashlib.blake2b(unit.encode(), key=salt.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
