"""Keyed hashes that stand in the log for values which must not be read there.

The same value has the same hash wherever it stands, so hashed columns can still be counted, joined and watched as
categories; without the key nobody can try values out. The key is made once for each home folder and never leaves it.
"""

import contextlib
import hashlib
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

KEY_NAME = "privacy.key"
_KEY_BYTES = 32
_DIGEST_BYTES = 16


class Hasher:
    """Hashes with the key of a home folder.

    Args:
        home: The folder. The key is made when the first hash is asked for.

    Examples:
        >>> import tempfile
        >>> hasher = Hasher(Path(tempfile.mkdtemp()))
        >>> hasher.digest("anna") == hasher.digest("anna"), hasher.digest("anna") == hasher.digest("otto")
        (True, False)
    """

    def __init__(self, home: Path) -> None:
        self._path = home / KEY_NAME

    def digest(self, text: str) -> str:
        """The hash of a text, 32 hexadecimal digits."""
        return self._hash(text.encode())

    def of(self, value: Any) -> str | None:
        """The hash of a value as `spelt` spells it; a missing one stays missing.

        Bytes and arrays (images, tensors) are hashed as they are, arrays with their shape.
        """
        if isinstance(value, bytes):
            return self._hash(value)
        if isinstance(value, np.ndarray):
            return self._hash(f"{value.shape}{value.dtype.str}".encode() + _content(value))
        text = spelt(value)
        return None if text is None else self._hash(text.encode())

    def _hash(self, data: bytes) -> str:
        return hashlib.blake2b(data, key=self._key, digest_size=_DIGEST_BYTES).hexdigest()

    @cached_property
    def _key(self) -> bytes:
        try:
            return _read(self._path)
        except FileNotFoundError:
            _make(self._path)
            return _read(self._path)


def spelt(value: Any) -> str | None:
    """A value as text, as profiles spell categories: `true`, `3`, `3.5`, a time in ISO 8601; None for a missing one."""
    if value is None or value != value:  # noqa: PLR0124 (NaN and NaT)
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _content(values: "np.ndarray[Any, Any]") -> bytes:
    return repr(values.tolist()).encode() if values.dtype == np.object_ else values.tobytes()


def fault_of_key(path: Path) -> str | None:
    """What is wrong with a key; None if nothing is."""
    try:
        _read(path)
    except ValueError as error:
        return str(error)
    mode = path.stat().st_mode & 0o777
    return f"{path} is open to others (mode {mode:o}); `chmod 600` closes it" if mode & 0o077 else None


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path} has {len(key)} bytes, must have {_KEY_BYTES}; restore it from a backup")
    return key


def _make(path: Path) -> None:
    """Make the key, unless another process is quicker: whoever links first wins, and no half-written file is seen."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
