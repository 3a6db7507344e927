"""Who serves what share now. Written by releases, read by gateways, changed only by writing the next generation."""

import hashlib

import msgspec

from interlock.domain.contract import PrivacyRule
from interlock.domain.endpoint import Durability, WhenFull


class TrafficPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway needs to know to route one endpoint.

    Args:
        endpoint: Its name.
        generation: Counts up with every change; a gateway reports the one it has loaded.
        champion: `name:version` that answers by default, and for a failing challenger.
        challenger: `name:version` under release, or None.
        traffic_share: Share of units assigned to the challenger, 0 to 1.
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
        named = (self.champion, *((self.challenger,) if self.challenger else ()), *self.warm)
        return tuple(dict.fromkeys(named))


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
