"""The address of a model on somebody else's server, as an administrator writes it.

Checked where it comes in (`api`), stored with the version, read by `remote`. A secret is never part of it: the address
names an environment variable of the server, and only ones that its keeper has called so may leave the machine.
"""

import re
from urllib.parse import urlsplit

import msgspec

from interlock.domain.errors import InvalidInputError

TOKEN_PREFIX = "INTERLOCK_REMOTE_"  # noqa: S105 (a name, not a token)
"""What an environment variable must be called by to be sent to a server: an address must not read any other."""

_PATH = re.compile(
    r"(?P<before>(?:/[A-Za-z0-9._~-]+)*)/v2/models/(?P<model>[^/?#\s]+)(?:/versions/(?P<version>[^/?#\s]+))?/?"
)


class RemoteAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a remote model is.

    Args:
        url: Like `https://triton.internal:8000/v2/models/churn` or `.../v2/models/churn/versions/3`.
        token_env: Environment variable of the server that holds a bearer token; None for none.
    """

    url: str
    token_env: str | None = None

    def check(self) -> None:
        """Hold it to the rules.

        Raises:
            InvalidInputError: What breaks a rule, and the rule.
        """
        _check_url(self.url)
        name = self.token_env
        if name is not None and not re.fullmatch(rf"{TOKEN_PREFIX}[A-Z0-9_]+", name):
            raise InvalidInputError(
                f"token_env == {name!r}, must be an environment variable of the server that begins with {TOKEN_PREFIX}"
            )

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        parts = urlsplit(self.url)
        return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def path(self) -> str:
        """The model's path, without a slash at its end."""
        return urlsplit(self.url).path.rstrip("/")

    @property
    def server_path(self) -> str:
        """The path of the server's own metadata."""
        return self.path[: self.path.index("/v2/models/")] + "/v2"


def _check_url(url: str) -> None:
    shape = "must look like http://host:8000/v2/models/NAME, with /versions/N behind it if one is meant"
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError as error:
        raise InvalidInputError(f"url == {url!r}, {shape} ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_right:
        raise InvalidInputError(f"url == {url!r}, {shape}")
    if parts.username is not None or parts.password is not None:
        raise InvalidInputError("url holds a user or password, which would be stored; name a variable with --token-env")
    if parts.query or parts.fragment or not _PATH.fullmatch(parts.path) or not url.isprintable():
        raise InvalidInputError(f"url == {url!r}, {shape}")
