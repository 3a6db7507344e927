"""How the server is: its address book, its processes, what its gateways have loaded. Health needs no key."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from fastapi import APIRouter, Request

from interlock.api.access import PUBLIC, GuardedRoute, needs
from interlock.api.rendering import plain
from interlock.api.services import Given
from interlock.api.serving import ALIVE

router = APIRouter(tags=["status"], route_class=GuardedRoute)

_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 (compared with, not bound to)


@router.get("/health", **needs(PUBLIC))
async def health() -> dict[str, str]:
    """Answers while the control plane does."""
    return {"status": "ok"}


@router.get("/address", **needs("predict", limited_keys=True))
def address(request: Request, services: Given) -> dict[str, str]:
    """Where the gateway is, for clients that know the control port."""
    return {"gateway": gateway_url(request, services)}


@router.get("/status", **needs("read", limited_keys=True))
def status(request: Request, services: Given) -> dict[str, Any]:
    """Addresses, processes, gateways."""
    with services.store.read() as tx:
        gateways = tx.gateways.live(services.clock() - ALIVE)
    return {
        "version": version("interlock"),
        "gateway": gateway_url(request, services),
        "processes": processes(services.settings.run / "processes.json"),
        "gateways": plain(gateways),
    }


def gateway_url(request: Request, services: Given) -> str:
    """The gateway as this caller can reach it: by the same name as the control port, if it listens everywhere.

    With TLS always so: the certificate that names the one names the other.
    """
    bound, tls = services.settings.host, services.settings.tls_files is not None
    host = (request.url.hostname or "127.0.0.1") if tls or bound in _EVERYWHERE else bound
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{services.settings.port}"


def processes(path: Path) -> list[dict[str, Any]]:
    """The parts of this server as its supervisor last described them."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except FileNotFoundError:  # before the supervisor's first report
        return []
