"""Serves the control plane on the supervisor's listening socket until SIGTERM."""

import socket

import uvicorn
from fastapi import FastAPI

_DRAIN_SECONDS = 5


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Run until SIGTERM; requests that are under way get a moment to end."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])
