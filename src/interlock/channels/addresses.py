"""What a channel's URL says, and what of it may be shown: it holds passwords and tokens, often as its path or host."""

from urllib.parse import parse_qsl, unquote, urlsplit

from interlock.domain.errors import InvalidInputError

WEBHOOKS = ("http", "https")

# In the URLs of other services a token may stand where the host stands here.
_WITH_HOST = (*WEBHOOKS, "mailto", "mailtos", "json", "jsons")

# Shorter parts are no secrets, and to blacken them would blacken half of a sentence.
_SHORTEST_SECRET = 4

_HIDDEN = "…"


def scheme(url: str) -> str:
    """The URL's scheme, which says what kind of channel it is.

    Raises:
        InvalidInputError: It has none, or is no URL. The URL itself is not repeated.
    """
    found, separator, rest = url.partition("://")
    if not separator or not found or not rest or not _is_whole(url):
        raise InvalidInputError("url must be like https://host/path or mailto://user:password@host?to=team@example.org")
    return found.lower()


def check_host(url: str) -> None:
    """Refuse a webhook's URL that names no host, or no port that there is.

    Raises:
        InvalidInputError: It does not.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if not parts.hostname or port == 0 or any(each.isspace() for each in url):
        raise InvalidInputError("url must name a host, and a port only from 1 to 65535, and hold no spaces")


def _is_whole(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True


def masked(url: str) -> str:
    """What may be shown of a URL.

    Examples:
        >>> masked("mailto://me:secret@mail.example:587/?to=team@example.org"), masked("slack://T1/T2/T3")
        ('mailto://mail.example:587/…', 'slack://…')
    """
    kind = scheme(url)
    host = urlsplit(url).netloc.rpartition("@")[2] if kind in _WITH_HOST else ""
    return f"{kind}://{host}/{_HIDDEN}" if host else f"{kind}://{_HIDDEN}"


def redact(text: str, url: str) -> str:
    """Blacken in a text whatever of a URL may be secret.

    Examples:
        >>> redact("535 no such password: secret", "mailto://me:secret@mail.example")
        '535 no such password: …'
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    values = [value for _, value in parse_qsl(parts.query)]
    found = [*user.split(":"), *parts.path.split("/"), *values, parts.query, parts.path]
    if scheme(url) not in _WITH_HOST:
        found.append(host)
    spelt = {spelling for part in found for spelling in (part, unquote(part)) if len(spelling) >= _SHORTEST_SECRET}
    for secret in sorted(spelt, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text
