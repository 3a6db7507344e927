"""Waits until every live gateway serves a new endpoint, so that the next request after `create` is answered."""

import time
from datetime import timedelta

from interlock.api.services import Services
from interlock.domain.access import Key
from interlock.domain.errors import OverloadedError, UnloadableModelError
from interlock.domain.gateway_state import GatewayState
from interlock.domain.traffic import TrafficPlan

_TIMEOUT_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
ALIVE = timedelta(seconds=5)
"""A gateway beats several times a second; one that was silent for so long is not waited for."""


def await_served(
    services: Services,
    endpoint: str,
    actor: Key,
    *,
    timeout_seconds: float = _TIMEOUT_SECONDS,
    is_new: bool = True,
) -> None:
    """Return when all live gateways have loaded the endpoint's plan.

    Raises:
        UnloadableModelError: A gateway cannot load the model of a new endpoint. The endpoint is removed again.
        OverloadedError: No gateway, or not all of them, reported it in time. The endpoint stays.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        with services.store.read() as tx:
            plan = tx.plans.current(endpoint)
            gateways = tx.gateways.live(services.clock() - ALIVE)
        if is_new and (reason := _load_error(plan, gateways)) is not None:
            services.endpoints.delete(endpoint, actor=actor)
            raise UnloadableModelError(f"{plan.champion} cannot be served, so {endpoint!r} was not kept: {reason}")
        if gateways and all(gateway.generations.get(endpoint, 0) >= plan.generation for gateway in gateways):
            return
        if time.monotonic() > deadline:
            raise OverloadedError(
                f"endpoint {endpoint!r} exists, but not every gateway serves it after {timeout_seconds:g} s; "
                "see `interlock doctor`"
            )
        time.sleep(_PAUSE_SECONDS)


def _load_error(plan: TrafficPlan, gateways: list[GatewayState]) -> str | None:
    return next(
        (gateway.load_errors[plan.champion] for gateway in gateways if plan.champion in gateway.load_errors), None
    )
