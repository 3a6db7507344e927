"""Whether the gateways have the candidate: no version gets traffic before each live one has reported it loaded."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from interlock.domain.gateway_state import GatewayState
from interlock.domain.release import Release
from interlock.domain.traffic import TrafficPlan

LIVE_SECONDS = 5.0
"""A gateway beats about once a second; one silent for this long takes no part until it is back."""


def live_since(now: datetime) -> datetime:
    """A gateway that beat since then is alive."""
    return now - timedelta(seconds=LIVE_SECONDS)


def load_error(candidate: str, plan: TrafficPlan, gateways: Sequence[GatewayState]) -> str | None:
    """Why a gateway that knows the current plan could not load a candidate, if one said so."""
    for gateway in gateways:
        if _knows(gateway, plan) and candidate in gateway.load_errors:
            return gateway.load_errors[candidate]
    return None


def trip(release: Release, candidate: str, gateways: Sequence[GatewayState]) -> str | None:
    """Why a gateway's guard withdrew a candidate, if one did. It counts also if that gateway has died since."""
    name = f"{release.id} {candidate}" if release.compares_arms else release.id
    return next((gateway.trips[name] for gateway in gateways if name in gateway.trips), None)


def missing(plan: TrafficPlan, gateways: Sequence[GatewayState]) -> str | None:
    """What is waited for before traffic may move, or None when every live gateway serves the current plan."""
    if not gateways:
        return "waiting: no gateway is alive"
    behind = [gateway.id for gateway in gateways if not _knows(gateway, plan)]
    return f"waiting: {', '.join(behind)} still loading" if behind else None


def _knows(gateway: GatewayState, plan: TrafficPlan) -> bool:
    return gateway.generations.get(plan.endpoint, 0) >= plan.generation
