"""The style sheet and the script: served under an address that changes with the content, so browsers keep them."""

import hashlib
from pathlib import Path

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "static").iterdir())}


def asset_url(name: str) -> str:
    """Where a page finds a file."""
    return f"/static/{name}?v={hashlib.sha256(_FILES[name]).hexdigest()[:12]}"


def asset(name: str) -> tuple[bytes, str] | None:
    """A file and its media type, or None."""
    content = _FILES.get(name)
    return None if content is None else (content, _TYPES[Path(name).suffix])
