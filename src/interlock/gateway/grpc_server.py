"""The worker's gRPC server, in the same event loop as HTTP.

Each worker listens on the same port by SO_REUSEPORT, and the kernel spreads connections over them: gRPC takes no
listening socket that somebody else has bound, so it cannot share one as the HTTP servers do. The supervisor holds the
port all the while (`process/sockets.py`), so that it is not lost when every worker restarts.
"""

from pathlib import Path
from typing import Any

import grpc

from interlock.domain.errors import InvalidInputError
from interlock.gateway.grpc_service import GrpcService, KeyCheck

_DRAIN_SECONDS = 10.0
# Each may hold a message; more than these are told to come again.
_MOST_CALLS = 4096
_MOST_METADATA_BYTES = 64 * 1024
_IDLE_MILLISECONDS = 10 * 60 * 1000


class GrpcServer:
    """Serves on one address until it is stopped.

    Args:
        max_message_bytes: Larger requests are refused.
        tls_files: Certificate chain and key in PEM, for TLS.
    """

    def __init__(
        self, service: GrpcService, key_check: KeyCheck, *, max_message_bytes: int, tls_files: tuple[Path, Path] | None
    ) -> None:
        options = [
            ("grpc.so_reuseport", 1),
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", _MOST_METADATA_BYTES),
            ("grpc.max_connection_idle_ms", _IDLE_MILLISECONDS),
            ("grpc.http2.max_ping_strikes", 0),
        ]
        self._server: Any = grpc.aio.server(
            interceptors=(key_check,), options=options, maximum_concurrent_rpcs=_MOST_CALLS
        )
        self._server.add_generic_rpc_handlers(service.handlers())
        self._tls_files = tls_files

    async def start(self, host: str, port: int) -> int:
        """Listen.

        Returns:
            The port, which the system chooses if `port` is 0.

        Raises:
            InvalidInputError: It cannot be listened on.
        """
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            found = self._add(address)
        except RuntimeError as error:
            raise InvalidInputError(f"cannot listen for gRPC on {address}; choose another --grpc-port") from error
        await self._server.start()
        return found

    def _add(self, address: str) -> int:
        if self._tls_files is None:
            return int(self._server.add_insecure_port(address))
        certificate, key = (path.read_bytes() for path in self._tls_files)
        return int(self._server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)])))

    async def stop(self) -> None:
        """Accept nothing more, and let calls under way finish."""
        await self._server.stop(_DRAIN_SECONDS)
