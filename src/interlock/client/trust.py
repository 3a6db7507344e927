"""Which certificate a client takes for the server's.

The system's own authorities vouch for it, or a file names one (`ca_file`, `INTERLOCK_CA_FILE`). Commands that work on a
home folder take the very certificate that its server was started with, whatever name it is for: they ask by address.
"""

import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from interlock.domain.errors import InvalidInputError, ServerUnreachableError

_FIRST_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Trust:
    """How to make sure of a server.

    Args:
        context: Makes TLS connections.
        pinned: The only certificate that is taken (DER); None where the context decides.
    """

    context: ssl.SSLContext
    pinned: bytes | None = None

    def secure(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        """Speak TLS on a connection from now on.

        Raises:
            ServerUnreachableError: It is another server, or none that speaks TLS.
        """
        try:
            secured = self.context.wrap_socket(plain, server_hostname=host)
        except (ssl.SSLError, OSError) as error:
            plain.close()
            why = getattr(error, "verify_message", "") or getattr(error, "reason", None) or str(error)
            raise ServerUnreachableError(
                f"{host} has no certificate that is trusted here ({why}); name its authority by INTERLOCK_CA_FILE"
            ) from error
        if self.pinned is not None and secured.getpeercert(binary_form=True) != self.pinned:
            secured.close()
            raise ServerUnreachableError(f"{host} shows another certificate than the server of this home folder has")
        return secured


def by_authority(ca_file: str | Path | None) -> Trust:
    """Trust the system's authorities, and that of a file.

    Raises:
        InvalidInputError: The file holds no certificates.
    """
    try:
        return Trust(ssl.create_default_context(cafile=None if ca_file is None else str(ca_file)))
    except OSError as error:
        raise InvalidInputError(f"ca_file == {str(ca_file)!r}, must hold certificates in PEM: {error}") from error


def by_certificate(file: str | Path) -> Trust:
    """Trust one certificate alone, the first in a file.

    Raises:
        InvalidInputError: It holds none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # compared as a whole instead
    try:
        found = _FIRST_CERTIFICATE.search(Path(file).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the server's certificate {str(file)!r} cannot be read: {error}") from error
    if found is None:
        raise InvalidInputError(f"the server's certificate {str(file)!r} holds no certificate in PEM")
    return Trust(context, ssl.PEM_cert_to_DER_cert(found[0]))
