"""Certificate and key: looked at by the supervisor before anything is started with them, and used by the workers."""

import ssl
from pathlib import Path

from interlock.domain.errors import InvalidInputError


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """What a server needs for TLS 1.2 and later.

    Args:
        certificate: PEM: the server's own, then those that vouch for it.
        key: PEM, without a password.

    Raises:
        InvalidInputError: They cannot be read, or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"--tls-cert {certificate} and --tls-key {key} cannot be used: {error}; give a certificate chain and its "
            "key, both in PEM"
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")
