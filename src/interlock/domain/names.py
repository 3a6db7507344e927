"""Names and references as users write them: `wine`, `wine:3`."""

import re
from typing import NewType

from interlock.domain.errors import InvalidInputError

VersionRef = NewType("VersionRef", str)
"""A model version as `name:version`."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")

# What databases have room for.
_NUMBER = re.compile(r"[0-9]{1,9}")


def check_name(kind: str, name: str) -> str:
    """Return `name` if it is a legal name of a model, endpoint or key.

    Raises:
        InvalidInputError: It does not match `[a-z0-9][a-z0-9._-]{0,127}`.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{kind} name == {name!r}, must be 1 to 128 of a-z 0-9 . _ - and start with a letter or digit"
        )
    return name


def version_ref(name: str, version: int) -> VersionRef:
    """Spell a model version: `version_ref("wine", 3) == "wine:3"`."""
    return VersionRef(f"{name}:{version}")


def split_ref(ref: str) -> tuple[str, int]:
    """Split `name:version`.

    Raises:
        InvalidInputError: It is not of that form.

    Examples:
        >>> split_ref("wine:3")
        ('wine', 3)
    """
    name, _, version = ref.rpartition(":")
    if not _NUMBER.fullmatch(version) or int(version) < 1 or not _NAME.fullmatch(name):
        raise InvalidInputError(f"model version == {ref!r}, must be NAME:VERSION like wine:3")
    return name, int(version)
