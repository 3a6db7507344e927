"""The listening sockets belong to the supervisor: while a part restarts nobody is refused, callers wait."""

import errno
import ipaddress
import socket

from interlock.domain.errors import InvalidInputError

_BACKLOG = 2048


def listen(host: str, port: int, *, option: str) -> socket.socket:
    """Bind and listen.

    Args:
        port: 0 lets the system choose.
        option: The command-line option that sets the port, for the message.

    Raises:
        InvalidInputError: The port is in use or not allowed, or the host is not an address of this machine.
    """
    listener = _bound(host, port, option=option, reuse_address=True)
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise InvalidInputError(_explain(error, host, port, option)) from error
    listener.setblocking(False)
    return listener


def _bound(host: str, port: int, *, option: str, reuse_address: bool) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, OverflowError) as error:
        raise InvalidInputError(f"cannot listen on {host}:{port}, no such address; choose another --host") from error
    bound = socket.socket(family, kind, protocol)
    if reuse_address:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except (OSError, OverflowError) as error:
        bound.close()
        raise InvalidInputError(_explain(error, host, port, option)) from error
    return bound


def reserve(host: str, port: int, *, option: str) -> socket.socket:
    """Hold a port without listening on it, for processes of this user that bind it with SO_REUSEPORT.

    As long as it is held nobody else gets the port, also while none of them listens.

    Raises:
        InvalidInputError: As for `listen`.
    """
    holder = _bound(host, port, option=option, reuse_address=False)
    # After binding: before, a port that another server shares in the same way would have been given to this one too.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return holder


def _explain(error: OSError | OverflowError, host: str, port: int, option: str) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; stop what listens there, or choose another with {option}"
    if isinstance(error, OSError) and error.errno == errno.EACCES:
        return f"port {port} may not be used without privileges; choose one above 1023 with {option}"
    return f"cannot listen on {host}:{port}: {error}; choose another with --host and {option}"


def url(host: str, port: int, *, tls: bool = False) -> str:
    """Where a caller on this machine reaches the port."""
    return f"{'https' if tls else 'http'}://{address(host, port)}"


def address(host: str, port: int) -> str:
    """The same as `HOST:PORT`: loopback if it is bound to every address."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 (not a bind)
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
