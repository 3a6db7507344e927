"""What a gateway says about itself with every heartbeat. Written by gateways, read by releases, registry and views."""

from datetime import datetime

import msgspec


class GatewayState(msgspec.Struct, frozen=True, kw_only=True):
    """The last heartbeat of one gateway worker.

    Args:
        id: Its slot, unique among all gateways that share the store.
        at: When it beat.
        pid: Its process.
        generations: Endpoint to the generation of the traffic plan it serves, all of whose versions it tried to load.
        load_errors: `name:version` to why it could not be loaded. A version that is not here is loaded.
        trips: What this gateway's guard withdrew by itself (`TrafficPlan.guarded`: the release, of several challengers
            also which) to the reason.
    """

    id: str
    at: datetime
    pid: int
    generations: dict[str, int] = {}
    load_errors: dict[str, str] = {}
    trips: dict[str, str] = {}
