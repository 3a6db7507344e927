"""Serves the control plane on the supervisor's listening socket until SIGTERM."""

import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI

_DRAIN_SECONDS = 5


def serve(app: FastAPI, listener: socket.socket, *, tls_files: tuple[Path, Path] | None = None) -> None:
    """Run until SIGTERM; requests that are under way get a moment to end.

    Args:
        tls_files: Certificate chain and key, for HTTPS.
    """
    certificate, key = tls_files or (None, None)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    uvicorn.Server(config).run(sockets=[listener])
